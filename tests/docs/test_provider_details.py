"""The traps and special cases in the pages about single providers."""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import responses
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.pipeline import DEFAULT_AUTH_PIPELINE
from social_django.models import UserSocialAuth

from social_endpoints.testing import FakeProviders, ProviderResponse
from tests.support.accounts import logged_in
from tests.support.checks import ids
from tests.support.configuration import Configure
from tests.support.fakes import sign_in
from tests.support.frontend import Frontend, authorization_params, error
from tests.support.keys import other_key, signing_key
from tests.support.native import post_tokens
from tests.support.openid2_provider import OpenID2Provider
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import code_blocks, run_block
from tests.support.provider_pages import FOLDER, ProviderPage
from tests.support.telegram import BOT_TOKEN, signed, state_of

pytestmark = pytest.mark.django_db
User = get_user_model()

Apply = Callable[..., None]
ASSOCIATION = "social_endpoints.pipeline.associate_by_verified_email"


def agree(user: Any, **known: Any) -> bool:
    """A policy for EMAIL_ASSOCIATION_POLICY."""
    return True


@pytest.fixture
def apply(settings: Any, tmp_path: Path, configure: Configure) -> Apply:
    """Return a function that applies the settings in the page of a provider.

    :param name: of the backend.
    :param text: part of another block of the page, to apply as well.
    """

    def apply(page: str, name: str, text: str = "") -> None:
        values = ProviderPage(FOLDER / f"{page}.rst").settings_of(name, tmp_path)
        if text:
            values |= run_block(f"providers/{page}.rst", text)
        del settings.SOCIAL_AUTH_OIDC_USE_PKCE
        configure(**values.pop("SOCIAL_ENDPOINTS"))
        for setting, value in values.items():
            if setting.isupper():
                setattr(settings, setting, value)

    return apply


def log_in(frontend: Frontend, name: str, openid: OpenIDProvider, **query: str) -> Any:
    """Log in with a provider of OpenID Connect."""
    begun = frontend.begin(name, **query)
    if begun.status_code != 200:
        return begun
    return frontend.complete(begun, openid.authorize(begun.data["authorization_url"]), name)


@pytest.fixture
def frontend() -> Frontend:
    """Return a frontend. The tests of the protocols use each transport."""
    return Frontend()


def account() -> tuple[str, str, str, str]:
    """Return uid, username, address and name of the only account."""
    social = UserSocialAuth.objects.get()
    return social.uid, social.user.username, social.user.email, social.user.get_full_name()


def sign_out_urls(name: str) -> Any:
    user = User.objects.create_user("grace")
    query = {"post_logout_redirect_uri": "https://app.example.com/bye"}
    return logged_in(user).get(f"/auth/o/{name}/logout/", query, secure=True)


# --- Twitch -----------------------------------------------------------------------------


@pytest.fixture
def twitch(wire: responses.RequestsMock) -> OpenIDProvider:
    provider = OpenIDProvider(wire, "https://id.twitch.tv/oauth2")
    provider.claims = {"sub": "12826", "preferred_username": "Ada", "email": "ada@example.com"}
    provider.userinfo = {"sub": "12826", "preferred_username": "Ada"}
    return provider


def test_users_of_the_other_backend_of_twitch_need_one_update(
    twitch: OpenIDProvider, apply: Apply, settings: Any, frontend: Frontend
) -> None:
    apply("twitch", "twitch")
    backends = settings.AUTHENTICATION_BACKENDS
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.twitch.TwitchOAuth2"]
    with FakeProviders() as fakes:
        other = fakes("twitch", sub="12826", preferred_username="ada", email="ada@example.com")
        assert sign_in(other, Frontend(frontend.transport), "twitch").status_code == 201
    settings.AUTHENTICATION_BACKENDS = backends
    assert log_in(frontend, "twitch", twitch).status_code == 500

    run_block("providers/twitch.rst", ".update(")

    assert log_in(frontend, "twitch", twitch).status_code == 201
    assert account() == ("12826", "ada", "ada@example.com", "")


