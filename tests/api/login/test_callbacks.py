"""What callbacks bring: signed fields, issuers and errors, and which login they belong to."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import responses
from django.contrib.auth import get_user_model
from social_core.backends.base import BaseAuth
from social_core.backends.oauth import BaseOAuth2
from social_core.exceptions import AuthSessionError
from social_django.models import Nonce, UserSocialAuth

from social_endpoints.internal.network.document_cache import memory
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.openid_provider import ISSUER, OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()
BOT_TOKEN = "12345:the-secret-of-the-bot"


def query(begun: Any) -> dict[str, str]:
    assert begun.status_code == 200, begun.data
    parts = parse_qs(urlsplit(begun.data["authorization_url"]).query)
    return {name: values[0] for name, values in parts.items()}


# --- Telegram -------------------------------------------------------------------------


@pytest.fixture
def telegram(settings: Any) -> str:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.telegram.TelegramAuth"]
    settings.SOCIAL_AUTH_TELEGRAM_BOT_TOKEN = BOT_TOKEN
    return "telegram"


def signed(**fields: Any) -> dict[str, Any]:
    """Return what Telegram says of its user, signed with the bot's token."""
    said = {"id": 7, "first_name": "Ada", "username": "ada", "auth_date": int(time.time())}
    said |= fields
    lines = "\n".join(sorted(f"{name}={value}" for name, value in said.items()))
    key = hashlib.sha256(BOT_TOKEN.encode()).digest()
    return {**said, "hash": hmac.new(key, lines.encode(), "sha256").hexdigest()}


def in_fragment(fields: Any) -> dict[str, str]:
    encoded = urlsafe_b64encode(json.dumps(fields).encode()).decode()
    return {"tgAuthResult": encoded.rstrip("=")}


@pytest.mark.parametrize(
    "as_sent",
    [
        lambda fields: {name: str(value) for name, value in fields.items()},
        lambda fields: fields,
        in_fragment,
        lambda fields: {"tgAuthResult": b64encode(json.dumps(fields).encode()).decode()},
    ],
    ids=["in the query", "by the widget's callback", "in the fragment", "in plain base64"],
)
@pytest.mark.parametrize("encoding", ["json", "multipart"])
def test_telegram(as_sent: Any, encoding: str, telegram: str, frontend: Frontend) -> None:
    frontend.format = encoding
    begun = frontend.begin(telegram)
    asked = query(begun)

    answer = frontend.complete(begun, as_sent(signed(last_name="Lovelace é")), telegram)

    assert begun.data["authorization_url"].startswith("https://oauth.telegram.org/auth?")
    assert asked == {
        "bot_id": "12345",
        "origin": "https://app.example.com",
        "return_to": REDIRECT_URI,
    }
    assert answer.status_code == 201, answer.data
    assert UserSocialAuth.objects.get().uid == "7"


def test_telegram_with_a_query_of_the_pages_own(
    telegram: str, frontend: Frontend, configure: Configure
) -> None:
    uri = f"{REDIRECT_URI}?provider=telegram&next=%2F"
    configure(ALLOWED_REDIRECT_URIS=[uri])
    begun = frontend.begin(telegram, redirect_uri=uri)
    own = {"provider": "telegram", "next": "/"}

    assert frontend.complete(begun, {**own, **signed()}, telegram).status_code == 201


def test_telegram_asks_for_what_the_project_wants(
    telegram: str, frontend: Frontend, settings: Any
) -> None:
    settings.SOCIAL_AUTH_TELEGRAM_AUTH_EXTRA_ARGUMENTS = {"request_access": "write"}

    assert query(frontend.begin(telegram))["request_access"] == "write"


def test_two_tabs_with_telegram(telegram: str, frontend: Frontend) -> None:
    begun = [frontend.begin(telegram) for _ in range(2)]

    answers = [frontend.complete(each, signed(), telegram) for each in begun]

    assert [answer.status_code for answer in answers] == [201, 201]


