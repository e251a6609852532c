"""ALLOWED_REDIRECT_URIS as a project's callable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from rest_framework.test import APIClient

from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, authorization_params, browser, error
from tests.support.openid_provider import OpenIDProvider


@dataclass
class Policy:
    allows: Any = True
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, uri: str, *, provider: str, request: HttpRequest) -> Any:
        self.calls.append({"uri": uri, "provider": provider, "request": request})
        return self.allows


policy = Policy()


def allow_previews(uri: str, *, provider: str, request: HttpRequest) -> bool:
    """Allow the previews of a project, and fail for malformed URIs."""
    return urlsplit(uri).hostname.endswith(".preview.example.com")


def misspelled(uri: str, *, provider: str, request: HttpRequest) -> bool:
    return uri in alowed  # type: ignore[name-defined]  # noqa: F821 - the mistake of this project


def unfinished(uri: str, *, provider: str, request: HttpRequest) -> bool:
    raise ImproperlyConfigured("PREVIEW_DOMAIN is missing")


@pytest.fixture(autouse=True)
def project(configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS=f"{__name__}.policy")
    policy.allows = True
    policy.calls.clear()


def begin(uri: str, provider: str = "github") -> Any:
    return browser().get(f"/auth/o/{provider}/", {"redirect_uri": uri})


def is_rejected(response: Any) -> bool:
    """Return whether a response is the field error of the redirect URI."""
    return response.status_code == 400 and "redirect_uri" in response.json()


def test_policy_is_called_with_uri_provider_and_request(client: APIClient) -> None:
    uri = "https://branch-7.example.com/cb?a=1&b=%26"
    query = {"redirect_uri": uri, "tenant": "acme"}

    begun = client.get("/auth/o/github/", query, headers={"Host": "localhost"})

    assert authorization_params(begun)["redirect_uri"] == uri
    (call,) = policy.calls
    assert (call["uri"], call["provider"]) == (uri, "github")
    assert isinstance(call["request"], HttpRequest)
    assert call["request"].get_host() == "localhost"
    assert call["request"].GET["tenant"] == "acme"


@pytest.mark.parametrize("value", [False, None, "", 0])
def test_uri_is_rejected_if_the_policy_returns_a_false_value(value: Any) -> None:
    policy.allows = value

    assert is_rejected(begin(REDIRECT_URI))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("github/", 400),
        ("github/?redirect_uri=", 400),
        ("github/?redirect_uri=a&redirect_uri=b", 400),
        (f"unknown/?redirect_uri={REDIRECT_URI}", 404),
    ],
)
def test_policy_is_not_called_without_exactly_one_uri_and_a_provider(
    path: str, status: int, client: APIClient
) -> None:
    response = client.get(f"/auth/o/{path}")

    assert is_rejected(response) is (status == 400)
    assert response.status_code == status
    assert policy.calls == []


@pytest.mark.parametrize("uri", ["https://[", "https://[::1", "nonsense", "mailto:a@b", "\0"])
def test_uri_is_rejected_if_the_policy_fails(uri: str, configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS=f"{__name__}.allow_previews")

    assert begin("https://a.preview.example.com/").status_code == 200
    assert is_rejected(begin(uri))


def test_mistake_in_the_policy_is_a_500(configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS=f"{__name__}.misspelled")

    assert error(begin(REDIRECT_URI)) == (500, "unknown_error")


def test_misconfigured_policy_is_a_500(
    configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configure(ALLOWED_REDIRECT_URIS=f"{__name__}.unfinished")

    response = begin(REDIRECT_URI)

    assert (response.status_code, response.json()["error_source"]) == (500, "configuration")
    assert "PREVIEW_DOMAIN is missing" in caplog.text


@pytest.mark.parametrize(
    "uri", ["https://[", "https://[::1", "nonsense", "\0", "\ud7ff", "https://a/#b", "x" * 9_000]
)
@pytest.mark.parametrize("provider", ["github", "oidc"])
def test_malformed_uri_that_the_policy_allows_is_not_a_500(
    uri: str, provider: str, openid: OpenIDProvider
) -> None:
    assert begin(uri, provider).status_code in {200, 400}