def test_expired_token_of_twitch_keeps_the_connection_if_it_is_to_be_revoked(
    twitch: OpenIDProvider, apply: Apply, settings: Any
) -> None:
    apply("twitch", "twitch")
    assert log_in(Frontend(), "twitch", twitch).status_code == 201
    settings.SOCIAL_AUTH_TWITCH_REVOKE_TOKENS_ON_DISCONNECT = True
    settings.SOCIAL_AUTH_TWITCH_REVOKE_TOKEN_URL = "https://id.twitch.tv/oauth2/revoke"
    body = {"status": 400, "message": "Invalid token"}
    twitch.wire.post("https://id.twitch.tv/oauth2/revoke", json=body, status=400)
    connection = UserSocialAuth.objects.get()
    connection.user.set_password("secret")
    connection.user.save()

    response = logged_in(connection.user).delete(f"/auth/connections/{connection.pk}/", secure=True)

    assert response.status_code == 400
    assert UserSocialAuth.objects.exists()


def test_user_of_twitch_without_an_address(
    twitch: OpenIDProvider, apply: Apply, frontend: Frontend
) -> None:
    apply("twitch", "twitch")
    del twitch.claims["email"]
    assert error(log_in(frontend, "twitch", twitch)) == (400, "malformed_response")
    twitch.claims["email"] = None

    assert log_in(frontend, "twitch", twitch).status_code == 201

    assert account() == ("12826", "Ada", "", "")


def test_access_token_of_twitch_is_refused(
    twitch: OpenIDProvider, apply: Apply, configure: Configure
) -> None:
    apply("twitch", "twitch")
    configure(NATIVE_PROVIDERS=["twitch"])

    response = post_tokens("twitch", access_token="token")

    assert error(response) == (400, "unsupported_feature")


# --- Spotify ----------------------------------------------------------------------------


def test_pkce_of_spotify_can_be_turned_on(apply: Apply) -> None:
    apply("spotify", "spotify", '"PKCE"')

    assert "code_challenge" in authorization_params(Frontend().begin("spotify"))


def test_tokens_of_spotify_cannot_sign_in(apply: Apply, configure: Configure) -> None:
    apply("spotify", "spotify")
    configure(NATIVE_PROVIDERS=["spotify"])

    assert ids() == {"E019"}


def test_loopback_address_without_port_matches_every_port(
    apply: Apply, configure: Configure
) -> None:
    apply("spotify", "spotify")
    configure(ALLOWED_REDIRECT_URIS=["http://127.0.0.1/callback"])
    uri = "http://127.0.0.1:49152/callback"

    begun = Frontend().begin("spotify", redirect_uri=uri)

    assert authorization_params(begun)["redirect_uri"] == uri
    other = Frontend().begin("spotify", redirect_uri="http://localhost:49152/callback")
    assert error(other) == (400, "redirect_uri_not_allowed")


def test_account_id_of_spotify_is_another_uid(
    apply: Apply, settings: Any, social_provider: FakeProviders
) -> None:
    apply("spotify", "spotify")
    profile = {"id": "31ada7b2c", "account_id": "a1b2c3", "display_name": "Ada"}
    spotify = social_provider("spotify")
    spotify.replace("https://api.spotify.com/v1/me", ProviderResponse(content=profile))

    for _ in range(2):
        assert sign_in(spotify, Frontend(), "spotify").status_code == 201
        settings.SOCIAL_AUTH_SPOTIFY_ID_KEY = "account_id"

    assert set(UserSocialAuth.objects.values_list("uid", flat=True)) == {"31ada7b2c", "a1b2c3"}
    assert User.objects.count() == 2


# --- Steam ------------------------------------------------------------------------------

STEAM_ID = "76561197960435530"


@pytest.fixture
def steam(wire: responses.RequestsMock, apply: Apply) -> OpenID2Provider:
    apply("steam", "steam")
    provider = OpenID2Provider(wire, "https://steamcommunity.com/openid", profile={})
    provider.identity = f"https://steamcommunity.com/openid/id/{STEAM_ID}"
    provider.add_page("https://steamcommunity.com/openid", is_identity=False)
    provider.add_page(provider.identity, is_identity=True)
    (player,) = json_of("steam", '"players"')["response"]["players"]
    wire.get(
        "https://api.steampowered.com/ISteamUser/GetPlayerSummaries/v0002/",
        json={"response": {"players": [player]}},
    )
    return provider


