"""The expiry and the scopes that a login stores, and the tokens that it keeps."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
import responses
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_django.models import Partial, UserSocialAuth

from social_endpoints.internal.connections.encryption import STATE, to_plain
from social_endpoints.internal.connections.token_state import TokenState, describe, read_state
from tests.support.access_token_providers import PLAIN
from tests.support.accounts import list_connections, logged_in, user_with
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, authorization_params
from tests.support.oauth1_provider import Twitter
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import AFTER_SOCIAL_USER, ASK_NAME, pipeline_with

pytestmark = pytest.mark.django_db

HERE = "tests.api.connections.test_token_state"
DEFAULT = ("openid", "profile", "email")
TOKENS = ("access_token", "id_token", "refresh_token")

LOCALIZED = {"localized": {"en_US": "Ada"}, "preferredLocale": {"country": "US", "language": "en"}}

# Backend, URL of the token endpoint, token response, URL of the profile, profile, parameters that
# the callback has in addition, granted scopes.
PROVIDERS = {
    "plain": (
        PLAIN,
        "https://plain.example.com/token",
        {"expires_in": "3600", "scope": "read write"},
        "",
        {},
        {},
        ("read", "write"),
    ),
    "github": (
        "social_core.backends.github.GithubOAuth2",
        "https://github.com/login/oauth/access_token",
        {"expires_in": 3600, "refresh_token_expires_in": 9, "scope": "gist,read:user"},
        "https://api.github.com/user",
        {"id": 4711, "login": "ada", "email": "ada@example.com"},
        {},
        ("gist", "read:user"),
    ),
    "google-oauth2": (
        "social_core.backends.google.GoogleOAuth2",
        "https://accounts.google.com/o/oauth2/token",
        {"expires_in": 3600, "scope": "openid https://www.googleapis.com/auth/calendar"},
        "https://www.googleapis.com/oauth2/v3/userinfo",
        {"sub": "1", "email": "ada@example.com", "email_verified": True, "expires": 5},
        {"scope": "admin"},
        ("openid", "https://www.googleapis.com/auth/calendar"),
    ),
    "facebook": (
        "social_core.backends.facebook.FacebookOAuth2",
        "https://graph.facebook.com/v24.0/oauth/access_token",
        {"expires_in": 3600},
        "https://graph.facebook.com/v24.0/me",
        {"id": "5", "name": "Ada", "email": "ada@example.com", "scope": "of the profile"},
        {"granted_scopes": "email,admin", "denied_scopes": "pages"},
        ("email",),
    ),
    "microsoft-graph": (
        "social_core.backends.microsoft.MicrosoftOAuth2",
        "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        {"expires_in": 3600, "ext_expires_in": 9, "scope": "User.Read Mail.Read"},
        "https://graph.microsoft.com/v1.0/me",
        {"id": "6", "userPrincipalName": "ada@example.com"},
        {},
        ("User.Read", "Mail.Read"),
    ),
    "linkedin-oauth2": (
        "social_core.backends.linkedin.LinkedinOAuth2",
        "https://www.linkedin.com/oauth/v2/accessToken",
        {"expires_in": 3600, "refresh_token_expires_in": 9, "scope": "email,r_liteprofile"},
        "https://api.linkedin.com/v2/me",
        {"id": "8", "firstName": LOCALIZED, "lastName": LOCALIZED},
        {},
        ("email", "r_liteprofile"),
    ),
    "strava": (
        "social_core.backends.strava.StravaOAuth",
        "https://www.strava.com/oauth/token",
        lambda: {"expires_at": int(time.time()) + 3600, "athlete": {"id": 9}},
        "https://www.strava.com/api/v3/athlete",
        {"id": 9},
        {"scope": "read,admin"},
        ("read",),
    ),
    "box": (
        "social_core.backends.box.BoxOAuth2",
        "https://www.box.com/api/oauth2/token",
        {"expires_in": 3600},
        "https://api.box.com/2.0/users/me",
        {"id": "1", "login": "ada@example.com", "name": "Ada"},
        {},
        ("root_readonly",),
    ),
    "deezer": (
        "social_core.backends.deezer.DeezerOAuth2",
        "https://connect.deezer.com/oauth/access_token.php",
        "access_token=token&expires=3600",
        "https://api.deezer.com/user/me",
        {"id": "1", "name": "ada"},
        {},
        ("basic_access", "email"),
    ),
}

SCOPES = {
    "facebook": ["email", "pages"],
    "strava": ["read", "activity:read"],
    "box": ["root_readonly"],
    "deezer": ["basic_access", "email"],
}


def stored() -> dict[str, Any]:
    extra_data: dict[str, Any] = UserSocialAuth.objects.get().extra_data
    return extra_data


def state() -> TokenState:
    return read_state(stored())


def in_an_hour() -> Any:
    return pytest.approx(time.time() + 3600, abs=60)


def store(**values: Any) -> None:
    """Change the stored extra data, as another process would."""
    social = UserSocialAuth.objects.get()
    UserSocialAuth.objects.update(extra_data={**social.extra_data, **values})


def install(name: str, wire: responses.RequestsMock, settings: Any) -> tuple[Any, ...]:
    path, token_url, tokens, profile_url, profile, extra, scopes = PROVIDERS[name]
    settings.AUTHENTICATION_BACKENDS = [path]
    prefix = f"SOCIAL_AUTH_{name.upper().replace('-', '_')}"
    for setting, value in {
        "KEY": "our-id",
        "SECRET": "our-secret",
        "SCOPE": SCOPES.get(name, []),
        "USE_UNIQUE_USER_ID": True,
        "ACCESS_TOKEN_URL": token_url,
        "AUTHORIZATION_URL": f"{token_url}/authorize",
    }.items():
        setattr(settings, f"{prefix}_{setting}", value)
    tokens = tokens() if callable(tokens) else tokens
    text = tokens if isinstance(tokens, str) else json.dumps({"access_token": "token", **tokens})
    for method in ("GET", "POST"):
        wire.add(method, token_url, body=text)
    if profile_url:
        wire.add("GET", profile_url, json=profile)
    return extra, scopes


# --- Expiry and scopes ----------------------------------------------------------------


@pytest.mark.parametrize("name", PROVIDERS)
def test_login_stores_the_expiry_and_the_granted_scopes(
    name: str, wire: responses.RequestsMock, settings: Any
) -> None:
    extra, scopes = install(name, wire, settings)
    frontend = Frontend()
    begun = frontend.begin(name)
    callback = {"code": "x", "state": authorization_params(begun)["state"], **extra}

    response = frontend.complete(begun, callback, name)

    assert response.status_code == 201, response.data
    assert state() == TokenState(expires_at=in_an_hour(), scopes=scopes)
    (shown,) = list_connections(logged_in(UserSocialAuth.objects.get().user)).data
    assert (shown["scopes"], shown["needs_reconnect"]) == ([*scopes], False)


def test_login_with_openid_connect_stores_what_social_core_does_not(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.token_params = {"expires_in": 3600, "scope": "openid email"}
    openid.userinfo |= {"scope": "admin", "expires": 1, "expires_at": 10**10}

    assert frontend.log_in(openid).status_code == 201

    assert state() == TokenState(expires_at=in_an_hour(), scopes=("openid", "email"))


def test_connect_returns_the_granted_scopes(grace: Frontend, openid: OpenIDProvider) -> None:
    openid.token_params = {"expires_in": 3600, "scope": "openid email"}

    connected = grace.log_in(openid).data

    assert connected["scopes"] == ["openid", "email"]
    assert connected["needs_reconnect"] is False
    assert [connected] == [dict(each) for each in list_connections(grace.client).data]


@pytest.mark.parametrize("value", [0, -1, "never", True, None, float("nan"), 10**12, [], {}])
def test_lifetime_that_is_not_a_positive_number_is_unknown(
    value: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.token_params = {"expires_in": value}

    assert frontend.log_in(openid).status_code == 201

    assert state() == TokenState(scopes=DEFAULT)


def test_token_of_oauth_1_has_no_expiry(wire: responses.RequestsMock, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.twitter.TwitterOAuth"]
    settings.SOCIAL_AUTH_TWITTER_KEY = settings.SOCIAL_AUTH_TWITTER_SECRET = "ours"
    twitter, frontend = Twitter(wire), Frontend()
    begun = frontend.begin("twitter")
    callback = twitter.authorize(begun.data["authorization_url"])

    assert frontend.complete(begun, callback, "twitter").status_code == 201

    assert stored()["access_token"]["oauth_token"] == "access"
    entry = describe(stored()["access_token"], TokenState())
    assert stored()[STATE] == entry


# --- Scopes that were asked for -------------------------------------------------------


def test_scopes_asked_for_count_if_the_provider_is_silent(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_SCOPE = ["calendar"]
    assert frontend.log_in(openid).status_code == 201
    assert {*state().scopes} == {*DEFAULT, "calendar"}

    before = size_of_flow(frontend)
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"scope": "openid mail"}
    assert frontend.log_in(openid).status_code == 201
    assert state().scopes == ("openid", "mail")
    assert size_of_flow(frontend) == before


def size_of_flow(frontend: Frontend) -> int:
    begun = frontend.begin()
    if frontend.transport == "body":
        return len(begun.data["flow"])
    return max(len(cookie.value) for cookie in begun.cookies.values())


def test_scopes_of_the_query_count_if_the_provider_is_silent(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS_OVERRIDE_ALLOWLIST = ["scope"]
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"scope": "openid"}
    begun = frontend.begin(scope="openid files")

    completed = frontend.complete(begun, openid.authorize(begun.data["authorization_url"]))

    assert completed.status_code == 201
    assert state().scopes == ("openid", "files")


def test_scopes_of_a_connect_count_if_the_provider_is_silent(
    grace: Frontend, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(CONNECT_SCOPES={"oidc": ["calendar"]})
    begun = grace.begin(scope="calendar")

    connected = grace.complete(begun, openid.authorize(begun.data["authorization_url"]))

    assert connected.data["scopes"] == [*DEFAULT, "calendar"]


# --- Paused logins --------------------------------------------------------------------


def test_resumed_login_stores_the_expiry_of_the_token_response(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, ASK_NAME))
    settings.SOCIAL_AUTH_OIDC_EXTRA_DATA = ["expires_in"]
    openid.token_params = {"expires_in": 3600, "scope": "openid email"}
    paused = frontend.log_in(openid)
    login = Partial.objects.get()
    login.data["kwargs"]["social_endpoints_login"]["received"] -= 100  # The user takes time.
    login.save()

    resumed = frontend.resume(paused, name="Ada")

    assert resumed.status_code == 201
    assert state() == TokenState(expires_at=in_an_hour(), scopes=("openid", "email"))
    assert stored()["expires_in"] == pytest.approx(3500, abs=30)


# --- Refresh tokens -------------------------------------------------------------------


@pytest.mark.parametrize("second", [{}, {"refresh_token": None}, {"refresh_token": ""}])
@pytest.mark.parametrize("setting", [{}, {"GET_ALL_EXTRA_DATA": True}])
def test_second_login_without_a_refresh_token_keeps_the_stored_one(
    second: dict[str, Any],
    setting: dict[str, Any],
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    for name, value in setting.items():
        setattr(settings, f"SOCIAL_AUTH_OIDC_{name}", value)
    openid.token_params = {"refresh_token": "first"}
    frontend.log_in(openid)
    token = stored()["access_token"]
    openid.token_params = second

    assert frontend.log_in(openid).status_code == 201

    assert stored()["refresh_token"] == "first"
    assert stored()["access_token"] != token


def test_login_without_a_refresh_token_keeps_the_one_in_an_old_row_with_text(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    frontend.log_in(openid)
    text = json.dumps({"refresh_token": "first", "note": 1})
    UserSocialAuth.objects.update(extra_data=text)

    assert frontend.log_in(openid).status_code == 201

    assert stored()["refresh_token"] == "first"
    assert stored()["note"] == 1


def test_second_login_with_a_refresh_token_replaces_the_stored_one(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    for number in ("first", "second"):
        openid.token_params = {"refresh_token": number}
        frontend.log_in(openid)

    assert stored()["refresh_token"] == "second"


def test_refresh_token_under_the_name_of_the_project_is_kept(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_EXTRA_DATA = [("refresh_token", "offline")]
    openid.token_params = {"refresh_token": "first"}
    frontend.log_in(openid)
    openid.token_params = {}

    frontend.log_in(openid)

    assert (stored()["refresh_token"], stored()["offline"]) == ("first", "first")


class WithoutExtraData(OpenIdConnectAuth):
    """A backend that does not name the refresh token in ``EXTRA_DATA``."""

    name = "oidc"
    EXTRA_DATA = None


def test_refresh_token_is_stored_for_every_backend(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.WithoutExtraData"]
    openid.token_params = {"refresh_token": "first"}

    frontend.log_in(openid)

    assert stored()["refresh_token"] == "first"


def rotate(backend: Any, **kwargs: Any) -> None:
    """Refresh the token in another process, after this login has read the row."""
    store(access_token="refreshed", refresh_token="rotated")


def test_refresh_during_a_login_is_not_undone(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    openid.token_params = {"refresh_token": "first"}
    frontend.log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, f"{HERE}.rotate"))
    openid.token_params = {}

    assert frontend.log_in(openid).status_code == 201

    assert stored()["refresh_token"] == "rotated"
    assert stored()["access_token"] != "refreshed"


ROTATIONS: list[str] = []


def rotate_once(**kwargs: Any) -> None:
    """Refresh the token on another connection of the database, in the first call."""

    def run() -> None:
        try:
            store(access_token="refreshed", refresh_token=ROTATIONS.pop())
        finally:
            connections.close_all()

    if ROTATIONS:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()


@pytest.mark.row_locks
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("isolation")
def test_refresh_by_another_worker_during_a_login_is_not_undone(
    openid: OpenIDProvider, settings: Any
) -> None:
    frontend = Frontend()
    openid.token_params = {"refresh_token": "first"}
    frontend.log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, f"{HERE}.rotate_once"))
    openid.token_params = {}
    ROTATIONS.append("rotated")

    assert frontend.log_in(openid).status_code == 201

    assert (stored()["refresh_token"], ROTATIONS) == ("rotated", [])


@pytest.mark.parametrize(("second", "reads"), [({}, 1), ({"refresh_token": "second"}, 0)])
def test_row_is_only_read_again_to_keep_a_refresh_token(
    second: dict[str, Any], reads: int, frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.token_params = {"refresh_token": "first"}
    frontend.log_in(openid)
    openid.token_params = second

    with CaptureQueriesContext(connection) as captured:
        frontend.log_in(openid)

    queries = [query["sql"] for query in captured if "extra_data" in query["sql"]]
    selects = [sql for sql in queries if sql.startswith("SELECT")]
    assert len(selects) == 1 + reads  # The first one finds the identity.
    locks = connection.features.has_select_for_update
    assert [each for each in selects if "FOR UPDATE" in each] == selects[1:] if locks else True


# --- Marked connections ---------------------------------------------------------------


def mark() -> None:
    """Store that the provider has rejected the refresh token."""
    store(**{STATE: describe(stored()["access_token"], TokenState(needs_reconnect=True))})


@pytest.mark.parametrize("below", ["", "connect/"])
def test_login_or_connect_clears_the_mark(
    below: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    frontend.log_in(openid)
    client = logged_in(UserSocialAuth.objects.get().user)
    mark()
    assert list_connections(client).data[0]["needs_reconnect"] is True
    if below:
        frontend.client, frontend.below = client, below

    assert frontend.log_in(openid).status_code == 201

    assert list_connections(client).data[0]["needs_reconnect"] is False


def test_token_that_other_code_has_stored_has_no_state(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.token_params = {"expires_in": 3600}
    frontend.log_in(openid)
    mark()

    store(access_token="of social_django's views")

    (shown,) = list_connections(logged_in(UserSocialAuth.objects.get().user)).data
    assert (shown["scopes"], shown["needs_reconnect"]) == ([], False)
    assert state() == TokenState()


# --- Encryption -----------------------------------------------------------------------


def test_encrypted_tokens_have_the_same_state(
    frontend: Frontend, openid: OpenIDProvider, configure: Configure, settings: Any
) -> None:
    configure(ENCRYPT_PROVIDER_TOKENS=True)
    openid.token_params = {"expires_in": 3600, "refresh_token": "the-refresh-token"}
    frontend.log_in(openid)
    openid.token_params = {"expires_in": 3600}

    assert frontend.log_in(openid).status_code == 201

    plain, text = to_plain(stored()), json.dumps(stored())
    assert plain["refresh_token"] == "the-refresh-token"
    assert [name for name in TOKENS if plain[name] in text] == []
    assert state() == TokenState(expires_at=in_an_hour(), scopes=DEFAULT)


@pytest.mark.parametrize("token", ["encrypted:lost", {"oauth_token": "encrypted:lost", "x": "y"}])
def test_token_that_cannot_be_decrypted_has_to_be_connected_again(token: Any) -> None:
    user = user_with(("oidc", "1"))
    store(access_token=token)

    (shown,) = list_connections(logged_in(user)).data

    assert (shown["scopes"], shown["needs_reconnect"]) == ([], True)


# --- Fields of social-core ------------------------------------------------------------


def test_lifetime_of_the_replaced_token_is_removed(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    frontend.log_in(openid)
    store(expires_in=5, auth_time=1)
    assert UserSocialAuth.objects.get().access_token_expired()

    frontend.log_in(openid)

    assert not UserSocialAuth.objects.get().access_token_expired()
