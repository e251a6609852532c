"""The ID token in the response to a refresh (OpenID Connect Core section 12.2)."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import jwt
import pytest
import requests
from django.contrib.auth import get_user_model
from django.core.cache import cache
from social_django.models import UserSocialAuth

from social_endpoints.internal.connections.encryption import STATE
from social_endpoints.internal.connections.token_state import TokenState, describe
from social_endpoints.internal.network.document_cache import process_cache
from social_endpoints.provider_tokens import ProviderError, get_access_token
from tests.support.frontend import Frontend
from tests.support.id_token_providers import PROVIDERS
from tests.support.keys import elliptic_key, other_key, private_pem
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.stored_tokens import connect

pytestmark = pytest.mark.django_db

REFRESH = f"{ISSUER}/refresh"


@pytest.fixture
def openid(openid: OpenIDProvider, settings: Any) -> OpenIDProvider:
    """Return a provider whose access tokens have expired after the login."""
    settings.SOCIAL_AUTH_OIDC_TOKEN_ENDPOINT_AUTH_METHOD = "client_secret_post"
    return openid


def log_in(openid: OpenIDProvider) -> Any:
    """Log in, and let the access token expire; return the connection."""
    assert Frontend("body").log_in(openid).status_code == 201
    social = get_user_model().objects.get().social_auth.get()
    first = social.extra_data
    social.delete()
    kept = {name: value for name, value in first.items() if name not in CHANGED}
    return connect(social.user, "oidc", uid=social.uid, **kept)


CHANGED = {"access_token", "refresh_token", "token_type", "auth_time", "social_endpoints"}


def answer(openid: OpenIDProvider, key: Any = None, **claims: Any) -> None:
    """Answer the next refresh with an ID token."""
    now = int(time.time())
    default = {"iss": ISSUER, "aud": "our-client-id", "sub": "user-1", "iat": now, "exp": now + 300}
    values = {name: each for name, each in {**default, **claims}.items() if each is not None}
    id_token = jwt.encode(values, key or openid.private_key, "RS256", headers={"kid": "1"})
    content = {"access_token": "access-1", "refresh_token": "refresh-1", "id_token": id_token}
    openid.wire.remove("POST", f"{ISSUER}/token")
    openid.wire.post(f"{ISSUER}/token", json=content)


def test_valid_id_token_is_stored(openid: OpenIDProvider) -> None:
    social = log_in(openid)
    answer(openid)

    assert get_access_token(social.user, "oidc").token == "access-1"

    extra_data = social.user.social_auth.get().extra_data
    claims = jwt.decode(extra_data["id_token"], options={"verify_signature": False})
    assert "nonce" not in claims
    assert extra_data["refresh_token"] == "refresh-1"


def test_response_without_id_token_keeps_the_stored_one(openid: OpenIDProvider) -> None:
    social = log_in(openid)
    openid.wire.remove("POST", f"{ISSUER}/token")
    openid.wire.post(f"{ISSUER}/token", json={"access_token": "access-1"})

    get_access_token(social.user, "oidc")

    extra_data = social.user.social_auth.get().extra_data
    assert extra_data["id_token"] == social.extra_data["id_token"]
    assert extra_data["refresh_token"] == "refresh-0"


def test_identifier_of_the_connection_is_the_subject(openid: OpenIDProvider, ada: Any) -> None:
    if not hasattr(UserSocialAuth, "id_key"):
        pytest.skip("social-auth-app-django 7 does not store which claim the identifier is")
    connect(ada, "oidc", uid="user-1")
    ada.social_auth.update(id_key="sub")
    answer(openid, sub="user-2")

    with pytest.raises(ProviderError):
        get_access_token(ada, "oidc")

    answer(openid, sub="user-1")
    assert get_access_token(ada, "oidc").token == "access-1"


@pytest.mark.parametrize("with_context", [True, False])
@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "user-2"},
        {"sub": None},
        {"iss": "https://other.example.com"},
        {"aud": "another-client"},
        {"aud": ["our-client-id", "another-client"], "azp": "our-client-id"},
        {"azp": "another-client"},
        {"nonce": "another nonce"},
        {"exp": 1},
        {"iat": None},
        {"typ": "Bearer"},
        {"at_hash": "wrong"},
    ],
    ids=repr,
)
def test_invalid_id_token_changes_nothing(
    claims: dict[str, Any], with_context: bool, openid: OpenIDProvider
) -> None:
    social = log_in(openid)
    if not with_context:  # It was stored by an older version of social-core.
        del social.extra_data["_oidc_id_token_context"]
        social.save()
    answer(openid, **claims)

    with pytest.raises(ProviderError):
        get_access_token(social.user, "oidc")

    assert social.user.social_auth.get().extra_data == social.extra_data


def nonce_of(extra_data: dict[str, Any]) -> str:
    claims = jwt.decode(extra_data["id_token"], options={"verify_signature": False})
    return str(claims["nonce"])


def test_nonce_is_that_of_the_login_that_has_brought_the_refresh_token(
    openid: OpenIDProvider,
) -> None:
    for openid.token_params in ({"refresh_token": "refresh-0"}, {}):
        assert Frontend("body").log_in(openid).status_code == 201
        social = get_user_model().objects.get().social_auth.get()
        if openid.token_params:
            first = nonce_of(social.extra_data)
    assert nonce_of(social.extra_data) != first  # The logout needs the newest ID token.
    state = describe(social.extra_data["access_token"], TokenState(expires_at=5))
    social.extra_data |= {STATE: state}
    social.save()
    answer(openid, nonce=nonce_of(social.extra_data))
    with pytest.raises(ProviderError):
        get_access_token(social.user, "oidc")

    answer(openid, nonce=first)

    assert get_access_token(social.user, "oidc").token == "access-1"


def test_id_token_with_a_wrong_signature_changes_nothing(openid: OpenIDProvider) -> None:
    social = log_in(openid)
    answer(openid, other_key())

    with pytest.raises(ProviderError):
        get_access_token(social.user, "oidc")

    assert social.user.social_auth.get().extra_data == social.extra_data


def test_user_who_was_connected_without_an_id_token_stays_the_same(openid: OpenIDProvider) -> None:
    social = log_in(openid)
    for name in ("_oidc_id_token_context", "id_token"):
        del social.extra_data[name]
    social.save()
    answer(openid, sub="user-2")

    with pytest.raises(ProviderError):
        get_access_token(social.user, "oidc")


def test_tokens_are_stored_although_the_keys_cannot_be_requested(openid: OpenIDProvider) -> None:
    """The response may contain the only valid refresh token."""
    social = log_in(openid)
    answer(openid)
    cache.clear()
    process_cache.clear()
    openid.wire.remove("GET", f"{ISSUER}/jwks")
    openid.wire.get(f"{ISSUER}/jwks", body=requests.ConnectionError("down"))

    assert get_access_token(social.user, "oidc").token == "access-1"

    extra_data = social.user.social_auth.get().extra_data
    assert extra_data["refresh_token"] == "refresh-1"
    assert extra_data["id_token"] == social.extra_data["id_token"]


@pytest.mark.parametrize("provider", ["apple-id", "azuread-v2-tenant-oauth2", "google-oauth2"])
@pytest.mark.parametrize("is_valid", [True, False])
def test_id_tokens_of_other_backends_are_validated(
    provider: str, is_valid: bool, ada: Any, wire: Any, settings: Any
) -> None:
    issuer = PROVIDERS[provider](wire)
    issuer.install(settings)
    settings.SOCIAL_AUTH_APPLE_ID_TEAM = settings.SOCIAL_AUTH_APPLE_ID_KEY = "x"
    settings.SOCIAL_AUTH_APPLE_ID_SECRET = private_pem(elliptic_key())
    settings.SOCIAL_AUTH_AZUREAD_V2_TENANT_OAUTH2_SECRET = "our-secret"
    token = issuer.token() if is_valid else issuer.token(aud="another-client")
    social = connect(ada, provider)

    def respond(request: Any) -> tuple[int, dict[str, str], str]:
        return 200, {}, json.dumps({"access_token": "access-1", "id_token": token})

    wire.add_callback("POST", re.compile(".*token"), callback=respond)

    if is_valid:
        assert get_access_token(ada, provider).token == "access-1"
    else:
        with pytest.raises(ProviderError):
            get_access_token(ada, provider)
        assert ada.social_auth.get().extra_data == social.extra_data


def test_id_token_of_google_with_a_wrong_signature_is_refused(
    ada: Any, wire: Any, settings: Any
) -> None:
    issuer = PROVIDERS["google-oauth2"](wire)
    issuer.install(settings)
    connect(ada, "google-oauth2")
    content = {"access_token": "access-1", "id_token": issuer.token(other_key())}
    wire.post(re.compile(".*token"), json=content)

    with pytest.raises(ProviderError):
        get_access_token(ada, "google-oauth2")


@pytest.mark.parametrize("is_text", [True, False])
def test_id_token_of_google_that_cannot_be_verified_is_not_stored(
    is_text: bool, ada: Any, wire: Any, settings: Any
) -> None:
    issuer = PROVIDERS["google-oauth2"](wire)
    issuer.install(settings)
    issuer.status = 503
    connect(ada, "google-oauth2")
    content = {"access_token": "access-1", "id_token": issuer.token() if is_text else 7}
    wire.post(re.compile(".*token"), json=content)

    if is_text:
        assert get_access_token(ada, "google-oauth2").token == "access-1"
        assert "id_token" not in ada.social_auth.get().extra_data
    else:
        with pytest.raises(ProviderError):
            get_access_token(ada, "google-oauth2")