def json_of(page: str, text: str) -> Any:
    """Return the JSON block of a page that contains a text."""
    found = code_blocks(FOLDER / f"{page}.rst", "json")
    return json.loads(next(each for each in found if text in each))


steam_only = pytest.mark.filterwarnings('ignore:The "namespace" attribute:DeprecationWarning')


@steam_only
def test_login_with_steam(steam: OpenID2Provider, settings: Any, frontend: Frontend) -> None:
    settings.SOCIAL_AUTH_STEAM_EXTRA_DATA = run_block("providers/steam.rst", "EXTRA_DATA")[
        "SOCIAL_AUTH_STEAM_EXTRA_DATA"
    ]
    begun = frontend.begin("steam")
    params = authorization_params(begun)
    assert params["openid.realm"] == "https://app.example.com/"
    callback = steam.authorize(begun.data["authorization_url"])

    response = frontend.complete(begun, callback, "steam")

    assert response.status_code == 201, response.data
    assert {"redirect_state", "janrain_nonce", "openid.mode"} <= callback.keys()
    assert account() == (STEAM_ID, "Ada", "", "")
    assert UserSocialAuth.objects.get().extra_data["player"]["personaname"] == "Ada"


@steam_only
def test_callback_of_steam_without_its_parameters_is_rejected(
    steam: OpenID2Provider, frontend: Frontend
) -> None:
    begun = frontend.begin("steam")

    response = frontend.complete(begun, {"code": "code", "state": "state"}, "steam")

    assert error(response) == (400, "invalid_parameter")
    assert "openid.mode" in response.data


@steam_only
def test_changed_callback_of_steam_is_rejected(steam: OpenID2Provider, frontend: Frontend) -> None:
    begun = frontend.begin("steam")
    callback = steam.authorize(begun.data["authorization_url"])
    callback["openid.response_nonce"] += "x"

    response = frontend.complete(begun, callback, "steam")

    assert error(response) == (400, "invalid_signature")


