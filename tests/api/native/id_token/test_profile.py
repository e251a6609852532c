"""An ID token with an access token, with which the profile is requested."""

from __future__ import annotations

import time
from typing import Any

import pytest
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_django.models import UserSocialAuth

from social_endpoints.internal.connections.token_state import read_state
from tests.support.configuration import Configure
from tests.support.id_token_providers import IdTokenProvider
from tests.support.keys import at_hash, edwards_key, public
from tests.support.native import assert_refused
from tests.support.openid_provider import OpenIDProvider

pytestmark = [pytest.mark.django_db]

HERE = "tests.api.native.id_token.test_profile"
GOOGLE_PROFILE = "https://www.googleapis.com/oauth2/v3/userinfo"


@pytest.fixture
def openid(openid: OpenIDProvider) -> OpenIDProvider:
    """Accept the access tokens that the apps of these tests post."""
    openid.foreign_tokens |= {"token-1", "token-of-user-2", "token-of-somebody"}
    return openid


def test_profile_is_requested_with_the_access_token(
    oidc: IdTokenProvider, openid: OpenIDProvider
) -> None:
    openid.userinfo["given_name"] = "Augusta"
    token = oidc.token(at_hash=at_hash("token-1"))

    response = oidc.sign_in(token, access_token="token-1")

    assert response.status_code == 201, response.data
    social = UserSocialAuth.objects.get()
    assert social.user.first_name == "Augusta"
    assert social.extra_data["access_token"] == "token-1"
    assert social.extra_data["id_token"] == token


@pytest.mark.parametrize(
    ("status", "content", "lifetime", "scopes"),
    [
        (200, {"active": True, "client_id": "our-client-id", "scope": "openid files"}, 300, 2),
        (200, {"active": True, "client_id": "our-client-id"}, None, 0),
        (200, {"active": False}, None, 0),
        (200, [], None, 0),
        (401, {"error": "invalid_client"}, None, 0),
        (503, {}, None, 0),
    ],
)
def test_expiry_and_scopes_of_the_access_token_are_stored(
    status: int,
    content: Any,
    lifetime: int | None,
    scopes: int,
    oidc: IdTokenProvider,
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    """The ID token signs in, so they may be unknown."""
    settings.SOCIAL_AUTH_OIDC_SECRET = "our-secret"
    settings.SOCIAL_AUTH_OIDC_INTROSPECTION_URL = url = "https://id.example.com/introspect"
    now = int(time.time())
    expiry = {"exp": now + lifetime} if lifetime else {}
    openid.wire.post(url, status=status, json={**content, **expiry} if lifetime else content)

    assert oidc.sign_in(access_token="token-1").status_code == 201

    expires_at = pytest.approx(now + lifetime, abs=5) if lifetime else None
    state = read_state(UserSocialAuth.objects.get().extra_data)
    assert (state.expires_at, state.scopes) == (expires_at, ("openid", "files")[:scopes])


def test_access_token_that_cannot_be_verified_is_stored_without_expiry_and_scopes(
    apple: IdTokenProvider,
) -> None:
    response = apple.sign_in(access_token="token-1")

    assert response.status_code == 201, response.data
    stored = UserSocialAuth.objects.get().extra_data
    assert stored["access_token"] == "token-1"
    assert (read_state(stored).expires_at, read_state(stored).scopes) == (None, ())


@pytest.mark.parametrize("claim", [at_hash("token-2"), 7, "", ["x"], {}])
def test_access_token_with_another_hash_is_refused(claim: Any, oidc: IdTokenProvider) -> None:
    response = oidc.sign_in(oidc.token(at_hash=claim), access_token="token-1")

    assert_refused(response, "invalid_claim")


def test_hash_is_ignored_for_eddsa(
    oidc: IdTokenProvider, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = ["EdDSA"]
    oidc.keys = [public(edwards_key())]
    token = oidc.token(edwards_key(), "EdDSA", at_hash="x")

    assert oidc.sign_in(token, access_token="token-1").status_code == 201


@pytest.mark.parametrize("sub", [{"sub": "user-2"}, {}, {"sub": None}, {"sub": ""}])
def test_profile_of_another_user_is_refused(
    sub: dict[str, Any], oidc: IdTokenProvider, openid: OpenIDProvider
) -> None:
    openid.userinfo = {"email": "victim@example.com", **sub}

    assert_refused(oidc.sign_in(access_token="token-of-user-2"), "invalid_claim")


@pytest.mark.parametrize("sub", [{"sub": "2"}, {}])
def test_profile_of_another_user_at_google_is_refused(
    sub: dict[str, Any], google: IdTokenProvider
) -> None:
    profile = {"email": "victim@example.com", "email_verified": True, **sub}
    google.wire.add("GET", GOOGLE_PROFILE, json=profile)

    assert_refused(google.sign_in(access_token="token-of-2"), "invalid_claim")


def test_owner_is_compared_if_the_backend_returns_a_part_of_the_profile(
    oidc: IdTokenProvider, openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.cas.CASOpenIdConnectAuth"]
    configure(NATIVE_PROVIDERS=["cas"])
    oidc.name = "cas"
    settings.SOCIAL_AUTH_CAS_OIDC_ENDPOINT = "https://id.example.com"
    settings.SOCIAL_AUTH_CAS_KEY = "our-client-id"
    openid.userinfo["attributes"] = {"email": "ada@example.com"}

    own = oidc.sign_in(access_token="token-1")
    openid.userinfo["sub"] = "user-2"
    other = oidc.sign_in(oidc.token(jti="2"), access_token="token-of-user-2")

    assert own.status_code == 201
    assert other.data["error_code"] == "invalid_claim"
    assert UserSocialAuth.objects.get().uid == "user-1"


class Careless(OpenIdConnectAuth):
    """A backend of a project that does not compare ``sub``."""

    name = "careless"
    ID_KEY = "email"
    OIDC_ENDPOINT = "https://id.example.com"

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {access_token}"}
        return self.get_json(f"{self.OIDC_ENDPOINT}/userinfo", headers=headers)


@pytest.mark.parametrize(
    ("email", "status"), [("ada@example.com", 201), ("victim@example.com", 400), (None, 400)]
)
def test_id_key_is_compared_in_a_profile_without_sub(
    email: Any,
    status: int,
    oidc: IdTokenProvider,
    openid: OpenIDProvider,
    settings: Any,
    configure: Configure,
) -> None:
    oidc.name = "careless"
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.Careless"]
    configure(NATIVE_PROVIDERS=["careless"])
    settings.SOCIAL_AUTH_CARELESS_KEY = "our-client-id"
    openid.userinfo = {"email": email}

    response = oidc.sign_in(access_token="token-of-somebody")

    assert response.status_code == status, response.data
    assert not UserSocialAuth.objects.exclude(uid="ada@example.com").exists()


@pytest.mark.parametrize("text", ["a b", "a\r\nX-Admin: 1", "\N{EURO SIGN}", "a" * 16_385])
def test_malformed_access_token_is_refused_before_any_request(
    text: str, oidc: IdTokenProvider
) -> None:
    response = oidc.sign_in(access_token=text)

    assert_refused(response, "invalid_parameter")
    assert response.data["access_token"]
    assert oidc.fetched == 0


def test_failing_request_for_the_profile_is_reported(
    oidc: IdTokenProvider, openid: OpenIDProvider
) -> None:
    openid.wire.replace("GET", "https://id.example.com/userinfo", status=503)

    assert_refused(oidc.sign_in(access_token="x"), "unavailable", recovery="retry_later")
