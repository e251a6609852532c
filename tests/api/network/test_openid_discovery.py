"""Discovery of OpenID 2.0: what is read, and within which limits."""

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
    settings.SOCIAL_AUTH_OPENID_INTERNAL_HOSTS = [f"127.0.0.1:{server.port}"]
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
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "data",
    [
        response(b"<" * 1_100_000),
        response(BOMB, headers="Content-Encoding: gzip\r\n"),
        response(b"<" * 1_100_000, status=302, headers="Location: /\r\n"),
        response(b"", status=302, headers=f"Location: /{'a' * 4096}\r\n"),
        response(b"", status=302, headers="Location: /\r\n"),
    ],
    ids=["body", "compressed", "redirect body", "location", "redirects"],
)
def test_response_above_a_limit_is_malformed(data: bytes, server: Provider) -> None:
    server.special = dict.fromkeys(("/ada", "/"), send_instead(data))
    started = time.process_time()

    answer = begin(server)

    assert (answer.status_code, answer.data["error_code"]) == (400, "malformed_response")
    assert sum(server.requests.values()) <= 6
    assert time.process_time() - started < 2


# --- Documents --------------------------------------------------------------------------

OP = "https://op.example.com/server"
LINK = f'<link rel="openid2.provider" href="{OP}">'
XRDS_TYPE = b"application/xrds+xml"


def begin_with(server: Provider, text: str, content_type: bytes = b"text/html") -> Any:
    data = response(text.encode()).replace(b"application/json", content_type)
    server.special = {"/ada": send_instead(data)}
    return begin(server)


def xrds(*services: str, prefix: str = "") -> str:
    names = 'xmlns:xrds="xri://$xrds" xmlns="xri://$xrd*($v*2.0)"'
    return f"{prefix}<xrds:XRDS {names}><XRD>{''.join(services)}</XRD></xrds:XRDS>"


def service(type_uri: str, uri: str = OP) -> str:
    return f"<Service><Type/><Type>{type_uri}</Type><URI>{uri}</URI></Service>"


SIGN_ON = "http://specs.openid.net/auth/2.0/signon"


@pytest.mark.parametrize(
    "text",
    [
        f"<!doctype html><html lang=en><head><title>A</title>{LINK}</head><body></body></html>",
        f"<HTML><HEAD><LINK HREF='{OP}' REL='x OpenID2.Provider'/></HEAD></HTML>",
        f"<html><head><link rel=openid2.provider href={OP}></head></html>",
        f'<html><head><link title="a>b" rel="openid2.provider" href="{OP}"></head></html>',
        f"<html><head><!-- <link> --><script>'<link'</script>{LINK}<body>",
        f"<html><head><link rel='openid.server' href='http://other.example.com/'>{LINK}</head>",
        f"<html><head>{LINK}<link rel='openid2.provider' href='http://other.example.com/'></head>",
        f"<html><head>{LINK}</head>{'<p>' * 100_000}",
        xrds(service(SIGN_ON)),
        xrds(
            service("http://openid.net/signon/1.1", "http://other.example.com/"), service(SIGN_ON)
        ),
    ],
)
def test_provider_in_document_is_found(text: str, server: Provider) -> None:
    begun = begin_with(server, text)

    assert begun.status_code == 200, begun.data
    assert begun.data["authorization_url"].startswith(f"{OP}?")


def test_ampersand_in_link_is_decoded(server: Provider) -> None:
    begun = begin_with(server, f"<html><head>{LINK.replace('server', 'server?a=1&amp;b=2')}")

    assert begun.data["authorization_url"].startswith(f"{OP}?a=1&b=2&")


@pytest.mark.parametrize("kind", ["header", "meta element"])
def test_xrds_document_elsewhere_is_found(kind: str, server: Provider) -> None:
    url, meta = f"{server.url}/xrds", ""
    document = response(xrds(service(SIGN_ON)).encode())
    headers = f"X-XRDS-Location: {url}\r\n"
    if kind == "meta element":
        headers, meta = "", f'<meta http-equiv="x-xrds-location" content="{url}">'
    text = f"<html><head>{meta}<link rel='openid.server' href='http://other.example.com/'></head>"
    server.special = {
        "/ada": send_instead(response(text.encode(), headers=headers)),
        "/xrds": send_instead(document),
    }

    begun = begin(server)

    assert begun.status_code == 200, begun.data
    assert begun.data["authorization_url"].startswith(f"{OP}?")


def test_long_url_of_xrds_document_is_not_requested(server: Provider) -> None:
    url = f"{server.url}/{'a' * 2048}"
    page = response(b"", headers=f"X-XRDS-Location: {url}\r\n")
    server.special = {"/ada": send_instead(page)}

    begun = begin(server)

    assert (begun.status_code, begun.data["error_code"]) == (400, "invalid_parameter")
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        LINK,
        f"<html>{LINK}</html>",
        f"<html><body>{LINK}</body></html>",
        f"<html><head></head>{LINK}</html>",
        f"<html><head><!-- {LINK} --></head></html>",
        f"<html><head><!-- {LINK}</head></html>",
        f"<html><head><![CDATA[{LINK}]]></head></html>",
        f"<html><head><script>{LINK}</script></head></html>",
        f"<html><head><title>{LINK}</title></head></html>",
        "<html><head><link rel='openid2.provider'></head></html>",
        f"<html><head>{'<!-- x -->' * 10_000}{LINK}</head></html>",
        xrds(service("http://example.com/other")),
        xrds("<Service/>"),
        xrds(service(SIGN_ON), "<!-- -->" * 3_000),
        xrds(service(SIGN_ON, "&e;"), prefix=f'<!DOCTYPE x [<!ENTITY e "{OP}">]>'),
        xrds(
            f"<Service><Type>{SIGN_ON}</Type><URI>{OP}</URI><LocalID>a</LocalID><LocalID>b</LocalID></Service>"
        ),
    ],
)
@pytest.mark.parametrize("content_type", [b"text/html", XRDS_TYPE])
def test_document_without_provider_is_rejected(
    text: str, content_type: bytes, server: Provider
) -> None:
    begun = begin_with(server, text, content_type)

    assert (begun.status_code, begun.data["error_code"]) == (400, "invalid_parameter")


@pytest.mark.parametrize(
    "unit",
    [
        "<html ",
        "<head ",
        "<link ",
        "<link a='",
        '<link a="<link "',
        "<!--",
        "<script ",
        "a=",
        "aaa",
        "&#9",
    ],
)
@pytest.mark.parametrize("start", ["", "<html><head>", "<html><head><link "])
def test_time_for_a_page_grows_with_its_size(unit: str, start: str, server: Provider) -> None:
    def cost(size: int) -> float:
        text = start + unit * (size // len(unit)) + ">"
        times = []
        for _ in range(3):
            started = time.thread_time()
            assert begin_with(server, text).status_code == 400
            times.append(time.thread_time() - started)
        return min(times)

    # With python3-openid's expressions, four times the size takes 16 times as long, or more.
    assert cost(64_000) < 8 * cost(16_000)


def test_services_of_a_document_are_bounded(server: Provider) -> None:
    parts = "<Type>a</Type><URI>b</URI>" * 20_000
    begun = begin_with(server, xrds(f"<Service>{parts}</Service>"), XRDS_TYPE)

    assert (begun.status_code, begun.data["error_code"]) == (400, "invalid_parameter")