@pytest.mark.parametrize(
    "callback",
    [
        {**signed(), "id": "8"},
        {**signed(), "hash": "0"},
        {**signed(), "extra": "field"},
        signed(auth_date=int(time.time()) - 100_000),
        signed(first_name="Ada\nid=8"),
        in_fragment({}),
        in_fragment([]),
        in_fragment({"id": 7}),
        # Half a surrogate pair, which JSON can write and no answer can hold.
        in_fragment({**signed(), "\ud800\n": "x"}),
        in_fragment({**signed(), "first_name": "\ud800"}),
        in_fragment({**signed(), "first_name": ["\ud800"]}),
        {"tgAuthResult": "no base64"},
        {"tgAuthResult": "é"},
    ],
)
def test_telegram_refuses(callback: dict[str, Any], telegram: str, frontend: Frontend) -> None:
    begun = frontend.begin(telegram)

    answer = frontend.complete(begun, callback, telegram)

    assert answer.status_code == 400
    assert "error_code" in answer.data
    assert not User.objects.exists()


def test_telegrams_user_declines(telegram: str, frontend: Frontend) -> None:
    begun = frontend.begin(telegram)

    answer = frontend.complete(begun, in_fragment(False), telegram)

    assert (answer.status_code, answer.data["error_code"]) == (400, "authorization_declined")


def test_telegram_needs_a_flow(telegram: str) -> None:
    answer = Frontend("body").post(signed(), telegram)

    assert (answer.status_code, answer.data["error_code"]) == (400, "session_context_missing")


def test_telegram_misses_something(telegram: str, frontend: Frontend) -> None:
    begun = frontend.begin(telegram)

    answer = frontend.complete(begun, {"id": "7"}, telegram)

    assert answer.data == {name: ["This field is required."] for name in ("auth_date", "hash")}


@pytest.mark.parametrize("token", [None, "", "no token", "a:b"])
def test_telegram_without_its_token(
    token: str | None, telegram: str, frontend: Frontend, settings: Any
) -> None:
    settings.SOCIAL_AUTH_TELEGRAM_BOT_TOKEN = token

    answer = frontend.begin(telegram)

    assert answer.status_code == 500
    assert answer.data["error_source"] == "configuration"


# --- Discourse ------------------------------------------------------------------------


@pytest.fixture
def discourse(settings: Any) -> str:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.discourse.DiscourseAuth"]
    settings.SOCIAL_AUTH_DISCOURSE_SECRET = "secret"
    settings.SOCIAL_AUTH_DISCOURSE_SERVER_URL = "https://discourse.example.com"
    return "discourse"


def vouched(begun: Any, **said: str) -> dict[str, str]:
    """Do what the user does at the forum; return the callback's parameters."""
    nonce = parse_qs(b64decode(query(begun)["sso"]).decode())["nonce"][0]
    fields = {"nonce": nonce, "external_id": "7", "username": "ada", **said}
    sso = b64encode(urlencode(fields).encode()).decode()
    return {"sso": sso, "sig": hmac.new(b"secret", sso.encode(), "sha256").hexdigest()}