@steam_only
def test_key_that_steam_refuses(
    steam: OpenID2Provider, frontend: Frontend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    url = "https://api.steampowered.com/ISteamUser/GetPlayerSummaries/v0002/"
    steam.wire.replace("GET", url, status=403)
    begun = frontend.begin("steam")
    callback = steam.authorize(begun.data["authorization_url"])

    response = frontend.complete(begun, callback, "steam")

    assert error(response) == (400, "http_error")
    assert "http_403" in caplog.text


def test_steam_that_is_down_is_reported_at_begin(
    apply: Apply, wire: responses.RequestsMock
) -> None:
    apply("steam", "steam")
    wire.get("https://steamcommunity.com/openid", status=503)

    response = Frontend().begin("steam")

    assert response.status_code == 400
    assert response.data["error_recovery"] == "retry_later"


@pytest.mark.parametrize("name", ["steam", "telegram", "spotify"])
def test_provider_has_no_logout(name: str, apply: Apply, configure: Configure) -> None:
    apply(name, name)
    configure(ALLOWED_LOGOUT_REDIRECT_URIS=["https://app.example.com/bye"])

    assert error(sign_out_urls(name)) == (404, "logout_not_supported")


# --- Telegram ---------------------------------------------------------------------------


def test_login_with_telegram_by_openid_connect(
    wire: responses.RequestsMock, apply: Apply, configure: Configure, frontend: Frontend
) -> None:
    apply("telegram", "telegram-oidc")
    configure(FLOW_TRANSPORT=frontend.transport)
    provider = OpenIDProvider(wire, "https://oauth.telegram.org")
    provider.endpoints = {
        "userinfo_endpoint": None,
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    }
    provider.claims = json_of("telegram", '"preferred_username"')

    response = log_in(frontend, "telegram-oidc", provider)

    assert response.status_code == 201, response.data
    assert account() == ("9182736455", "ada", "", "Ada Lovelace")
    assert "/userinfo" not in provider.requests


def test_callback_of_telegram_without_its_fields_is_rejected(apply: Apply) -> None:
    apply("telegram", "telegram")
    frontend = Frontend()
    begun = frontend.begin("telegram")

    response = frontend.complete(begun, {"state": state_of(begun)}, "telegram")

    assert error(response) == (400, "invalid_parameter")
    assert {"id", "auth_date", "hash"} <= response.data.keys()


@pytest.mark.parametrize(
    ("fields", "token", "expected"),
    [
        ({}, "54321:of-another-bot", "invalid_signature"),
        ({"auth_date": 1_600_000_000}, BOT_TOKEN, "response_expired"),
    ],
)
def test_fields_that_telegram_has_not_signed_now_are_rejected(
    fields: dict[str, int], token: str, expected: str, apply: Apply, settings: Any
) -> None:
    apply("telegram", "telegram")
    settings.SOCIAL_AUTH_TELEGRAM_BOT_TOKEN = token
    frontend = Frontend()
    begun = frontend.begin("telegram")
    callback = {"state": state_of(begun), **signed(**fields)}

    assert error(frontend.complete(begun, callback, "telegram")) == (400, expected)


def test_malformed_token_of_a_bot_is_a_mistake_of_the_project(apply: Apply, settings: Any) -> None:
    apply("telegram", "telegram")
    settings.SOCIAL_AUTH_TELEGRAM_BOT_TOKEN = "of-a-bot"

    assert error(Frontend().begin("telegram")) == (500, "invalid_setting")


# --- Keycloak ---------------------------------------------------------------------------

REALM = "https://sso.example.com/realms/example"


@pytest.fixture
def keycloak(wire: responses.RequestsMock) -> OpenIDProvider:
    return OpenIDProvider(wire, REALM)


@pytest.mark.parametrize("place", ["claims", "userinfo"])
def test_roles_of_keycloak_become_groups(
    place: str, keycloak: OpenIDProvider, apply: Apply, frontend: Frontend
) -> None:
    apply("keycloak", "oidc", "GROUPS_MAP")
    editors, managers, others = (
        Group.objects.create(name=name) for name in ("Editors", "Managers", "Others")
    )
    claims = getattr(keycloak, place)
    found = []
    for roles in (["editor"], ["admin", "offline_access"], None):
        claims.pop("roles", None)
        claims |= {"roles": roles} if roles else {}

        response = log_in(frontend, "oidc", keycloak)

        assert response.status_code == 201, response.data
        user = User.objects.get()
        found.append(set(user.groups.all()))
        user.groups.add(others)

    assert found == [{editors}, {editors, managers, others}, {others}]


def test_group_that_does_not_exist_is_a_mistake_of_the_project(
    keycloak: OpenIDProvider, apply: Apply, frontend: Frontend
) -> None:
    apply("keycloak", "oidc", "GROUPS_MAP")
    keycloak.claims["roles"] = ["editor"]

    assert log_in(frontend, "oidc", keycloak).status_code == 500
    assert not User.objects.exists()


def test_keycloak_behind_another_host_name_is_refused_at_begin(
    keycloak: OpenIDProvider, apply: Apply, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    apply("keycloak", "oidc")
    keycloak.endpoints = {"issuer": "http://keycloak:8080/realms/example"}

    begun = Frontend().begin("oidc")

    assert error(begun) == (400, "invalid_claim")
    assert "claim=issuer" in caplog.text
    settings.SOCIAL_AUTH_OIDC_ID_TOKEN_ISSUER = "http://keycloak:8080/realms/example"
    assert Frontend().begin("oidc").status_code == 200


def keycloak_token(key: Any = None, **claims: Any) -> str:
    now = int(time.time())
    standard = {"iat": now, "exp": now + 60, "sub": "8d0ce7ab", "preferred_username": "ada"}
    present = {name: value for name, value in {**standard, **claims}.items() if value}
    return jwt.encode(present, key or signing_key(), "RS256")


@pytest.fixture
def own_keycloak(apply: Apply, settings: Any, social_provider: FakeProviders) -> Any:
    """Return a function that logs in with the backend ``keycloak`` and an access token."""
    apply("keycloak", "keycloak")
    fake = social_provider("keycloak")
    key = signing_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    settings.SOCIAL_AUTH_KEYCLOAK_PUBLIC_KEY = b64encode(key).decode()

    def log_in_with(access_token: str) -> Any:
        fake.token_fields["access_token"] = access_token
        return sign_in(fake, Frontend(), "keycloak")

    return log_in_with


def test_own_backend_of_keycloak_reads_the_access_token(own_keycloak: Any) -> None:
    response = own_keycloak(keycloak_token(aud="site", email="ada@example.com"))

    assert response.status_code == 201, response.data
    assert account() == ("8d0ce7ab", "ada", "ada@example.com", "")


@pytest.mark.parametrize(
    ("claims", "key", "expected"),
    [
        ({}, None, "missing_claim"),
        ({"aud": "account"}, None, "invalid_claim"),
        ({"aud": "site"}, other_key, "invalid_signature"),
        ({"aud": "site", "sub": None}, None, "missing_claim"),
    ],
    ids=["without an audience", "of another audience", "of a new key", "without a subject"],
)
def test_own_backend_of_keycloak_refuses_a_token(
    claims: dict[str, str], key: Any, expected: str, own_keycloak: Any
) -> None:
    response = own_keycloak(keycloak_token(key and key(), **claims))

    assert error(response) == (400, expected)


def test_logout_of_the_own_backend_needs_a_setting(
    apply: Apply, settings: Any, configure: Configure
) -> None:
    apply("keycloak", "keycloak")
    configure(ALLOWED_LOGOUT_REDIRECT_URIS=["https://app.example.com/bye"])
    settings.SOCIAL_AUTH_KEYCLOAK_END_SESSION_URL = f"{REALM}/protocol/openid-connect/logout"

    response = sign_out_urls("keycloak")

    assert response.data["logout_url"].startswith(f"{REALM}/protocol/openid-connect/logout?")
    assert parse_qs(urlsplit(response.data["logout_url"]).query)["client_id"] == ["site"]


# --- Auth0 ------------------------------------------------------------------------------

AUTH0 = "https://example.eu.auth0.com"


@pytest.fixture
def auth0(wire: responses.RequestsMock) -> OpenIDProvider:
    provider = OpenIDProvider(wire, AUTH0)
    provider.endpoints = {"issuer": f"{AUTH0}/"}
    provider.claims = {"iss": f"{AUTH0}/", "sub": "auth0|64f0c3a1d2"}
    provider.userinfo["sub"] = "auth0|64f0c3a1d2"
    return provider


def test_frontend_chooses_a_connection_of_auth0(auth0: OpenIDProvider, apply: Apply) -> None:
    apply("auth0", "auth0_openidconnect", "OVERRIDE_ALLOWLIST")

    by_default = authorization_params(Frontend().begin("auth0_openidconnect"))
    chosen = authorization_params(Frontend().begin("auth0_openidconnect", connection="github"))

    assert (by_default["connection"], chosen["connection"]) == ("google-oauth2", "github")


def test_missing_domain_of_auth0_is_a_mistake_of_the_project(apply: Apply, settings: Any) -> None:
    apply("auth0", "auth0_openidconnect")
    settings.SOCIAL_AUTH_AUTH0_OPENIDCONNECT_DOMAIN = None

    assert error(Frontend().begin("auth0_openidconnect")) == (500, "missing_setting")


def test_claim_with_a_namespace_becomes_groups(
    auth0: OpenIDProvider, apply: Apply, settings: Any, frontend: Frontend
) -> None:
    apply("auth0", "auth0_openidconnect", "GROUPS_MAP")
    sync = "social_core.pipeline.user.sync_groups"
    settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_AUTH_PIPELINE, sync]
    Group.objects.create(name="Editors")
    auth0.claims["https://app.example.com/roles"] = ["editor"]

    assert log_in(frontend, "auth0_openidconnect", auth0).status_code == 201

    assert [group.name for group in User.objects.get().groups.all()] == ["Editors"]


def test_both_backends_of_auth0_have_the_same_uid_under_other_names(
    auth0: OpenIDProvider,
    apply: Apply,
    settings: Any,
    social_provider: FakeProviders,
    frontend: Frontend,
) -> None:
    apply("auth0", "auth0_openidconnect")
    assert log_in(frontend, "auth0_openidconnect", auth0).status_code == 201
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.auth0.Auth0OAuth2"]
    settings.SOCIAL_AUTH_AUTH0_DOMAIN = "example.eu.auth0.com"
    settings.SOCIAL_AUTH_AUTH0_KEY = "client id"
    settings.SOCIAL_AUTH_AUTH0_SECRET = "client secret"

    response = sign_in(social_provider("auth0", **auth0.claims), frontend, "auth0")

    assert response.status_code == 201, response.data
    assert list(UserSocialAuth.objects.values_list("uid", flat=True)) == ["auth0|64f0c3a1d2"] * 2


def test_id_token_with_a_shared_secret_is_refused(
    auth0: OpenIDProvider, apply: Apply, frontend: Frontend
) -> None:
    apply("auth0", "auth0_openidconnect")
    secret: Any = "client secret that is long enough for the algorithm"
    begun = frontend.begin("auth0_openidconnect")
    callback = auth0.authorize(begun.data["authorization_url"])
    now = int(time.time())
    nonce = authorization_params(begun)["nonce"]
    claims = {**auth0.claims, "aud": "client id", "iat": now, "exp": now + 60, "nonce": nonce}
    tokens = {"access_token": "token", "id_token": jwt.encode(claims, secret, "HS256")}
    auth0.wire.replace("POST", f"{AUTH0}/token", json=tokens)

    response = frontend.complete(begun, callback, "auth0_openidconnect")

    assert error(response) == (400, "invalid_signature")


# --- Okta -------------------------------------------------------------------------------


@pytest.mark.parametrize("server", ["", "/default"])
def test_each_server_of_okta_is_an_issuer(
    server: str, apply: Apply, settings: Any, wire: responses.RequestsMock, frontend: Frontend
) -> None:
    apply("okta", "okta-openidconnect")
    settings.SOCIAL_AUTH_OKTA_OPENIDCONNECT_API_URL = f"https://example.okta.com/oauth2{server}"
    issuer = "https://example.okta.com/oauth2/default" if server else "https://example.okta.com"
    provider = OpenIDProvider(wire, issuer)
    base = f"https://example.okta.com/oauth2{server}/v1"
    wire.add_callback("POST", f"{base}/token", callback=provider.answer)
    wire.add_callback("GET", f"{base}/userinfo", callback=provider.answer)

    response = log_in(frontend, "okta-openidconnect", provider)

    assert response.status_code == 201, response.data
    assert account() == ("user-1", "ada", "ada@example.com", "Ada Lovelace")


# --- Amazon Cognito ---------------------------------------------------------------------

POOL = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI"


def test_pkce_of_cognito_can_be_turned_on(apply: Apply) -> None:
    apply("cognito", "cognito", '"PKCE"')

    assert "code_challenge" in authorization_params(Frontend().begin("cognito"))


@pytest.mark.parametrize(
    ("verified", "is_associated"), [("true", True), ("false", False), (None, False)]
)
def test_class_for_cognito_reads_whether_the_address_is_verified(
    verified: str | None,
    is_associated: bool,
    apply: Apply,
    settings: Any,
    configure: Configure,
    wire: responses.RequestsMock,
) -> None:
    apply("cognito", "cognito-oidc")
    pipeline = list(DEFAULT_AUTH_PIPELINE)
    pipeline.insert(pipeline.index("social_core.pipeline.user.get_username"), ASSOCIATION)
    settings.SOCIAL_AUTH_PIPELINE = pipeline
    configure(EMAIL_ASSOCIATION_POLICY=f"{__name__}.agree")
    existing = User.objects.create_user("existing", "ada@example.com")
    pool = OpenIDProvider(wire, POOL)
    pool.claims = {"sub": "1c6e2f0a", "token_use": "id"}
    pool.userinfo = {"sub": "1c6e2f0a", "username": "ada", "email": "ada@example.com"}
    pool.userinfo |= {"email_verified": verified} if verified else {}

    response = log_in(Frontend(), "cognito-oidc", pool)

    assert response.status_code == 201, response.data
    assert (UserSocialAuth.objects.get().user == existing) is is_associated


COGNITO = "https://example.auth.eu-central-1.amazoncognito.com"


def test_client_that_cognito_refuses(apply: Apply, social_provider: FakeProviders) -> None:
    apply("cognito", "cognito")
    cognito = social_provider("cognito")
    cognito.fail(f"{COGNITO}/oauth2/token", 400, "invalid_client")

    assert error(sign_in(cognito, Frontend(), "cognito")) == (400, "invalid_setting")


def test_address_is_the_username_without_one(apply: Apply, social_provider: FakeProviders) -> None:
    apply("cognito", "cognito")
    cognito = social_provider("cognito")
    profile = {"sub": "1c6e2f0a", "email": "ada@example.com"}
    cognito.replace(f"{COGNITO}/oauth2/userInfo", ProviderResponse(content=profile))

    response = sign_in(cognito, Frontend(), "cognito")

    assert response.status_code == 201, response.data
    assert User.objects.get().username == "ada@example.com"


# --- Generic OpenID Connect -------------------------------------------------------------


def test_same_subject_of_two_providers_is_two_users(
    apply: Apply, wire: responses.RequestsMock, frontend: Frontend
) -> None:
    apply("openid_connect", "acme")
    acme = OpenIDProvider(wire, "https://login.acme.example")
    globex = OpenIDProvider(wire, "https://sso.globex.example")

    assert log_in(frontend, "acme", acme).status_code == 201
    assert log_in(frontend, "globex", globex).status_code == 201

    assert set(UserSocialAuth.objects.values_list("provider", "uid")) == {
        ("acme", "user-1"),
        ("globex", "user-1"),
    }
    assert User.objects.count() == 2


@pytest.fixture
def issuer(apply: Apply, wire: responses.RequestsMock) -> OpenIDProvider:
    apply("openid_connect", "oidc")
    return OpenIDProvider(wire, "https://id.example.org")


def test_text_that_an_address_is_verified_does_not_count(
    issuer: OpenIDProvider, settings: Any, configure: Configure, frontend: Frontend
) -> None:
    pipeline = list(DEFAULT_AUTH_PIPELINE)
    pipeline.insert(pipeline.index("social_core.pipeline.user.get_username"), ASSOCIATION)
    settings.SOCIAL_AUTH_PIPELINE = pipeline
    configure(EMAIL_ASSOCIATION_POLICY=f"{__name__}.agree")
    existing = User.objects.create_user("existing", "ada@example.com")
    issuer.userinfo["email_verified"] = "true"

    assert log_in(frontend, "oidc", issuer).status_code == 201

    assert UserSocialAuth.objects.get().user != existing


def test_other_claims_can_be_the_profile(
    issuer: OpenIDProvider, settings: Any, frontend: Frontend
) -> None:
    settings.SOCIAL_AUTH_OIDC_USERNAME_KEY = "upn"
    settings.SOCIAL_AUTH_OIDC_EMAIL_KEY = "mail"
    settings.SOCIAL_AUTH_OIDC_FIRST_NAME_KEY = "vorname"
    settings.SOCIAL_AUTH_OIDC_LAST_NAME_KEY = "nachname"
    issuer.claims |= {"upn": "grace", "mail": "grace@example.com"}
    issuer.userinfo = {"sub": "user-1", "vorname": "Grace", "nachname": "Hopper"}

    assert log_in(frontend, "oidc", issuer).status_code == 201

    assert account() == ("user-1", "grace", "grace@example.com", "Grace Hopper")


@pytest.mark.parametrize("uses_nonce", [True, False])
def test_id_token_without_the_nonce_is_refused(
    uses_nonce: bool, issuer: OpenIDProvider, frontend: Frontend, settings: Any
) -> None:
    if not uses_nonce:
        settings.AUTHENTICATION_BACKENDS = [f"{__name__}.WithoutNonce"]
    begun = frontend.begin()
    callback = issuer.authorize(re.sub("&nonce=[^&]+", "", begun.data["authorization_url"]))

    response = frontend.complete(begun, callback)

    assert error(response) == (400, "nonce_mismatch")


class WithoutNonce(OpenIdConnectAuth):
    USE_NONCE = False


def test_all_scopes_can_be_replaced(issuer: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_IGNORE_DEFAULT_SCOPE = True
    settings.SOCIAL_AUTH_OIDC_SCOPE = ["openid", "all"]

    assert authorization_params(Frontend().begin())["scope"] == "openid all"


def test_pkce_can_be_turned_on_without_discovery(issuer: OpenIDProvider, settings: Any) -> None:
    assert "code_challenge" not in authorization_params(Frontend().begin())

    settings.SOCIAL_AUTH_OIDC_USE_PKCE = True

    assert "code_challenge" in authorization_params(Frontend().begin())
