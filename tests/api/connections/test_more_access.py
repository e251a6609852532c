"""Connect with more scopes: ``connect/?scope=``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from social_core.backends.github import GithubOAuth2
from social_core.utils import setting_name
from social_django.models import UserSocialAuth

from social_endpoints.internal.connections.encryption import PREFIX, STATE
from social_endpoints.internal.connections.token_state import TokenState, describe
from tests.support.access_token_providers import PROVIDERS, TokenProvider
from tests.support.account_views import route_account_views
from tests.support.accounts import connections, list_connections, logged_in
from tests.support.authentication import FIXED, FixedAuthentication, StatelessUser
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, authorization_params, details, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import AFTER_SOCIAL_USER, ASK_NAME, BEFORE_SOCIAL_USER, pipeline_with
from tests.support.social_core import (
    configure_backend,
)

pytestmark = pytest.mark.django_db
User = get_user_model()
CALENDAR = "https://calendar.example.com/read"
DEFAULT = "openid profile email"


@pytest.fixture
def grace() -> Frontend:
    """Return a browser in which a user is logged in, and that connects."""
    return Frontend(client=logged_in(User.objects.create(username="grace")), below="connect/")


@pytest.fixture
def frontend() -> Frontend:
    return Frontend()


@pytest.fixture(autouse=True)
def listed(configure: Configure) -> None:
    """List scopes for two providers."""
    configure(CONNECT_SCOPES={"oidc": [CALENDAR, "mail"], "github": ["repo", "gist"]})


def connected_with(
    username: str, provider: str, uid: str, *scopes: str, pk: int | None = None
) -> UserSocialAuth:
    """Create a connection whose token has these scopes."""
    extra_data = {"access_token": "old", STATE: describe("old", TokenState(scopes=scopes))}
    user, _ = User.objects.get_or_create(username=username)
    social: UserSocialAuth = user.social_auth.create(
        pk=pk, provider=provider, uid=uid, extra_data=extra_data
    )
    return social


def scope_of(begun: Any) -> str:
    return authorization_params(begun)["scope"]


# --- The request ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "asked"),
    [
        ("mail", f"{DEFAULT} mail"),
        (f"mail {CALENDAR}", f"{DEFAULT} mail {CALENDAR}"),
        ("  mail   mail ", f"{DEFAULT} mail"),
        ("", DEFAULT),
        (" ", DEFAULT),
    ],
)
def test_listed_scopes_are_added_to_those_of_a_login(
    scope: str, asked: str, grace: Frontend, openid: OpenIDProvider
) -> None:
    assert scope_of(grace.begin(scope=scope)) == asked


@pytest.mark.parametrize(
    "scope",
    ["admin", "mail admin", "MAIL", "mail,admin", "mai", "mail\tadmin", "repo", "openid", "mail\n"],
)
def test_scope_that_is_not_listed_is_a_field_error(
    scope: str, grace: Frontend, openid: OpenIDProvider
) -> None:
    begun = grace.begin(scope=scope)

    assert error(begun) == (400, "scope_not_allowed")
    assert begun.data["error_recovery"] == "correct_input"
    assert details(begun) == {"scope": ["This scope is not allowed."]}
    assert openid.paths == []
    assert "Set-Cookie" not in begun.headers


def test_log_contains_the_scope_that_is_not_listed(
    grace: Frontend, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "social_endpoints"):
        grace.begin("github", scope="repo delete_repo")

    (line,) = [each.getMessage() for each in caplog.records if each.name == "social_endpoints"]
    assert line.startswith("connect refused ")
    assert {"scope=delete_repo", "code=scope_not_allowed"} <= {*line.split()}


def test_scope_of_a_provider_that_is_not_listed_is_a_field_error(
    configure: Configure, grace: Frontend, openid: OpenIDProvider
) -> None:
    for setting in (None, {}, {"github": ["mail"]}, {"oidc": []}):
        configure(CONNECT_SCOPES=setting)
        assert error(grace.begin(scope="mail")) == (400, "scope_not_allowed")


def test_last_value_of_a_repeated_scope_counts(grace: Frontend, openid: OpenIDProvider) -> None:
    assert scope_of(grace.begin(scope=["admin", "mail"])) == f"{DEFAULT} mail"
    assert error(grace.begin(scope=["mail", "admin"])) == (400, "scope_not_allowed")


def test_login_ignores_the_scope(frontend: Frontend, openid: OpenIDProvider) -> None:
    for scope in ("mail", "admin"):
        assert scope_of(frontend.begin(scope=scope)) == DEFAULT


def test_anonymous_request_with_a_scope_is_a_401(frontend: Frontend) -> None:
    assert replace(frontend, below="connect/").begin(scope="admin").status_code == 401


@pytest.mark.parametrize(
    "setting", ["mail", ["mail"], {"oidc": "mail"}, {"oidc": {"mail": True}}, {"oidc": None}]
)
def test_setting_of_the_wrong_type_is_a_500(
    setting: Any, configure: Configure, grace: Frontend, openid: OpenIDProvider
) -> None:
    configure(CONNECT_SCOPES=setting)

    assert error(grace.begin(scope="mail")) == (500, "invalid_setting")
    assert openid.paths == []


def test_scope_of_a_provider_without_scopes_is_a_500(
    configure: Configure, grace: Frontend, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.twitter.TwitterOAuth"]
    configure(CONNECT_SCOPES={"twitter": ["mail"]})

    assert error(grace.begin("twitter", scope="mail")) == (500, "invalid_setting")


# --- What the provider is asked for ---------------------------------------------------


@pytest.mark.parametrize("granted", [("gist",), ("gist", "user:email", "repo"), ("admin:org",)])
def test_scopes_granted_before_are_asked_for_again(
    granted: tuple[str, ...], grace: Frontend
) -> None:
    connected_with("grace", "github", "1", *granted)
    connected_with("grace", "oidc", "1", "mail")
    connected_with("alan", "github", "2", "delete_repo")

    begun = grace.begin("github", scope="repo")

    assert sorted(scope_of(begun).split(",")) == sorted({*granted, "repo"})


def test_scopes_of_all_connections_at_the_provider_are_asked_for(grace: Frontend) -> None:
    # The order of the rows on disk is not that of their keys.
    connected_with("grace", "github", "2", "notifications", pk=2**30 + 2)
    connected_with("grace", "github", "1", "gist", pk=2**30 + 1)

    assert scope_of(grace.begin("github", scope="repo")) == "gist,notifications,repo"
    assert "scope" not in authorization_params(grace.begin("github"))


def test_stored_value_that_is_not_one_scope_is_not_sent(grace: Frontend) -> None:
    connected_with("grace", "github", "1", "gist", "a b", "a,b", "", 'a"b', "ü")
    UserSocialAuth.objects.create(
        user=User.objects.get(username="grace"), provider="github", uid="2", extra_data="text"
    )

    assert scope_of(grace.begin("github", scope="repo")) == "gist,repo"


@pytest.mark.parametrize("pk", ["not a key", None, 2**70])
def test_user_of_a_stateless_token_may_have_any_key(
    pk: Any, grace: Frontend, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FixedAuthentication, "user", StatelessUser(pk))
    route_account_views(settings, authentication=FIXED)

    assert scope_of(grace.begin("github", scope="repo")) == "repo"


def test_google_adds_the_scopes_granted_before_itself(
    grace: Frontend, frontend: Frontend, settings: Any, configure: Configure
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.google.GoogleOAuth2"]
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_KEY = settings.SOCIAL_AUTH_GOOGLE_OAUTH2_SECRET = "google"
    extra = {"access_type": "offline", "include_granted_scopes": "false"}
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_AUTH_EXTRA_ARGUMENTS = extra
    connected_with("grace", "google-oauth2", "1", "https://www.googleapis.com/auth/drive")
    assert authorization_params(frontend.begin("google-oauth2"))["include_granted_scopes"] == (
        "false"
    )
    configure(CONNECT_SCOPES={"google-oauth2": [CALENDAR]})

    params = authorization_params(grace.begin("google-oauth2", scope=CALENDAR))
    login = authorization_params(frontend.begin("google-oauth2"))

    assert params["scope"] == f"openid email profile {CALENDAR}"
    assert login["scope"] == "openid email profile"
    # Otherwise, the token of a login would replace one with more access.
    assert params["include_granted_scopes"] == login["include_granted_scopes"] == "true"
    assert params["access_type"] == "offline"
    assert "prompt" not in params


@pytest.mark.parametrize("name", ["azuread-v2-tenant-oauth2", "microsoft-graph"])
def test_microsoft_adds_the_scopes_granted_before_itself(
    name: str, grace: Frontend, settings: Any, configure: Configure
) -> None:
    configure_backend(settings, name)
    configure(
        ALLOWED_REDIRECT_URIS=["https://app.example.com/login/callback"],
        CONNECT_SCOPES={name: ["Mail.Read"]},
    )
    connected_with("grace", name, "1", "https://other.example.com/Files.Read")

    params = authorization_params(grace.begin(name, scope="Mail.Read"))

    assert params["scope"].endswith(" Mail.Read")
    assert "Files.Read" not in params["scope"]
    assert "prompt" not in params


@pytest.mark.parametrize(
    ("extra", "auth_type"),
    [({}, "rerequest"), ({"auth_type": "reauthenticate"}, "reauthenticate")],
)
def test_facebook_asks_again_for_a_declined_permission(
    extra: dict[str, str], auth_type: str, grace: Frontend, settings: Any, configure: Configure
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.facebook.FacebookOAuth2"]
    settings.SOCIAL_AUTH_FACEBOOK_KEY = settings.SOCIAL_AUTH_FACEBOOK_SECRET = "facebook"
    settings.SOCIAL_AUTH_FACEBOOK_AUTH_EXTRA_ARGUMENTS = extra
    configure(CONNECT_SCOPES={"facebook": ["user_photos"]})
    connected_with("grace", "facebook", "1", "email")

    params = authorization_params(grace.begin("facebook", scope="user_photos"))
    without = authorization_params(grace.begin("facebook"))

    assert params["scope"] == "email,user_photos"
    assert (params["auth_type"], without.get("auth_type")) == (auth_type, extra.get("auth_type"))


# --- The project's settings and backends ----------------------------------------------


class FixedScope(GithubOAuth2):
    def get_scope_argument(self) -> dict[str, str]:
        return {"scope": "read:org"}


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ({"SCOPE": ["user:email"]}, "user:email,gist,repo"),
        ({"SCOPE": ["repo"]}, "repo,gist"),
        ({"SCOPE": ["read:org", "gist"], "IGNORE_DEFAULT_SCOPE": True}, "read:org,gist,repo"),
        ({"AUTH_EXTRA_ARGUMENTS": {"scope": "read:org,gist"}}, "read:org,gist,repo"),
        ({"AUTH_EXTRA_ARGUMENTS": {"allow_signup": "false"}}, "gist,repo"),
    ],
)
def test_scopes_are_added_to_those_of_the_settings(
    values: dict[str, Any], asked: str, grace: Frontend, settings: Any
) -> None:
    for name, value in values.items():
        setattr(settings, setting_name("github", name), value)
    connected_with("grace", "github", "1", "gist")

    assert scope_of(grace.begin("github", scope="repo")) == asked


def test_scopes_are_added_to_those_of_a_backend_of_the_project(
    grace: Frontend, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.FixedScope"]

    assert scope_of(grace.begin("github", scope="repo")) == "read:org,repo"


def test_parameter_that_the_project_passes_on_is_listed(
    grace: Frontend, frontend: Frontend, settings: Any
) -> None:
    settings.SOCIAL_AUTH_GITHUB_AUTH_EXTRA_ARGUMENTS = {"scope": "read:org"}
    settings.SOCIAL_AUTH_GITHUB_AUTH_EXTRA_ARGUMENTS_OVERRIDE_ALLOWLIST = ["scope"]

    assert error(grace.begin("github", scope="delete_repo")) == (400, "scope_not_allowed")
    assert scope_of(grace.begin("github", scope="repo")) == "read:org,repo"
    assert scope_of(frontend.begin("github", scope="delete_repo")) == "delete_repo"


FIVE_SCOPES = [
    "Calendars.ReadWrite Mail.Send Files.ReadWrite.All Contacts.Read Tasks.ReadWrite",
    "channels:history groups:read files:write reminders:read usergroups:write",
    " ".join(
        f"https://api.example.com/auth/{name}"
        for name in ("calendar.events", "drive.metadata", "gmail.send", "people", "spreadsheets")
    ),
]


@pytest.mark.parametrize("scopes", FIVE_SCOPES)
def test_flow_cookie_stays_short(
    scopes: str, grace: Frontend, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(CONNECT_SCOPES={"oidc": ["another", *scopes.split()]})
    connected_with("grace", "oidc", "user-2", scopes.split(maxsplit=1)[0])
    begun = grace.begin(scope=scopes)

    for name, cookie in begun.cookies.items():
        assert len(name) + len(cookie.value) < 500
    assert len(begun.data.get("flow", "")) < 500
    completed = grace.complete(begun, openid.authorize(begun.data["authorization_url"]))
    assert {*completed.data["scopes"]} == {*DEFAULT.split(), *scopes.split()}


def test_scopes_that_are_listed_after_the_begin_are_not_stored(
    grace: Frontend, openid: OpenIDProvider, configure: Configure
) -> None:
    begun = grace.begin(scope="mail")
    configure(CONNECT_SCOPES={"oidc": [CALENDAR, "mail", "admin"]})

    completed = grace.complete(begun, openid.authorize(begun.data["authorization_url"]))

    assert {*completed.data["scopes"]} <= {*DEFAULT.split(), "mail"}


# --- Completions ----------------------------------------------------------------------


@pytest.fixture
def social(grace: Frontend, openid: OpenIDProvider) -> UserSocialAuth:
    """Return the connection of Grace, which has the scopes of a login."""
    grace.log_in(openid)
    connection: UserSocialAuth = UserSocialAuth.objects.get()
    return connection


def ask_for_more(grace: Frontend, openid: OpenIDProvider, **error_response: str) -> Any:
    """Ask for more access; return the response of the completion."""
    begun = grace.begin(scope="mail")
    callback = openid.authorize(begun.data["authorization_url"])
    if error_response:
        callback = {"state": callback["state"], **error_response}
    return grace.complete(begun, callback)


@pytest.mark.parametrize(
    ("reported", "scopes"),
    [
        ({}, ["openid", "profile", "email", "mail"]),
        ({"scope": "openid email mail"}, ["openid", "email", "mail"]),
        ({"scope": "openid email"}, ["openid", "email"]),
    ],
    ids=["not reported", "granted", "less granted"],
)
def test_identity_that_is_connected_already_gets_the_new_token_and_its_scopes(
    reported: dict[str, str],
    scopes: list[str],
    social: UserSocialAuth,
    grace: Frontend,
    openid: OpenIDProvider,
    sent: list[Any],
) -> None:
    openid.token_params = reported

    response = ask_for_more(grace, openid)

    stored = UserSocialAuth.objects.get()
    assert (response.status_code, response.data["id"]) == (201, social.pk), response.data
    assert response.data["scopes"] == scopes
    assert list_connections(grace.client).json() == [response.json()]
    assert stored.extra_data["access_token"] != social.extra_data["access_token"]
    assert sent == []


@pytest.mark.parametrize("encrypt", [False, True])
def test_scopes_that_a_connect_was_granted_are_asked_for_by_the_next_one(
    encrypt: bool, grace: Frontend, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(ENCRYPT_PROVIDER_TOKENS=encrypt)
    ask_for_more(grace, openid)

    assert scope_of(grace.begin(scope=CALENDAR)) == f"{DEFAULT} mail {CALENDAR}"
    assert scope_of(grace.begin()) == DEFAULT


def test_another_identity_of_the_provider_is_connected_in_addition(
    social: UserSocialAuth, grace: Frontend, openid: OpenIDProvider, sent: list[Any]
) -> None:
    before = social.extra_data
    openid.claims["sub"] = openid.userinfo["sub"] = "user-2"

    response = ask_for_more(grace, openid)

    assert (response.status_code, response.data["uid"]) == (201, "user-2"), response.data
    assert [uid for _, _, uid in connections()] == ["user-1", "user-2"]
    assert [call["social"].uid for call in sent] == ["user-2"]
    social.refresh_from_db()
    assert social.extra_data == before


def test_declined_access_keeps_the_old_token(
    social: UserSocialAuth, grace: Frontend, openid: OpenIDProvider
) -> None:
    before = social.extra_data

    response = ask_for_more(grace, openid, error="access_denied")

    assert error(response) == (400, "authorization_declined")
    social.refresh_from_db()
    assert social.extra_data == before


# --- Later logins ---------------------------------------------------------------------


def stored_token() -> tuple[str, list[str]]:
    """Return the stored access token and its scopes."""
    extra_data = UserSocialAuth.objects.get().extra_data
    return extra_data["access_token"], extra_data[STATE]["scopes"]


@pytest.fixture
def more(social: UserSocialAuth, grace: Frontend, openid: OpenIDProvider) -> tuple[str, list[str]]:
    """Return the token of a connect with more scopes."""
    ask_for_more(grace, openid)
    return stored_token()


@pytest.mark.parametrize("encrypt", [False, True])
def test_login_keeps_the_token_with_more_access(
    encrypt: bool,
    social: UserSocialAuth,
    frontend: Frontend,
    openid: OpenIDProvider,
    grace: Frontend,
    configure: Configure,
) -> None:
    configure(ENCRYPT_PROVIDER_TOKENS=encrypt)
    ask_for_more(grace, openid)
    more = stored_token()
    UserSocialAuth.objects.update(
        extra_data={**UserSocialAuth.objects.get().extra_data, "auth_time": 5}
    )

    assert frontend.log_in(openid).status_code == 201

    assert stored_token() == more
    assert UserSocialAuth.objects.get().extra_data["auth_time"] > 5
    assert list_connections(grace.client).json()[0]["scopes"] == more[1]


@pytest.mark.parametrize("position", [BEFORE_SOCIAL_USER, AFTER_SOCIAL_USER])
def test_paused_login_keeps_the_token_with_more_access(
    position: int, more: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((position, ASK_NAME))
    paused = frontend.log_in(openid)

    assert frontend.resume(paused, name="x").status_code == 201
    assert stored_token() == more


def test_connect_without_more_scopes_replaces_the_token(
    more: Any, grace: Frontend, openid: OpenIDProvider
) -> None:
    assert grace.log_in(openid).status_code == 201

    token, scopes = stored_token()
    assert token != more[0]
    assert scopes == DEFAULT.split()


def state_of(token: str, **values: Any) -> dict[str, Any]:
    return {STATE: describe(token, TokenState(scopes=(*DEFAULT.split(), "mail"), **values))}


@pytest.mark.parametrize(
    ("values", "refresh_token", "is_kept"),
    [
        ({"expires_at": 2**31}, None, True),
        ({"expires_at": 5}, "refresh", True),
        ({"expires_at": 5}, None, False),
        ({"needs_reconnect": True}, "refresh", False),
    ],
)
def test_login_replaces_a_token_that_cannot_be_used(
    values: dict[str, Any],
    refresh_token: str | None,
    is_kept: bool,
    more: Any,
    frontend: Frontend,
    openid: OpenIDProvider,
) -> None:
    stored = UserSocialAuth.objects.get().extra_data | {"refresh_token": refresh_token}
    UserSocialAuth.objects.update(extra_data={**stored, **state_of(more[0], **values)})

    frontend.log_in(openid)

    assert (stored_token() == more) is is_kept


def mark(**kwargs: Any) -> None:
    """Reject the refresh token, as another process does meanwhile."""
    stored = UserSocialAuth.objects.get().extra_data
    state = state_of(stored["access_token"], needs_reconnect=True)
    UserSocialAuth.objects.update(extra_data={**stored, **state})


def test_login_replaces_a_token_that_is_rejected_meanwhile(
    more: Any, frontend: Frontend, grace: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, f"{__name__}.mark"))

    assert frontend.log_in(openid).status_code == 201

    assert stored_token()[1] == DEFAULT.split()
    assert list_connections(grace.client).json()[0]["needs_reconnect"] is False


def test_login_replaces_an_expired_token_whose_refresh_token_is_lost(
    more: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    lost = {"refresh_token": f"{PREFIX}under-a-lost-key", **state_of(more[0], expires_at=5)}
    stored = UserSocialAuth.objects.get().extra_data
    UserSocialAuth.objects.update(extra_data={**stored, **lost})

    frontend.log_in(openid)

    assert stored_token()[1] == DEFAULT.split()


@pytest.fixture
def install(openid: OpenIDProvider, settings: Any, configure: Configure) -> Any:
    """Return a function that installs a provider, and stores a token with more access."""

    def install(name: str) -> TokenProvider:
        provider: TokenProvider = PROVIDERS[name]()
        for setting, value in provider.settings.items():
            setattr(settings, setting, value)
        settings.AUTHENTICATION_BACKENDS = [provider.path]
        configure(NATIVE_PROVIDERS=[name], CONNECT_SCOPES={name: [CALENDAR]})
        provider.install(openid)
        provider.sign_in()
        state = TokenState(scopes=(*provider.granted, CALENDAR))
        extra_data = {"access_token": "old", STATE: describe("old", state)}
        UserSocialAuth.objects.update(extra_data=extra_data)
        return provider

    return install


@pytest.mark.parametrize("name", ["google-oauth2", "github"])
def test_native_sign_in_keeps_the_token_with_more_access(name: str, install: Any) -> None:
    provider = install(name)

    assert provider.sign_in().status_code == 201

    assert stored_token() == ("old", [*provider.granted, CALENDAR])


def test_paused_native_sign_in_keeps_the_token_with_more_access(
    install: Any, settings: Any
) -> None:
    provider = install("google-oauth2")
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, ASK_NAME))
    paused = provider.sign_in()

    resumed = Frontend("body").resume(paused, "google-oauth2", name="x")

    assert resumed.status_code == 201, resumed.data
    assert stored_token()[0] == "old"


@pytest.mark.parametrize(("asked", "is_kept"), [([], False), (["email"], True)])
def test_login_at_github_without_scopes_stores_what_is_granted_now(
    asked: list[str], is_kept: bool, install: Any, frontend: Frontend, settings: Any
) -> None:
    provider = install("github")
    provider.token_params = {"scope": ",".join(asked)}
    settings.SOCIAL_AUTH_GITHUB_SCOPE = asked

    begun = frontend.begin("github")
    callback = {"code": "1", "state": authorization_params(begun)["state"]}
    assert frontend.complete(begun, callback, "github").status_code == 201

    assert (stored_token()[0] == "old") is is_kept


def test_login_with_other_scopes_replaces_the_token(
    more: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.token_params = {"scope": "openid another"}

    frontend.log_in(openid)

    assert stored_token()[1] == ["openid", "another"]


def test_login_replaces_the_token_if_the_provider_is_not_listed(
    more: Any, frontend: Frontend, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(CONNECT_SCOPES=None)

    frontend.log_in(openid)

    assert stored_token()[1] == DEFAULT.split()