def test_discourse_writes_nothing_at_begin(
    discourse: str, frontend: Frontend, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        begun = frontend.begin(discourse)

    assert frontend.complete(begun, vouched(begun), discourse).status_code == 201
    assert Nonce.objects.count() == 1  # The claim.


def test_two_tabs_with_discourse(discourse: str, frontend: Frontend) -> None:
    begun = [frontend.begin(discourse) for _ in range(2)]

    answers = [frontend.complete(each, vouched(each), discourse) for each in begun]

    assert [answer.status_code for answer in answers] == [201, 201]


def test_discourse_of_another_login(discourse: str, frontend: Frontend) -> None:
    first, second = frontend.begin(discourse), frontend.begin(discourse)
    frontend.client.cookies.pop(next(iter(second.cookies), ""), None)

    answer = frontend.complete(first, vouched(second), discourse)

    assert answer.status_code == 400
    assert frontend.complete(first, vouched(first), discourse).status_code == 201


@pytest.mark.parametrize(
    "change",
    [{"sso": "no base64"}, {"sso": "é"}, {"sig": "0"}, {"sso": b64encode(b"\xff").decode()}],
)
def test_discourse_refuses(change: dict[str, str], discourse: str, frontend: Frontend) -> None:
    begun = frontend.begin(discourse)

    answer = frontend.complete(begun, {**vouched(begun), **change}, discourse)

    assert answer.status_code == 400
    assert not User.objects.exists()


def test_discourse_misses_something(discourse: str, frontend: Frontend) -> None:
    begun = frontend.begin(discourse)

    answer = frontend.complete(begun, {}, discourse)

    assert answer.data == {name: ["This field is required."] for name in ("sso", "sig")}


class Forgetful(BaseAuth):
    """A backend that looks up nonces that it has not begun with."""

    name = "forgetful"

    def auth_url(self) -> str:
        return "https://forgetful.example.com/"

    def auth_complete(self, *args: Any, **kwargs: Any) -> Any:
        nonces = self.strategy.storage.nonce
        assert nonces.get("https://forgetful.example.com", "salt") is None
        assert nonces.use("https://forgetful.example.com", 1, "salt")
        nonces.delete(nonces.get("https://forgetful.example.com", "salt"))
        seen = {"get": self.strategy.request_get(), "post": self.strategy.request_post()}
        assert self.strategy.request_host() == "testserver"
        assert self.strategy.request_is_secure()
        assert self.strategy.request_path() == "/auth/o/forgetful/"
        assert self.strategy.request_port() == 443
        with pytest.raises(AuthSessionError):
            self.strategy.restore_session("of somebody", {})
        response = {"id": "7", "username": "ada", **seen}
        return self.strategy.authenticate(self, response=response, **kwargs)

    def get_user_id(self, details: Any, response: Any) -> str:
        return str(response["id"])

    def get_user_details(self, response: Any) -> dict[str, Any]:
        assert (response["get"], response["post"]) == ({}, {"said": "so"})
        return {"username": response["username"]}


def test_what_is_no_flows_stays_in_the_projects_storage(frontend: Frontend, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.login.test_callbacks.Forgetful"]
    begun = frontend.begin("forgetful")

    answer = frontend.complete(begun, {"said": "so", "partial_token": ""}, "forgetful")

    assert answer.status_code == 201, answer.data
    assert Nonce.objects.count() == 1


# --- Association only -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("drip", "drip.DripOAuth"),
        ("lastfm", "lastfm.LastFmAuth"),
        ("mixcloud", "mixcloud.MixcloudOAuth2"),
        ("twilio", "twilio.TwilioAuth"),
    ],
)
def test_what_only_links_accounts_signs_nobody_in(
    name: str, path: str, frontend: Frontend, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"social_core.backends.{path}"]
    for setting in ("KEY", "SECRET"):
        setattr(settings, f"SOCIAL_AUTH_{name.upper()}_{setting}", "value")

    begun = frontend.begin(name)
    completed = frontend.post({"code": "code", "state": "state", "AccountSid": "7"}, name)

    assert (begun.status_code, begun.data["error_code"]) == (400, "authentication_disallowed")
    assert begun.data["error_recovery"] == "use_existing_account"
    assert "connected" in begun.data["non_field_errors"][0]
    assert completed.status_code == 400


# --- The issuer -----------------------------------------------------------------------


def test_the_issuer_of_openid_connect(frontend: Frontend, openid: OpenIDProvider) -> None:
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])

    for issuer in ("https://evil.example.com", f"{ISSUER}/", f"{ISSUER}.evil.example.com"):
        refused = frontend.complete(begun, {**callback, "iss": issuer})
        assert (refused.status_code, refused.data["error_code"]) == (400, "invalid_claim")
    assert "/token" not in openid.requests

    assert frontend.complete(begun, {**callback, "iss": ISSUER}).status_code == 201


