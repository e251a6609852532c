"""Tokens that a fake provider issues to an app, for native sign-in."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from social_django.models import UserSocialAuth

from social_endpoints.testing import FakeProvider, FakeProviders
from tests.support.configuration import Configure
from tests.support.fakes import Backends
from tests.support.frontend import error
from tests.support.keys import elliptic_key, private_pem
from tests.support.native import post_tokens

pytestmark = pytest.mark.django_db

TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"

PROVIDERS: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "oidc": ("open_id_connect.OpenIdConnectAuth", ("id_token", "access_token"), {}),
    "google-oauth2": ("google.GoogleOAuth2", ("id_token", "access_token"), {"ID_KEY": "sub"}),
    "google-openidconnect": (
        "google_openidconnect.GoogleOpenIdConnect",
        ("id_token", "access_token"),
        {"ID_KEY": "sub"},
    ),
    "apple-id": (
        "apple.AppleIdAuth",
        ("id_token",),
        {"CLIENT": "com.example.app", "TEAM": "team", "SECRET": private_pem(elliptic_key())},
    ),
    "azuread-oauth2": ("azuread.AzureADOAuth2", ("id_token",), {"ID_KEY": "sub"}),
    "azuread-v2-tenant-oauth2": (
        "azuread_tenant.AzureADV2TenantOAuth2",
        ("id_token",),
        {"TENANT_ID": TENANT},
    ),
    "facebook": ("facebook.FacebookOAuth2", ("access_token",), {}),
    "facebook-limited-login": ("facebook_limited.FacebookLimitedLogin", ("id_token",), {}),
    "github": ("github.GithubOAuth2", ("access_token",), {}),
    "okta-oauth2": (
        "okta.OktaOAuth2",
        ("access_token",),
        {"API_URL": "https://acme.okta.com/oauth2"},
    ),
    "gitlab": (
        "gitlab.GitLabOAuth2",
        ("access_token",),
        {"INTROSPECTION_URL": "https://gitlab.com/oauth/introspect"},
    ),
}
CASES = [(name, each) for name, (_, token_types, _) in PROVIDERS.items() for each in token_types]


@pytest.fixture
def native(fakes: FakeProviders, backends: Backends, configure: Configure) -> Any:
    """Return a function that configures a provider and returns its fake."""

    def use(name: str) -> FakeProvider:
        path, _, settings = PROVIDERS[name]
        backends(f"social_core.backends.{path}", **settings)
        configure(NATIVE_PROVIDERS=[name])
        return fakes(name)

    return use


@pytest.mark.parametrize(("name", "token_type"), CASES)
def test_app_signs_in_with_token(name: str, token_type: Any, native: Any) -> None:
    body = native(name).native(token_type, sub="4711", email="grace@example.com")

    response = post_tokens(name, **body)

    assert response.status_code == 201, response.data
    assert UserSocialAuth.objects.get().uid == "4711"
    assert get_user_model().objects.get().email == "grace@example.com"


def test_app_of_apple_needs_no_private_key(
    fakes: FakeProviders, backends: Backends, configure: Configure
) -> None:
    backends("social_core.backends.apple.AppleIdAuth", CLIENT="com.example.app", SECRET=None)
    configure(NATIVE_PROVIDERS=["apple-id"])

    response = post_tokens("apple-id", **fakes("apple-id").native(sub="4711"))

    assert response.status_code == 201, response.data


def test_app_posts_both_tokens(native: Any) -> None:
    body = native("oidc").native("id_token", "access_token")

    assert body.keys() == {"id_token", "access_token", "nonce"}
    assert post_tokens("oidc", **body).status_code == 201


def test_default_is_id_token_if_provider_issues_it(native: Any) -> None:
    assert native("google-oauth2").native().keys() == {"id_token", "nonce"}
    assert native("github").native().keys() == {"access_token"}


def test_nonce_in_clear_is_refused_as_with_real_provider(native: Any) -> None:
    id_token = native("oidc").id_token(nonce="in clear")

    assert error(post_tokens("oidc", id_token=id_token, nonce="in clear")) == (
        400,
        "nonce_not_hashed",
    )


@pytest.mark.parametrize("name", ["google-oauth2", "facebook", "github", "oidc"])
def test_unknown_access_token_is_refused(name: str, native: Any) -> None:
    native(name)

    assert post_tokens(name, access_token="unknown").status_code == 400


def test_access_token_of_app_has_scope(native: Any) -> None:
    token = native("github").access_token(scope="read:user", sub="4711")

    assert post_tokens("github", access_token=token).status_code == 201


@pytest.mark.parametrize("claims", [{"aud": "another"}, {"iss": "https://other.example.com"}])
def test_replaced_claims_are_signed(claims: dict[str, Any], native: Any) -> None:
    fake = native("oidc")
    fake.id_token_claims.update(claims)

    assert error(post_tokens("oidc", **fake.native())) == (400, "invalid_claim")


def test_token_of_rotated_key_is_refused(native: Any) -> None:
    fake = native("oidc")
    body = fake.native()
    fake.rotate_keys()

    assert error(post_tokens("oidc", **body)) == (400, "invalid_signature")


def test_wrong_token_type_is_an_error(native: Any) -> None:
    with pytest.raises(ValueError, match="'refresh_token' is not a token type"):
        native("oidc").native("refresh_token")


def test_issuer_without_backend_has_no_native_sign_in() -> None:
    fake = FakeProvider(base_url="https://id.example.com")

    with pytest.raises(ValueError, match="has no native sign-in"):
        fake.native()
    with pytest.raises(ValueError, match="has no client"):
        fake.id_token()
