"""``request()`` of the backends, compared with social-core's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
import requests
import responses
from social_core.backends.base import BaseAuth
from social_core.backends.facebook import FacebookOAuth2
from social_core.backends.github import GithubOAuth2
from social_core.backends.google_openidconnect import GoogleOpenIdConnect
from social_core.backends.open_id import OpenIdAuth
from social_core.backends.twitter import TwitterOAuth
from social_core.exceptions import AuthConfigurationError, SocialAuthBaseException
from social_core.utils import user_agent

from social_endpoints.internal.backends.loading import load
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.network.transport import Transport
from tests.support.tcp_backends import LoopbackOAuth2, OwnRequest
from tests.support.tcp_provider import Provider as TcpProvider

URL = "https://id.example.com/profile"


def loaded(backend_class: Any) -> Any:
    """Return a backend as the actions load it."""
    path = f"{backend_class.__module__}.{backend_class.__qualname__}"
    flow = Flow(backend_class.name, "login", "https://app.example.com/")
    provider = Provider(backend_class.name, path, backend_class)
    return load(provider, request=None, data={}, flow=flow)[1]


@pytest.mark.parametrize(
    "backend_class",
    [LoopbackOAuth2, OwnRequest, FacebookOAuth2, GoogleOpenIdConnect, OpenIdAuth, TwitterOAuth],
)
def test_transport_is_directly_above_base_auth(backend_class: Any) -> None:
    backend = type(loaded(backend_class))
    order = backend.__mro__

    assert order[order.index(BaseAuth) - 1] is Transport
    assert (backend.__module__, backend.__qualname__) == (
        backend_class.__module__,
        backend_class.__qualname__,
    )


def test_transport_has_the_signature_of_social_core() -> None:
    assert inspect.signature(Transport.request) == inspect.signature(BaseAuth.request)


def outcome(request: Any, *args: Any, **kwargs: Any) -> Any:
    """Return what a request comes to, as far as it can be compared."""
    try:
        response = request(*args, **kwargs)
    except SocialAuthBaseException as error:
        return type(error), error.public_metadata(), error.status_code, type(error.__cause__)
    return response.status_code, response.content


FAILURES: dict[str, dict[str, Any]] = {
    "success": {"json": {"id": 1}},
    "not found": {"status": 404},
    "rate limit": {"status": 429, "headers": {"Retry-After": "7"}},
    "unavailable": {"status": 503, "json": {}},
    "protocol error": {"status": 400, "json": {"error": "invalid_grant"}},
    "denied": {"status": 403, "json": {"error": {"code": "access_denied"}}},
    "timeout": {"body": requests.ReadTimeout(f"at {URL}?token=x")},
    "connect timeout": {"body": requests.ConnectTimeout()},
    "TLS": {"body": requests.exceptions.SSLError()},
    "connection": {"body": requests.ConnectionError(f"Max retries exceeded with url: {URL}")},
    "proxy": {"body": requests.exceptions.ProxyError()},
    "encoding": {"body": requests.exceptions.ContentDecodingError()},
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_outcome_is_that_of_social_core(failure: Any, wire: responses.RequestsMock) -> None:
    backend = loaded(GithubOAuth2)
    wire.get(URL, **failure)
    options = {"headers": {"Accept": "x"}, "params": {"a": "b"}, "stage": "token_exchange"}

    ours, theirs = (
        outcome(request, backend, URL, **options)
        for request in (Transport.request, BaseAuth.request)
    )

    assert ours == theirs
    sent, expected = (call.request for call in wire.calls)
    assert (sent.url, sent.headers) == (expected.url, expected.headers)


@pytest.mark.parametrize("url", ["not a url", "ftp://example.com/", "https://[/"])
def test_configured_url_that_is_malformed_is_a_setting(url: str) -> None:
    backend = loaded(GithubOAuth2)

    assert outcome(backend.request, url) == outcome(BaseAuth.request, backend, url)


def test_configured_host_that_is_too_long_is_a_setting() -> None:
    found = outcome(loaded(GithubOAuth2).request, f"https://{'a' * 70}.example.com/")

    assert found[0] is AuthConfigurationError


def test_user_agent_of_a_backend_is_kept(wire: responses.RequestsMock) -> None:
    wire.get(URL)
    backend = loaded(GithubOAuth2)
    backend.SEND_USER_AGENT = True

    backend.request(URL, headers={"User-Agent": "own"})
    backend.request(URL)

    sent = [call.request.headers["User-Agent"] for call in wire.calls]
    assert sent == ["own", user_agent()]


def test_urls_are_removed_from_the_messages(wire: responses.RequestsMock) -> None:
    wire.get(URL, body=requests.ConnectionError(f"Max retries exceeded with url: {URL}?token=x"))

    with pytest.raises(SocialAuthBaseException) as raised:
        loaded(GithubOAuth2).request(f"{URL}?token=x")

    assert "token=x" not in str(raised.value.__cause__)


@pytest.mark.django_db
def test_request_of_a_backend_is_kept(provider: TcpProvider, log_in: Callable[..., Any]) -> None:
    assert log_in(provider, backend="own-request").status_code == 201

    assert [each.headers["x-own"] for each in provider.received] == ["yes", "yes"]


@pytest.mark.django_db
def test_decorated_request_of_social_core_breaks_no_login(
    provider: TcpProvider, log_in: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = BaseAuth.request

    @wraps(original)
    def traced(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs)

    monkeypatch.setattr(BaseAuth, "request", traced)

    assert log_in(provider).status_code == 201