@pytest.mark.parametrize("name", ["github", "google-oauth2", "discord", "tenants", "plain"])
@pytest.mark.parametrize(
    ("issuer", "accepted"),
    [
        ("https://github.com/login/oauth", {"github"}),
        ("https://github.com", set()),
        ("https://accounts.google.com", {"google-oauth2"}),
        ("https://discord.com", {"discord"}),
        ("https://plain.example.com/issuer", {"plain", "tenants"}),
        ("http://plain.example.com", set()),
        ("https://evil.example.com", set()),
        ("https://[", set()),
    ],
)
def test_the_issuer_of_oauth_2(
    issuer: str,
    accepted: set[str],
    name: str,
    frontend: Frontend,
    settings: Any,
    wire: responses.RequestsMock,
) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.github.GithubOAuth2",
        "social_core.backends.google.GoogleOAuth2",
        "social_core.backends.discord.DiscordOAuth2",
        "tests.api.login.test_callbacks.Plain",
        "tests.api.login.test_callbacks.Tenants",
    ]
    prefix = f"SOCIAL_AUTH_{name.upper().replace('-', '_')}"
    for setting in ("KEY", "SECRET"):
        setattr(settings, f"{prefix}_{setting}", "value")
    for method in ("GET", "POST"):
        wire.add(method, f"{token_url(name)}", status=400, json={"error": "invalid_grant"})
    begun = frontend.begin(name)
    callback = {"code": "code", "state": query(begun)["state"], "iss": issuer}

    answer = frontend.complete(begun, callback, name)

    expected = "authorization_code_rejected" if name in accepted else "invalid_claim"
    assert (answer.status_code, answer.data["error_code"]) == (400, expected)


def token_url(name: str) -> str:
    return {
        "github": "https://github.com/login/oauth/access_token",
        "google-oauth2": "https://accounts.google.com/o/oauth2/token",
        "discord": "https://discord.com/api/oauth2/token",
    }.get(name, "https://plain.example.com/token")


class Plain(BaseOAuth2):
    """A provider whose issuer nobody knows."""

    name = "plain"
    AUTHORIZATION_URL = "https://plain.example.com/authorize"
    ACCESS_TOKEN_URL = "https://plain.example.com/token"


class Tenants(Plain):
    """A provider with an issuer for each tenant."""

    name = "tenants"
    ID_TOKEN_ISSUER = "https://plain.example.com/{tenant}/issuer"


def test_the_issuer_may_be_a_setting(frontend: Frontend, settings: Any) -> None:
    settings.SOCIAL_AUTH_GITHUB_ID_TOKEN_ISSUER = "https://other.example.com"
    begun = frontend.begin("github")
    issuer = "https://github.com/login/oauth"
    callback = {"code": "code", "state": query(begun)["state"], "iss": issuer}

    assert frontend.complete(begun, callback, "github").data["error_code"] == "invalid_claim"


def test_the_issuer_cannot_be_learnt(frontend: Frontend, openid: OpenIDProvider) -> None:
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    openid.endpoints = {"issuer": None}
    memory.clear()

    refused = frontend.complete(begun, {**callback, "iss": ISSUER})

    assert (refused.status_code, refused.data["error_code"]) == (400, "missing_claim")


# --- Errors ---------------------------------------------------------------------------


@pytest.fixture
def four_providers(openid: OpenIDProvider, settings: Any) -> None:
    """Configure one provider of each kind that needs no server to begin."""
    settings.AUTHENTICATION_BACKENDS = [
        *settings.AUTHENTICATION_BACKENDS,
        "social_core.backends.discourse.DiscourseAuth",
        "social_core.backends.telegram.TelegramAuth",
    ]
    settings.SOCIAL_AUTH_DISCOURSE_SECRET = "secret"
    settings.SOCIAL_AUTH_DISCOURSE_SERVER_URL = "https://discourse.example.com"
    settings.SOCIAL_AUTH_TELEGRAM_BOT_TOKEN = BOT_TOKEN


