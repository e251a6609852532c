"""Token introspection (RFC 7662)."""

from __future__ import annotations

import time
from base64 import b64decode
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from social_django.models import UserSocialAuth

from tests.support.access_token_providers import (
    INTROSPECT,
    PLAIN,
    TOKEN,
    PlainOAuth2,
    TokenProvider,
)
from tests.support.configuration import Configure
from tests.support.frontend import Frontend
from tests.support.id_token_providers import signed
from tests.support.native import assert_refused, post_tokens
from tests.support.openid_provider import ISSUER, OpenIDProvider

pytestmark = pytest.mark.django_db

HERE = "tests.api.native.access_token.test_introspection"


def test_request_is_authenticated_as_at_the_token_endpoint(
    oidc: TokenProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_INTROSPECTION_URL = INTROSPECT
    oidc.sign_in()
    settings.SOCIAL_AUTH_OIDC_TOKEN_ENDPOINT_AUTH_METHOD = "client_secret_basic"
    oidc.sign_in()

    posted, basic = (dict(parse_qsl(asked.body)) for asked in oidc.asked)
    hint = {"token": TOKEN, "token_type_hint": "access_token"}
    client = {"client_id": "our-client-id", "client_secret": "our-client-secret"}
    assert (posted, basic) == ({**hint, **client}, hint)
    credentials = oidc.asked[1].headers["Authorization"].removeprefix("Basic ")
    assert b64decode(credentials) == b"our-client-id:our-client-secret"


@pytest.mark.parametrize(
    "claims",
    [
        *({"active": value} for value in (False, "true", 1, None)),
        *({"token_type": value} for value in ("refresh_token", "Refresh")),
        *({"typ": value} for value in ("Refresh", "ID")),
        *({"token_use": value} for value in ("refresh_token", "id")),
    ],
)
def test_inactive_token_or_token_of_another_type_is_rejected(
    claims: dict[str, Any], oidc: TokenProvider
) -> None:
    oidc.claims.update(claims)

    assert_refused(oidc.sign_in(), "credential_rejected", recovery="reauthenticate")


def test_token_that_is_not_yet_valid_is_refused(oidc: TokenProvider) -> None:
    oidc.claims["nbf"] = int(time.time()) + 60

    assert_refused(oidc.sign_in(), "response_not_yet_valid")


def test_invalid_leeway_is_a_configuration_error(oidc: TokenProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_JWT_LEEWAY = "10"

    assert oidc.sign_in().status_code == 500


@pytest.mark.parametrize(
    "claims",
    [
        {"typ": "Bearer", "token_type": "Bearer"},
        {"token_type": "Bearer", "token_use": "access_token"},
    ],
    ids=["Keycloak", "Ory Hydra"],
)
def test_access_token_with_its_type_signs_in(claims: dict[str, str], oidc: TokenProvider) -> None:
    oidc.claims.update(claims)

    assert oidc.sign_in().status_code == 201


def test_id_token_that_the_provider_accepts_as_access_token_is_refused(
    oidc: TokenProvider,
) -> None:
    """Dex does. Otherwise, the ID token of a redirect login would sign in without its nonce."""
    id_token = signed(b'{"sub": "user-1", "at_hash": "x", "nonce": "x"}')

    assert_refused(oidc.sign_in(id_token), "use_id_token")
    assert not oidc.asked


def test_times_and_token_type_may_be_missing(oidc: TokenProvider) -> None:
    for name in ("exp", "nbf", "token_type"):
        del oidc.claims[name]

    assert oidc.sign_in().status_code == 201


@pytest.mark.parametrize(
    ("audience", "code"),
    [
        ("our-client-id", None),
        (["our-client-id", "our-app-id"], None),
        (None, "missing_claim"),
        ([], "invalid_claim"),
        (["our-client-id", "their-client-id"], "invalid_claim"),
        (["our-client-id", 1.5], "malformed_response"),
        (["our-client-id", None], "missing_claim"),
        ({"our-client-id": 1}, "malformed_response"),
    ],
)
def test_every_audience_must_be_an_own_client_if_client_id_is_missing(
    audience: Any, code: str | None, oidc: TokenProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUDIENCE = ["our-app-id"]
    del oidc.claims["client_id"]
    oidc.claims["aud"] = audience

    response = oidc.sign_in()

    if code:
        assert_refused(response, code)
    else:
        assert response.status_code == 201


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"client_id": "their-client-id", "aud": "our-client-id"}, "invalid_claim"),
        ({"client_id": "our-client-id", "aud": "their-api"}, "invalid_claim"),
        ({"client_id": "our-client-id", "aud": ["our-client-id", "their-api"]}, "invalid_claim"),
        *(({"aud": "our-client-id", name: "x"}, "invalid_claim") for name in ("azp", "cid")),
        *(
            ({"aud": "our-client-id", name: "x"}, "invalid_claim")
            for name in ("appid", "client_id")
        ),
        ({"aud": "our-client-id", "azp": ["our-client-id"]}, "malformed_response"),
        ({"aud": {"our-client-id": 1}}, "malformed_response"),
        ({"client_id": "our-app-id", "azp": "our-app-id", "aud": "our-client-id"}, None),
        ({"cid": "our-client-id"}, None),
    ],
)
def test_every_party_must_be_an_own_client(
    claims: dict[str, Any], code: str | None, oidc: TokenProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUDIENCE = ["our-app-id"]
    oidc.claims.update(claims)

    response = oidc.sign_in()

    if code:
        assert_refused(response, code)
    else:
        assert response.status_code == 201


def test_userinfo_names_the_owner_if_introspection_does_not(
    oidc: TokenProvider, openid: OpenIDProvider
) -> None:
    del oidc.claims["sub"]

    assert Frontend("body").log_in(openid).data == oidc.sign_in().data
    assert UserSocialAuth.objects.get().uid == "user-1"


def test_unknown_owner_is_refused(oidc: TokenProvider) -> None:
    del oidc.claims["sub"], oidc.profile["sub"]

    assert_refused(oidc.sign_in(), "missing_claim")


# --- The endpoint ---------------------------------------------------------------------


def test_discovery_without_endpoint_is_refused(oidc: TokenProvider, openid: OpenIDProvider) -> None:
    del openid.endpoints["introspection_endpoint"]

    response = oidc.sign_in()

    assert_refused(response, "unsupported_feature")
    assert response.data["access_token"]


@pytest.mark.parametrize("endpoint", [["https://id.example.com/"], "no URL", "ftp://x/", 1])
def test_discovery_with_an_invalid_endpoint_is_refused(
    endpoint: Any, oidc: TokenProvider, openid: OpenIDProvider
) -> None:
    openid.endpoints["introspection_endpoint"] = endpoint

    assert_refused(oidc.sign_in(), "malformed_response")


def test_failing_discovery_is_reported(oidc: TokenProvider, openid: OpenIDProvider) -> None:
    openid.wire.replace("GET", f"{ISSUER}/.well-known/openid-configuration", status=503)

    response = oidc.sign_in()

    assert_refused(response, "unavailable", recovery="retry_later")
    assert response.data["error_stage"] == "token_validation"


@pytest.mark.parametrize("url", ["introspect", ["https://id.example.com"], "ftp://x/", "https://["])
def test_invalid_introspection_url_is_a_configuration_error(
    url: Any, oidc: TokenProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_INTROSPECTION_URL = url

    response = oidc.sign_in()

    assert (response.status_code, response.data["error_code"]) == (500, "invalid_setting")


# --- OAuth 2 without OpenID Connect ---------------------------------------------------


class ConnectOnly(PlainOAuth2):
    ASSOCIATION_ONLY = True


@pytest.fixture
def plain(settings: Any, openid: OpenIDProvider, configure: Configure) -> Callable[..., Any]:
    settings.AUTHENTICATION_BACKENDS = [PLAIN]
    configure(NATIVE_PROVIDERS=["plain"])
    settings.SOCIAL_AUTH_PLAIN_KEY = settings.SOCIAL_AUTH_PLAIN_SECRET = "our-id"
    settings.SOCIAL_AUTH_PLAIN_INTROSPECTION_URL = "https://plain.example.com/introspect"

    def sign_in(**claims: Any) -> Any:
        response = {"active": True, "client_id": "our-id", **claims}
        openid.wire.add("POST", "https://plain.example.com/introspect", json=response)
        return post_tokens("plain", access_token=TOKEN)

    return sign_in


@pytest.mark.parametrize("claims", [{}, {"sub": "7"}, {"sub": 7}])
def test_oauth2_provider_with_introspection_signs_in(
    claims: dict[str, Any], plain: Callable[..., Any]
) -> None:
    assert plain(**claims).status_code == 201
    assert UserSocialAuth.objects.get().uid == "7"


def test_subject_is_compared_with_the_id_key_of_the_backend(plain: Callable[..., Any]) -> None:
    assert_refused(plain(sub="8"), "invalid_claim")


def test_provider_that_can_only_be_connected_is_refused(
    plain: Callable[..., Any], settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.ConnectOnly"]

    assert_refused(plain(), "authentication_disallowed", recovery="use_existing_account")


def test_okta_subject_is_in_another_claim(
    settings: Any, openid: OpenIDProvider, configure: Configure
) -> None:
    okta = "https://okta.example.com"
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.okta.OktaOAuth2"]
    configure(NATIVE_PROVIDERS=["okta-oauth2"])
    settings.SOCIAL_AUTH_OKTA_OAUTH2_KEY = settings.SOCIAL_AUTH_OKTA_OAUTH2_SECRET = "our-id"
    settings.SOCIAL_AUTH_OKTA_OAUTH2_API_URL = f"{okta}/oauth2"
    discovery = {"issuer": okta, "introspection_endpoint": f"{okta}/introspect"}
    openid.wire.add("GET", f"{okta}/.well-known/openid-configuration", json=discovery)
    claims = {"active": True, "client_id": "our-id", "sub": "ada@example.com", "uid": "00u1"}
    openid.wire.add("POST", f"{okta}/introspect", json=claims)
    profile = {"sub": "00u1", "preferred_username": "ada@example.com"}
    openid.wire.add("GET", f"{okta}/oauth2/v1/userinfo", json=profile)

    assert post_tokens("okta-oauth2", access_token=TOKEN).status_code == 201
    assert UserSocialAuth.objects.get().uid == "00u1"
