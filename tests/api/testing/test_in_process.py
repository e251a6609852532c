"""Requests to a provider reach its fake, without a socket, and with the limits of real ones."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache

from social_endpoints.internal.network.document_cache import process_cache
from social_endpoints.testing import FakeProviders, ProviderResponse
from tests.support.fakes import GRACE, Backends, sign_in
from tests.support.frontend import Frontend, error

pytestmark = pytest.mark.django_db

OIDC = "social_core.backends.open_id_connect.OpenIdConnectAuth"
GITHUB = "social_core.backends.github.GithubOAuth2"
GOOGLE = "social_core.backends.google.GoogleOAuth2"


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every connection impossible."""

    def refuse(*arguments: Any) -> None:
        raise socket.gaierror("The test has no network.")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    cache.clear()
    process_cache.clear()


@pytest.mark.parametrize("path", [OIDC, GITHUB, GOOGLE])
def test_login_with_fake_creates_user_of_claims(
    path: str, fakes: FakeProviders, backends: Backends, frontend: Frontend
) -> None:
    backends(path)
    name = {OIDC: "oidc", GITHUB: "github", GOOGLE: "google-oauth2"}[path]

    response = sign_in(fakes(name), frontend, name, **GRACE)

    assert response.status_code == 201, response.data
    user = get_user_model().objects.get()
    assert (user.email, user.get_full_name()) == ("grace@example.com", "Grace Hopper")


def test_same_claims_are_same_user(fakes: FakeProviders, backends: Backends) -> None:
    backends(GITHUB)
    fake = fakes("github")
    for email in ("ada@example.com", "bob@example.com", "ada@example.com"):
        assert sign_in(fake, Frontend(), "github", email=email).status_code == 201

    emails = get_user_model().objects.values_list("email", flat=True)
    assert sorted(emails) == ["ada@example.com", "bob@example.com"]


def test_unknown_endpoint_cannot_be_changed(fakes: FakeProviders, backends: Backends) -> None:
    backends(GITHUB)

    with pytest.raises(ValueError, match="'user_info' is neither a URL nor one of discovery, jwks"):
        fakes("github").fail("user_info")


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (ProviderResponse(503, "down"), "unavailable"),
        (ProviderResponse(200, "x" * 1_000_001), "malformed_response"),
        (ProviderResponse(200, b"{}", {"X-Large": "x" * 70_000}), "malformed_response"),
        (ProviderResponse(200, "{", {"Content-Type": "application/json"}), "malformed_response"),
        (ProviderResponse(302, "", {"Location": "/" + "x" * 5_000}), "malformed_response"),
    ],
)
def test_response_has_limits_of_real_one(
    response: ProviderResponse, code: str, fakes: FakeProviders, backends: Backends
) -> None:
    backends(OIDC)
    fake = fakes("oidc")
    fake.replace("userinfo", response)

    assert error(sign_in(fake, Frontend(), "oidc")) == (400, code)


def test_redirect_of_provider_is_followed(fakes: FakeProviders, backends: Backends) -> None:
    backends(GITHUB)
    fake = fakes("github")
    location = {"Location": "https://api.github.com/moved"}
    fake.replace("https://api.github.com/user", ProviderResponse(302, "", location))

    assert sign_in(fake, Frontend(), "github").status_code == 201


def test_slow_provider_is_timeout_without_waiting(fakes: FakeProviders, backends: Backends) -> None:
    backends(OIDC)
    fake = fakes("oidc")
    fake.delay("token", 60)
    started = time.monotonic()

    assert error(sign_in(fake, Frontend(), "oidc")) == (400, "timeout")
    assert time.monotonic() - started < 5


def test_short_delay_is_waited_for(fakes: FakeProviders, backends: Backends) -> None:
    backends(OIDC)
    fake = fakes("oidc")
    fake.delay("token", 0.2)
    started = time.monotonic()

    assert sign_in(fake, Frontend(), "oidc").status_code == 201
    assert time.monotonic() - started >= 0.2


def test_documents_and_time_outs_do_not_leak_to_other_fakes(backends: Backends) -> None:
    backends(OIDC)
    with FakeProviders() as first:
        fake = first("oidc")
        assert sign_in(fake, Frontend(), "oidc").status_code == 201
        fake.delay("token", 60)
        for _ in range(3):  # The circuit of this fake opens.
            sign_in(fake, Frontend(), "oidc")
    with FakeProviders() as second:
        other = second("oidc")
        other.rotate_keys()
        assert sign_in(other, Frontend(), "oidc").status_code == 201
        assert [each for each in other.requests if "openid-configuration" in each.url]


def test_changed_keys_are_requested_again(fakes: FakeProviders, backends: Backends) -> None:
    backends(OIDC)
    fake = fakes("oidc")
    assert sign_in(fake, Frontend(), "oidc").status_code == 201
    fake.rotate_keys()

    assert sign_in(fake, Frontend(), "oidc").status_code == 201


def test_provider_is_real_again_after_test(backends: Backends) -> None:
    backends(OIDC)
    with FakeProviders() as fakes:
        fakes("oidc")

    assert error(Frontend().begin("oidc")) == (400, "connection_failed")