@pytest.mark.parametrize(
    ("error", "code", "recovery"),
    [
        ("access_denied", "authorization_declined", "none"),
        ("user_cancelled_login", "authorization_declined", "none"),
        ("user_cancelled_authorize", "authorization_declined", "none"),
        ("login_required", "reauthentication_required", "reauthenticate"),
        ("interaction_required", "reauthentication_required", "reauthenticate"),
        ("consent_required", "reauthentication_required", "reauthenticate"),
        ("account_selection_required", "reauthentication_required", "reauthenticate"),
        ("temporarily_unavailable", "unavailable", "retry_later"),
        ("server_error", "unavailable", "retry_later"),
        ("something_else", "http_error", "contact_administrator"),
    ],
)
@pytest.mark.parametrize("name", ["oidc", "github", "discourse", "telegram"])
def test_errors_in_a_callback(
    error: str,
    code: str,
    recovery: str,
    name: str,
    frontend: Frontend,
    four_providers: None,
) -> None:
    begun = frontend.begin(name)
    state = {"state": query(begun)["state"]} if name in {"oidc", "github"} else {}

    answer = frontend.complete(begun, {"error": error, **state}, name)

    assert answer.status_code == 400
    assert (answer.data["error_code"], answer.data["error_recovery"]) == (code, recovery)
    assert answer.data["error_stage"] == "callback"


@pytest.mark.parametrize(
    "callback",
    [
        {"error": "access_denied"},
        {"error": "something_else"},
        {"error": ""},
        {"error_code": ""},
        {"error_code": "1"},
        {"denied": "x"},
        {"oauth_problem": "x"},
        {"oauth_problem": "x", "code": "code"},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["oidc", "github"])
def test_an_error_that_says_no_state_uses_no_login_up(
    callback: dict[str, str],
    name: str,
    frontend: Frontend,
    openid: OpenIDProvider,
    wire: responses.RequestsMock,
) -> None:
    wire.post(token_url("github"), json={"error": "invalid_grant"})
    begun = [frontend.begin(name) for _ in range(2)]

    refused = [frontend.complete(each, callback, name) for each in begun]

    assert [answer.status_code for answer in refused] == [400, 400]
    for each in begun:
        own = {"code": "code", "state": query(each)["state"]}
        answer = frontend.complete(each, own, name)
        assert answer.data["error_code"] == "authorization_code_rejected"


def test_an_error_of_the_token_endpoint_is_no_word_of_the_users(
    frontend: Frontend, wire: responses.RequestsMock
) -> None:
    wire.post(token_url("github"), json={"error": "login_required"})
    begun = frontend.begin("github")

    answer = frontend.complete(begun, {"code": "code", "state": query(begun)["state"]}, "github")

    assert answer.data["error_code"] == "http_error"


@pytest.mark.parametrize("other", ["oidc", "github", "discourse", "openid", "twitter"])
@pytest.mark.parametrize("name", ["oidc", "github", "discourse", "telegram"])
def test_the_parameters_of_another_provider(
    other: str, name: str, frontend: Frontend, four_providers: None
) -> None:
    begun = frontend.begin(name)
    foreign = {
        "oidc": {"code": "code", "state": "state", "iss": "https://other.example.com"},
        "github": {"code": "code", "state": "state"},
        "discourse": {"sso": b64encode(b"nonce=1").decode(), "sig": "0"},
        "openid": {"openid.mode": "id_res", "openid.return_to": REDIRECT_URI},
        "twitter": {"oauth_token": "token", "oauth_verifier": "verifier"},
    }[other]

    answer = frontend.complete(begun, foreign, name)

    assert answer.status_code == 400
    assert not User.objects.exists()
