"""Endpoints that a provider has moved since its discovery document was stored."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from social_core.backends.github import GithubOAuth2

from social_endpoints.internal.backends.loading import load
from social_endpoints.internal.backends.registry import Provider as ConfiguredProvider
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.network.document_cache import (
    MAX_LIFETIME,
    PAUSE,
    CachedDocument,
)
from social_endpoints.testing import ProviderResponse
from tests.support import caches
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, error
from tests.support.http_provider import served
from tests.support.id_token_providers import signed
from tests.support.native import post_tokens
from tests.support.openid_provider import OpenIDProvider
from tests.support.tcp_provider import Connection, Provider, send_instead

pytestmark = pytest.mark.django_db

DISCOVERY = "/.well-known/openid-configuration"
ENDPOINTS = {"/token": "token_endpoint", "/userinfo": "userinfo_endpoint", "/jwks": "jwks_uri"}


@pytest.fixture
def frontend() -> Frontend:
    return Frontend("body")


@pytest.fixture
def openid(settings: Any) -> Iterator[OpenIDProvider]:
    """Return a provider with a real server."""
    cache = {"BACKEND": "tests.support.caches.TrackedCache", "LOCATION": "test_moved_endpoints"}
    settings.CACHES = {"default": cache}
    caches.TrackedCache("test_moved_endpoints", {}).clear()
    with served() as (url, provider):
        settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = url
        yield provider


@pytest.fixture
def old_server() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.stop()


def with_status(status: int, content: Any = b"", headers: str = "") -> Any:
    return lambda connection: connection.answer(content, status=status, headers=headers)


def redirect(status: int, location: str) -> Any:
    return with_status(status, headers=f"Location: {location}\r\n")


def html(status: int) -> Any:
    head = f"HTTP/1.1 {status} Status\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n"
    return send_instead(f"{head}<html>".encode())


page = html(200)


MOVED: dict[str, Any] = {
    **{f"status {status}": with_status(status) for status in (404, 405, 410, 501)},
    "error in JSON": with_status(404, {"error": "not_found"}),
    "no location": with_status(301),
    "redirect to the page": redirect(302, "/page"),
    "redirect to nothing": redirect(301, "/nothing"),
    "redirect to another origin": redirect(308, "http://127.0.0.1:1/moved"),
    "refused": "http://127.0.0.1:1/old",
    "unknown host": "http://id.invalid/old",
}


def begin_before_the_move(
    frontend: Frontend, openid: OpenIDProvider, path: str, old_url: str
) -> tuple[Any, dict[str, str]]:
    """Begin with the document that names the old URL, which the provider then replaces."""
    openid.endpoints = {ENDPOINTS[path]: old_url}
    begun, callback = frontend.authorize(openid)
    openid.endpoints = {}
    openid.paths.clear()
    return begun, callback


@pytest.mark.parametrize(
    ("path", "sign"),
    [
        *(("/token", sign) for sign in MOVED),
        *(product(["/userinfo", "/jwks"], ["status 404", "redirect to the page", "refused"])),
        ("/userinfo", "redirect to another origin"),
    ],
)
def test_login_continues_at_the_new_endpoint(
    sign: str, path: str, frontend: Frontend, openid: OpenIDProvider, old_server: Provider
) -> None:
    old = MOVED[sign]
    old_server.special = {"/old": old, "/page": page}
    old_url = old if isinstance(old, str) else f"{old_server.url}/old"
    begun, callback = begin_before_the_move(frontend, openid, path, old_url)

    completed = frontend.complete(begun, callback)

    assert completed.status_code == 201, completed.data
    assert sorted(openid.paths) == sorted([DISCOVERY, *ENDPOINTS])
    assert old_server.requests.total() <= 2
    openid.paths.clear()
    assert frontend.log_in(openid).status_code == 201
    assert DISCOVERY not in openid.paths


@pytest.mark.parametrize(
    "failure",
    [
        with_status(500),
        with_status(403),
        with_status(401, {"error": "invalid_client"}),
        html(400),
        html(401),
        redirect(303, "/page"),
        redirect(303, "http://127.0.0.1:1/page"),
        Connection.close,
        Connection.reset,
        with_status(200, b"<html>"),
    ],
)
def test_code_that_may_have_been_redeemed_is_not_sent_again(
    failure: Any, frontend: Frontend, openid: OpenIDProvider, old_server: Provider
) -> None:
    old_server.special = {"/old": failure, "/page": page}
    begun, callback = begin_before_the_move(frontend, openid, "/token", f"{old_server.url}/old")

    assert frontend.complete(begun, callback).status_code == 400
    assert openid.paths == []
    assert frontend.log_in(openid).status_code == 201
    assert openid.paths.count(DISCOVERY) == 1


@pytest.mark.parametrize("failure", [Connection.close, Connection.reset])
def test_code_that_was_sent_through_a_proxy_is_not_sent_again(
    failure: Any, frontend: Frontend, openid: OpenIDProvider, old_server: Provider, settings: Any
) -> None:
    old_url = "http://old.example.com/old"
    settings.SOCIAL_AUTH_PROXIES = {"http://old.example.com": old_server.url}
    old_server.special[old_url] = failure
    begun, callback = begin_before_the_move(frontend, openid, "/token", old_url)

    refused = frontend.complete(begun, callback)

    assert error(refused) == (400, "connection_failed")
    assert old_server.requests.total() == 1
    assert openid.paths == []


@pytest.mark.parametrize(
    "refusal",
    [
        (400, {"error": "invalid_grant"}),
        (400, b""),
        (403, {"error": "invalid_grant"}),
        (404, {"error": "invalid_grant"}),
        (429, b""),
        (200, {"error": "bad_verification_code"}),
    ],
)
def test_refused_code_causes_no_request_for_discovery(
    refusal: tuple[int, Any], frontend: Frontend, openid: OpenIDProvider, old_server: Provider
) -> None:
    old_server.special["/old"] = with_status(*refusal)
    begun, callback = begin_before_the_move(frontend, openid, "/token", f"{old_server.url}/old")

    assert frontend.complete(begun, callback).status_code == 400
    frontend.begin()
    assert openid.paths == []


@pytest.mark.parametrize(
    "body",
    [
        {"id_token": "a.b.c"},
        {"id_token": signed(b"{}", kid="unknown")},
        {"access_token": "unknown"},
    ],
)
def test_forged_tokens_cause_no_request_for_discovery(
    body: dict[str, str], frontend: Frontend, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(NATIVE_PROVIDERS=["oidc"])
    openid.endpoints["introspection_endpoint"] = f"{openid.url}/introspect"
    assert frontend.log_in(openid).status_code == 201
    caches.age_documents(PAUSE)
    openid.paths.clear()

    assert post_tokens("oidc", **body).status_code == 400
    frontend.begin()

    assert DISCOVERY not in openid.paths


def test_endpoint_in_the_settings_is_not_replaced(
    frontend: Frontend, openid: OpenIDProvider, old_server: Provider, settings: Any
) -> None:
    old_server.special["/old"] = with_status(404)
    settings.SOCIAL_AUTH_OIDC_ACCESS_TOKEN_URL = f"{old_server.url}/old"
    begun, callback = begin_before_the_move(frontend, openid, "/token", f"{old_server.url}/old")

    assert error(frontend.complete(begun, callback)) == (400, "http_error")
    assert openid.paths == []


@pytest.mark.parametrize("path", ENDPOINTS)
def test_unchanged_document_is_requested_once_a_minute(
    path: str, frontend: Frontend, openid: OpenIDProvider, old_server: Provider
) -> None:
    old_server.special["/old"] = with_status(404)
    begun, callback = begin_before_the_move(frontend, openid, path, f"{old_server.url}/old")
    openid.endpoints = {ENDPOINTS[path]: f"{old_server.url}/old"}

    assert error(frontend.complete(begun, callback)) == (400, "http_error")
    for _ in range(3):
        assert error(frontend.log_in(openid)) == (400, "http_error")

    assert openid.paths.count(DISCOVERY) == 1
    assert old_server.requests.total() == 4


@pytest.mark.parametrize(
    "document",
    [
        (500, "{}"),
        (200, "<html>"),
        (200, '{"issuer": "https://evil.example.com", "token_endpoint": "http://127.0.0.1:1/"}'),
    ],
)
def test_stored_document_is_used_while_discovery_fails(
    document: tuple[int, str], frontend: Frontend, openid: OpenIDProvider, old_server: Provider
) -> None:
    old_server.special["/old"] = with_status(404)
    begun, callback = begin_before_the_move(frontend, openid, "/token", f"{old_server.url}/old")
    status, content = document
    headers = {"Content-Type": "application/json"}
    openid.replace("discovery", ProviderResponse(status, content, headers))

    assert error(frontend.complete(begun, callback)) == (400, "http_error")
    assert error(frontend.log_in(openid)) == (400, "http_error")
    assert openid.paths.count(DISCOVERY) == 1


def test_document_that_another_login_has_requested_is_used(
    frontend: Frontend, openid: OpenIDProvider, old_server: Provider
) -> None:
    def move(connection: Connection) -> None:
        """Have another login request the document while this one is at the old endpoint."""
        caches.age_documents(MAX_LIFETIME)
        assert Frontend("body").begin().status_code == 200
        connection.answer(b"", status=404)

    old_server.special["/old"] = move
    begun, callback = begin_before_the_move(frontend, openid, "/token", f"{old_server.url}/old")

    assert frontend.complete(begun, callback).status_code == 201
    assert openid.paths.count(DISCOVERY) == 1


def test_document_that_this_login_has_requested_is_not_requested_again(
    frontend: Frontend, openid: OpenIDProvider, old_server: Provider
) -> None:
    old_server.special["/old"] = with_status(404)
    begun, callback = begin_before_the_move(frontend, openid, "/token", f"{old_server.url}/old")
    openid.endpoints = {"token_endpoint": f"{old_server.url}/old"}
    caches.TrackedCache("test_moved_endpoints", {}).clear()

    assert error(frontend.complete(begun, callback)) == (400, "http_error")
    assert openid.paths == [DISCOVERY]


def test_keys_that_another_login_has_requested_are_used_first(openid: OpenIDProvider) -> None:
    provider = ConfiguredProvider("github", "", GithubOAuth2)
    backend = load(provider, request=None, data={}, flow=Flow("github", "login", ""))[1]
    documents = iter(["first", "second", "third"])

    def cached() -> CachedDocument:
        return CachedDocument("jwks", backend, openid.url, lambda: (next(documents), ""), bool)

    assert cached().get() == "first"
    versions = cached().versions(rate_limited=True)
    assert next(versions) == "first"
    assert list(cached().versions(rate_limited=True)) == ["first", "second"]

    assert list(versions) == ["second", "third"]


def test_native_sign_in_uses_the_new_keys(
    frontend: Frontend, openid: OpenIDProvider, old_server: Provider, configure: Configure
) -> None:
    configure(NATIVE_PROVIDERS=["oidc"])
    old_server.special["/old"] = with_status(404)
    begin_before_the_move(frontend, openid, "/jwks", f"{old_server.url}/old")

    refused = post_tokens("oidc", id_token=signed(b"{}", openid.private_key, kid="1"))

    assert refused.data["error_code"] != "http_error"  # The signature was verified.
    assert openid.paths == [DISCOVERY, "/jwks"]
