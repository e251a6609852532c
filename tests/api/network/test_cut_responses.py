"""Responses that are cut off because the connection ends."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from social_core.backends.oauth import BaseOAuth1
from social_core.exceptions import SocialAuthBaseException

from social_endpoints.internal.backends.loading import load
from social_endpoints.internal.backends.registry import Provider as ConfiguredProvider
from social_endpoints.internal.flows.flow import Flow
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, error
from tests.support.id_token_providers import signed
from tests.support.native import post_tokens
from tests.support.tcp_backends import LoopbackOAuth2
from tests.support.tcp_provider import Connection, Provider, send_instead

pytestmark = pytest.mark.django_db

CONTENT = json.dumps({"access_token": "token-1", "id": "1", "login": "user1"}).encode()


def head(*headers: str, version: str = "1.1", status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/{version} {status}", *headers, "", ""]).encode()


def with_length(content: bytes, *headers: str, **line: str) -> bytes:
    return head(f"Content-Length: {len(content)}", *headers, **line) + content


def until_close(content: bytes, *headers: str, **line: str) -> bytes:
    return head("Connection: close", *headers, **line) + content


def chunked(content: bytes, *headers: str) -> bytes:
    parts = [content[start : start + 20] for start in range(0, len(content), 20)]
    # The beginning of a chunk's size is a size as well, and the first zero is the one of the end.
    body = b"".join(b"0%x;a\r\n%b\r\n" % (len(part), part) for part in parts)
    return head("Transfer-Encoding: chunked", *headers) + body + b"0\r\nA: b\r\n\r\n"


ZIPPED = gzip.compress(CONTENT, mtime=0)
GZIP = "Content-Encoding: gzip"

RESPONSES = {
    "length": with_length(CONTENT),
    "length, HTTP/1.0": with_length(CONTENT, version="1.0"),
    "length, gzip": with_length(ZIPPED, GZIP),
    "chunked": chunked(CONTENT),
    "chunked, gzip": chunked(ZIPPED, GZIP),
    "until close": until_close(CONTENT),
    "until close, HTTP/1.0": until_close(CONTENT, version="1.0"),
    "until close, gzip": until_close(ZIPPED, GZIP),
    "until close, deflate": until_close(zlib.compress(CONTENT), "Content-Encoding: deflate"),
    "after an interim response": head(status="100 Continue") + with_length(CONTENT),
    "error": with_length(b'{"error": "invalid_grant"}', status="400 Bad Request"),
}


def cut(response: bytes, length: int) -> Callable[[Connection], None]:
    """Return a behaviour that sends the beginning of a response and closes the connection."""

    def serve(connection: Connection) -> None:
        connection.send(response[:length])
        connection.close()

    return serve


@pytest.fixture
def backend(any_provider: Provider) -> Any:
    path = "tests.support.tcp_backends.LoopbackOAuth2"
    provider = ConfiguredProvider("loopback", path, LoopbackOAuth2)
    flow = Flow("loopback", "login", "https://app.example.com/")
    return load(provider, request=None, data={}, flow=flow)[1]


def code_of(request: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """Return the error code of a request, or the content of its response."""
    try:
        return str(request(*args, **kwargs).content.decode())
    except SocialAuthBaseException as failure:
        return failure.code


@pytest.mark.parametrize("name", RESPONSES)
def test_response_that_is_cut_off_anywhere_is_a_failed_connection(
    name: str, any_provider: Provider, backend: Any
) -> None:
    response, stage = RESPONSES[name], "token_exchange"
    is_slow = any_provider.context is not None  # The handshakes.
    step = 29 if is_slow else 1 if name in {"length", "chunked"} else 3
    codes = {}
    for length in range(0, len(response), step):
        any_provider.special["/user"] = cut(response, length)
        codes[length] = code_of(backend.request, f"{any_provider.url}/user", stage=stage)

    assert any_provider.requests.total() == len(codes)
    if name.startswith("until close, "):  # The JSON may end before the compressed data.
        codes = {length: code for length, code in codes.items() if code != CONTENT.decode()}
    assert set(codes.values()) == {"connection_failed"}
    any_provider.special["/user"] = cut(response, len(response))
    whole = code_of(backend.request, f"{any_provider.url}/user", stage=stage)
    assert whole == ("authorization_code_rejected" if name == "error" else CONTENT.decode())


@pytest.mark.parametrize(("length", "requests"), [(0, 2), (1, 1), (20, 1), (60, 1)])
def test_request_is_repeated_only_without_a_response(
    length: int, requests: int, any_provider: Provider, backend: Any
) -> None:
    any_provider.special["/user"] = cut(with_length(CONTENT), length)

    assert code_of(backend.request, f"{any_provider.url}/user") == "connection_failed"
    assert any_provider.requests.total() == requests


@pytest.mark.parametrize(
    ("response", "status"),
    [
        (head(status="204 No Content"), 204),
        (head("Content-Length: 90", status="204 No Content"), 204),
        (head("Content-Length: 90", status="304 Not Modified"), 304),
        (until_close(b"", status="404 Not Found"), 404),
        (until_close(b"x=1"), 200),
        (until_close(b"[" * 100_000), 200),
    ],
)
def test_response_that_is_not_cut_off_is_returned(
    response: bytes, status: int, any_provider: Provider, backend: Any
) -> None:
    any_provider.special["/user"] = cut(response, len(response))

    try:
        returned = backend.request(f"{any_provider.url}/user").status_code
    except SocialAuthBaseException as failure:
        returned = failure.status_code

    assert returned == status


def test_compressed_body_that_ends_too_early_for_its_format_is_cut_off(
    any_provider: Provider, backend: Any
) -> None:
    any_provider.special["/user"] = cut(until_close(b"no gzip", GZIP), 1_000)

    assert code_of(backend.request, f"{any_provider.url}/user") == "connection_failed"


def test_empty_response_to_a_revocation_is_a_success(any_provider: Provider, backend: Any) -> None:
    any_provider.special["/user"] = cut(until_close(b""), 1_000)
    url = f"{any_provider.url}/user"

    assert backend.request(url, method="POST", stage="disconnect").status_code == 200


@pytest.mark.parametrize("length", [60, 80, 90])
def test_redirect_with_a_body_that_is_cut_off_is_followed(
    length: int, any_provider: Provider, backend: Any
) -> None:
    redirect = with_length(CONTENT, "Location: /user", status="302 Found")
    any_provider.special["/moved"] = cut(redirect, length)
    any_provider.special["/user"] = cut(with_length(CONTENT), 1_000)

    assert code_of(backend.request, f"{any_provider.url}/moved") == CONTENT.decode()


# --- Endpoints ------------------------------------------------------------------------


class LoopbackOAuth1(BaseOAuth1):  # type: ignore[type-arg]  # in social-core 6 it is not generic
    name = "loopback-oauth1"
    AUTHORIZATION_URL = "https://loopback.example.com/authorize"

    @property
    def REQUEST_TOKEN_URL(self) -> str:  # type: ignore[override]  # noqa: N802 - of social-core
        return f"{self.setting('URL')}/request-token"


def begin_openid2(url: str) -> Any:
    return Frontend("body").begin("openid", openid_identifier=url)


def begin_oauth1(url: str) -> Any:
    return Frontend("body").begin("loopback-oauth1")


def begin_openid_connect(url: str) -> Any:
    return Frontend("body").begin("oidc")


def sign_in_natively(url: str) -> Any:
    return post_tokens("oidc", id_token=signed(b"{}", kid="1"))


def sign_in_with_an_access_token(url: str) -> Any:
    return post_tokens("oidc", access_token="an-access-token")


def discovery(url: str) -> dict[str, str]:
    paths = ("authorization_endpoint", "token_endpoint", "jwks_uri", "introspection_endpoint")
    return {"issuer": url, **{name: f"{url}/{name}" for name in paths}}


@pytest.mark.parametrize(
    ("path", "ask"),
    [
        ("/.well-known/openid-configuration", begin_openid_connect),
        ("/jwks_uri", sign_in_natively),
        ("/introspection_endpoint", sign_in_with_an_access_token),
        ("/request-token", begin_oauth1),
        ("/", begin_openid2),
    ],
)
@pytest.mark.parametrize("framing", [with_length, chunked])
def test_response_of_each_endpoint_may_be_cut_off(
    framing: Any, path: str, ask: Any, settings: Any, configure: Configure
) -> None:
    provider = Provider()
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.open_id_connect.OpenIdConnectAuth",
        "social_core.backends.open_id.OpenIdAuth",
        f"{__name__}.LoopbackOAuth1",
    ]
    settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = provider.url
    settings.SOCIAL_AUTH_LOOPBACK_OAUTH1_URL = provider.url
    settings.SOCIAL_AUTH_LOOPBACK_OAUTH1_KEY = "our-id"
    settings.SOCIAL_AUTH_LOOPBACK_OAUTH1_SECRET = "our-secret"
    settings.SOCIAL_AUTH_OPENID_INTERNAL_HOSTS = [f"127.0.0.1:{provider.port}"]
    configure(NATIVE_PROVIDERS=["oidc"])
    cache.clear()
    document = json.dumps(discovery(provider.url)).encode()
    provider.special["/.well-known/openid-configuration"] = send_instead(with_length(document))
    response, outcomes = framing(b"a=b" * 20, "Content-Type: text/plain"), set()
    for length in range(0, len(response), 11):
        provider.special[path] = cut(response, length)
        outcomes.add(error(ask(provider.url)))
    provider.stop()

    assert outcomes == {(400, "connection_failed")}
