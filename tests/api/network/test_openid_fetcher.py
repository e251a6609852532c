"""The limits of the fetcher of python3-openid."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.frontend import Frontend
from tests.support.tcp_provider import Provider, drip, response, send_instead

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
BOMB = gzip.compress(b"<" * 100_000_000)


@pytest.fixture
def server(settings: Any) -> Iterator[Provider]:
    """Return the server that a user has named as an OpenID provider."""
    path = "social_core.backends.open_id.OpenIdAuth"
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, path]
    server = Provider()
    yield server
    server.stop()


def begin(server: Provider) -> Any:
    return Frontend("body").begin("openid", openid_identifier=f"{server.url}/ada")


@pytest.mark.parametrize(
    ("start", "rest"),
    [(HEAD, b"X-Long: " + b"x" * 1000), (HEAD + b"Content-Length: 1000\r\n\r\n", b"x" * 1000)],
    ids=["header", "body"],
)
def test_dripping_response_ends_in_time(
    start: bytes, rest: bytes, server: Provider, configure: Callable[..., None]
) -> None:
    configure(LOGIN_TIMEOUT=0.5)
    server.on_connection = drip(start, rest)
    started = time.monotonic()

    answer = begin(server)

    assert (answer.status_code, answer.data["error_code"]) == (400, "timeout")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "data",
    [
        response(b"<" * 1_100_000),
        response(BOMB, headers="Content-Encoding: gzip\r\n"),
        response(b"<" * 1_100_000, status=302, headers="Location: /\r\n"),
        response(b"", status=302, headers=f"Location: /{'a' * 4096}\r\n"),
        response(b"", status=302, headers="Location: /\r\n"),
        response(b"<").replace(b"application/json", b"text/html; charset=nobody"),
    ],
    ids=["body", "compressed", "redirect body", "location", "redirects", "encoding"],
)
def test_response_above_a_limit_is_malformed(data: bytes, server: Provider) -> None:
    server.special = dict.fromkeys(("/ada", "/"), send_instead(data))
    started = time.process_time()

    answer = begin(server)

    assert (answer.status_code, answer.data["error_code"]) == (400, "malformed_response")
    assert sum(server.requests.values()) <= 6
    assert time.process_time() - started < 2
