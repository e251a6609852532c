"""How a flow travels between begin and complete: in a cookie or in the body."""

from __future__ import annotations

import secrets
import time
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth

from social_endpoints.testing import FakeProviders
from tests.support.accounts import logged_in
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, error
from tests.support.handoff import handoff_params, post_to_callback
from tests.support.log import logged
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import ASK_NAME, BEFORE_CREATE_USER, pipeline_with

pytestmark = pytest.mark.django_db
User = get_user_model()

HERE = "tests.api.login.test_flow_transport"
MISSING = (400, "session_context_missing")


def flow_cookie(begun: Any) -> Any:
    (cookie,) = begun.cookies.values()
    return cookie


def cookie_header(frontend: Frontend) -> str:
    """Return what the browser would send, without deleted cookies."""
    cookies = frontend.client.cookies
    for name in [name for name, cookie in cookies.items() if not cookie.value]:
        del cookies[name]
    return "; ".join(f"{name}={cookie.value}" for name, cookie in cookies.items())


# --- The transports -------------------------------------------------------------------


@pytest.mark.parametrize("begin_transport", ["cookie", "body", "auto"])
@pytest.mark.parametrize("used", ["cookie", "body"])
def test_transport_is_offered_and_accepted_as_configured(
    begin_transport: str, used: str, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(FLOW_TRANSPORT=begin_transport)
    offered = Frontend("cookie").begin()
    assert bool(offered.cookies) is (begin_transport != "body")
    assert ("flow" in offered.data) is (begin_transport != "cookie")

    configure(FLOW_TRANSPORT="auto")
    frontend = Frontend(used)
    begun, callback = frontend.authorize(openid)
    if used == "body":
        frontend.client.cookies.clear()
    configure(FLOW_TRANSPORT=begin_transport)
    is_accepted = begin_transport in {used, "auto"}
    assert frontend.complete(begun, callback).status_code == (201 if is_accepted else 400)


@pytest.mark.parametrize("posted", ["stale", None])
def test_cookie_or_posted_flow_is_accepted(posted: str | None, openid: OpenIDProvider) -> None:
    frontend = Frontend("cookie")
    begun, callback = frontend.authorize(openid)

    completed = frontend.post({**callback, "flow": posted or begun.data["flow"]})

    assert completed.status_code == 201
    assert cookie_header(frontend) == ""


def test_edited_flow_is_rejected(frontend: Frontend, openid: OpenIDProvider) -> None:
    begun, callback = frontend.authorize(openid)
    if frontend.transport == "body":
        begun.data["flow"] = begun.data["flow"][:-1]
    else:
        cookie = flow_cookie(begun)
        frontend.client.cookies[cookie.key] = cookie.value[:-1]

    assert error(frontend.complete(begun, callback)) == MISSING


class OtherOpenId(OpenIdConnectAuth):
    name = "other"


def test_flow_of_another_provider_is_rejected(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        *settings.AUTHENTICATION_BACKENDS,
        f"{HERE}.OtherOpenId",
    ]
    for name in ("OIDC_ENDPOINT", "KEY", "SECRET"):
        value = getattr(settings, f"SOCIAL_AUTH_OIDC_{name}")
        setattr(settings, f"SOCIAL_AUTH_OTHER_{name}", value)
    begun, callback = frontend.authorize(openid)

    assert error(frontend.complete(begun, callback, provider="other")) == MISSING
    assert frontend.complete(begun, callback).status_code == 201


def test_flow_survives_the_rotation_of_the_secret_key(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    begun, callback = frontend.authorize(openid)
    first_key, settings.SECRET_KEY = settings.SECRET_KEY, "another secret key, as long as the first"

    assert error(frontend.complete(begun, callback)) == MISSING
    settings.SECRET_KEY_FALLBACKS = [first_key]
    assert frontend.complete(begun, callback).status_code == 201


@pytest.mark.parametrize(
    ("setting", "code"),
    [("STATE_LIFETIME", "session_context_missing"), ("NONCE_LIFETIME", "nonce_mismatch")],
)
def test_expired_flow_or_nonce_is_rejected(
    setting: str, code: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    setattr(settings, f"SOCIAL_AUTH_OIDC_{setting}", 1)
    begun, callback = frontend.authorize(openid)
    time.sleep(1.1)

    rejected = frontend.complete(begun, callback)

    assert error(rejected) == (400, code)
    # The cookie outlives the flow, so a late completion is not reported as a missing flow.
    has_expired = "has taken too long" in rejected.data["non_field_errors"][0]
    assert has_expired is (setting == "STATE_LIFETIME")


# --- The cookie -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("https", "secure_session", "is_secure"),
    [(True, False, True), (False, True, True), (False, False, False)],
)
@pytest.mark.parametrize("samesite", ["Lax", "Strict", "None", False])
def test_cookie_attributes(
    https: bool, secure_session: bool, is_secure: bool, samesite: Any, client: Any, settings: Any
) -> None:
    settings.SESSION_COOKIE_SAMESITE, settings.SESSION_COOKIE_SECURE = samesite, secure_session
    begun = client.get("/auth/o/github/", {"redirect_uri": REDIRECT_URI}, secure=https)

    cookie = flow_cookie(begun)
    assert cookie.key.startswith("__Host-auth_flow_") == bool(cookie["secure"]) == is_secure
    assert cookie["httponly"]
    assert (cookie["path"], cookie["domain"], cookie["max-age"]) == ("/", "", 3600)
    assert cookie["samesite"] == (samesite or "")


def test_cookie_of_openid_connect_has_at_most_500_bytes_and_is_opaque(
    openid: OpenIDProvider,
) -> None:
    begun = Frontend("cookie").begin()
    params = authorization_params(begun)
    cookie = flow_cookie(begun)

    assert "code_challenge" in params
    assert len(f"{cookie.key}={cookie.value}") <= 500
    for value in (params["state"], params["nonce"], "oidc"):
        assert value not in cookie.key + cookie.value
    assert begun.data["flow"] == cookie.value


# --- The page that sends the request ----------------------------------------------------

OWN, FRONTEND, SIBLING = "https://testserver", "https://app.example.com", "https://www.example.com"
ALLOWED = [
    REDIRECT_URI,
    "https://App2.Example.com:443/cb",
    "http://127.0.0.1/cb",
    "http://[::1]:8000/cb",
    "capacitor://localhost/cb",
    "com.example.app:/cb",
    "https://[broken/cb",
    "https://Bücher.example/cb",
]
TRUSTED = [
    {},
    {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
    {"sec-fetch-site": "same-origin", "sec-fetch-mode": "same-origin"},
    {"sec-fetch-mode": "cors"},
    {"origin": OWN, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
    {"origin": OWN},
    {"origin": "https://api.example.com", "sec-fetch-site": "same-origin"},  # The Host has changed.
    {"origin": FRONTEND},
    {"origin": FRONTEND, "sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
    {"origin": FRONTEND, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
    {"origin": "https://app2.example.com"},
    {"origin": "http://127.0.0.1:51234"},
    {"origin": "http://[::1]:8000"},
    {"origin": "capacitor://localhost"},
    {"origin": "https://xn--bcher-kva.example"},
]
FOREIGN = [
    {"origin": SIBLING},
    {"origin": SIBLING, "sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "null", "sec-fetch-site": "cross-site"},
    {"origin": "http://app.example.com"},
    {"origin": f"{FRONTEND}:8443"},
    {"origin": f"{FRONTEND}.evil.example"},
    {"origin": f"{FRONTEND}@evil.example"},
    {"origin": f"{FRONTEND}, {SIBLING}"},
    {"origin": "https://testserver:8443"},
    {"origin": "http://testserver"},
    {"origin": "http://[::1]:8001"},
    {"origin": "http://127.0.0.1.evil.example:80"},
    {"origin": "com.example.app://"},
    {"origin": "https://[broken"},
    {"origin": f"https://{'x' * 64}.example"},
    {"origin": "https://app\u3002example.com"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
    {"sec-fetch-mode": "navigate"},
    {"sec-fetch-mode": "no-cors"},
    {"origin": OWN, "sec-fetch-mode": "navigate"},
]


@pytest.mark.parametrize("headers", TRUSTED, ids=str)
def test_page_of_the_frontend_or_of_the_api_gets_a_cookie(
    headers: dict[str, str], configure: Configure
) -> None:
    configure(ALLOWED_REDIRECT_URIS=ALLOWED)

    assert Frontend("cookie", APIClient(headers=headers)).begin("github").cookies


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_page_of_another_origin_can_neither_plant_nor_evict_a_cookie(
    headers: dict[str, str], openid: OpenIDProvider, configure: Configure
) -> None:
    configure(ALLOWED_REDIRECT_URIS=ALLOWED)
    frontend = Frontend("cookie")
    begun, callback = frontend.authorize(openid)
    for _ in range(4):
        frontend.begin()

    page = Frontend("cookie", APIClient(headers=headers))
    page.client.cookies = frontend.client.cookies
    sixth = page.begin()

    assert (sixth.status_code, bool(sixth.cookies)) == (200, False)
    assert "flow" in sixth.data
    assert frontend.complete(begun, callback).status_code == 201


@pytest.mark.parametrize("transport", ["cookie", "auto"])
def test_page_of_another_origin_is_logged(
    transport: str, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    configure(FLOW_TRANSPORT=transport)
    Frontend("cookie", APIClient(headers={"origin": SIBLING})).begin("github")

    (line,) = logged(caplog)
    assert (line["event"], line["origin"]) == ("flow cookie refused", SIBLING)
    assert line["level"] == ("WARNING" if transport == "cookie" else "INFO")


@pytest.mark.parametrize("headers", [{"origin": SIBLING}, {"origin": "null"}], ids=str)
def test_page_of_another_origin_cannot_use_a_cookie_up(
    headers: dict[str, str], openid: OpenIDProvider
) -> None:
    frontend = Frontend("cookie")
    _, callback = frontend.authorize(openid)

    refused = frontend.post(callback, headers=headers)

    assert error(refused) == MISSING
    assert not refused.cookies
    assert frontend.post(callback, headers={"origin": FRONTEND}).status_code == 201


def test_page_of_another_origin_completes_with_the_body_alone(
    openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
    frontend = Frontend("body")
    begun, callback = frontend.authorize(openid)
    frontend.client.defaults["HTTP_ORIGIN"] = SIBLING

    paused = frontend.complete(begun, callback)
    resumed = frontend.resume(paused, name="Ada")

    assert (paused.status_code, resumed.status_code) == (202, 201)
    assert not paused.cookies
    assert not resumed.cookies


@pytest.mark.parametrize(("origin", "is_set"), [(FRONTEND, True), (SIBLING, False)])
def test_begin_of_a_connect_checks_the_origin(origin: str, is_set: bool) -> None:
    client = logged_in(User.objects.create(username="ada"), headers={"origin": origin})

    begun = Frontend("cookie", client, below="connect/").begin("github")

    assert (begun.status_code, bool(begun.cookies)) == (200, is_set)


def allow_all(uri: str, **kwargs: Any) -> bool:
    return True


@pytest.mark.parametrize(
    ("origin", "status"), [(FRONTEND, 202), (OWN, 202), (SIBLING, 400), ("null", 400)]
)
@pytest.mark.parametrize("posts", [False, True])
def test_policy_allows_the_origin_of_the_redirect_uri_of_the_login(
    origin: str,
    status: int,
    posts: bool,
    openid: OpenIDProvider,
    configure: Configure,
    settings: Any,
) -> None:
    configure(ALLOWED_REDIRECT_URIS=f"{HERE}.allow_all", FLOW_TRANSPORT="cookie")
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
    if posts:
        settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    frontend = Frontend("cookie", APIClient(headers={"origin": origin}))

    begun, callback = frontend.authorize(openid)
    if posts:
        callback = handoff_params(post_to_callback(callback))

    assert bool(begun.cookies) is (status == 202)
    paused = frontend.complete(begun, callback)
    assert paused.status_code == status
    if status == 202:
        assert frontend.resume(paused, name="Ada").status_code == 201


def test_host_that_is_not_allowed_has_no_origin(settings: Any) -> None:
    settings.ALLOWED_HOSTS, settings.MIDDLEWARE = [], []
    frontend = Frontend("cookie", APIClient(headers={"origin": OWN}))

    assert not frontend.begin("github").cookies


# --- The names of cookies ---------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["(0)", "", "ä", "a" * 15, "a" * 17, "a" * 4_000, "a" * 15 + " ", "a" * 15 + ","]
)
@pytest.mark.parametrize("prefix", ["auth_flow_", "__Host-auth_flow_"])
def test_cookie_with_a_name_that_is_not_issued_is_ignored(
    name: str, prefix: str, openid: OpenIDProvider, settings: Any
) -> None:
    secure = prefix.startswith("__Host-")
    client = APIClient(headers={"cookie": "; ".join([f"{prefix}{name}=x"] * 7)})
    query = {"redirect_uri": REDIRECT_URI}

    begun = client.get("/auth/o/oidc/", query, secure=secure)
    callback = {"code": "code", "state": "state"}
    completed = client.post("/auth/o/oidc/", callback, secure=secure)

    assert begun.status_code == 200
    assert [len(name.removeprefix(prefix)) for name in begun.cookies] == [16]
    assert error(completed) == MISSING


def test_cookies_with_the_same_name_do_not_hide_one_another(openid: OpenIDProvider) -> None:
    begun, callback = Frontend("cookie").authorize(openid)
    (cookie, other) = flow_cookie(begun), flow_cookie(Frontend("cookie").begin())
    for values in ([cookie.value, other.value, "x"], ["x", other.value, cookie.value]):
        header = "; ".join(f"{cookie.key}={value}" for value in values)

        completed = Frontend("cookie").post({**callback, "code": "x"}, HTTP_COOKIE=header)

        assert error(completed) != MISSING


def test_cookie_without_the_prefix_is_ignored(openid: OpenIDProvider) -> None:
    begun, callback = Frontend("cookie").authorize(openid)
    cookie, victim = flow_cookie(begun), Frontend("cookie")
    victim.client.cookies[cookie.key.removeprefix("__Host-")] = cookie.value

    assert error(victim.post(callback)) == MISSING


@pytest.mark.parametrize("space", ["\u2000", "\u00a0", "\u0085", "\x0b", "\x1c"])
def test_cookie_with_white_space_before_its_name_is_ignored(
    space: str, openid: OpenIDProvider
) -> None:
    """A browser lets each subdomain set such a cookie, and Django strips the white space."""
    begun, callback = Frontend("cookie").authorize(openid)
    cookie, victim = flow_cookie(begun), Frontend("cookie")
    header = f"other=1; {space}{cookie.key}={cookie.value}".encode().decode("latin-1")

    assert error(victim.post(callback, HTTP_COOKIE=header)) == MISSING
    header = f"a=1; {cookie.key}={cookie.value}"
    assert victim.post(callback, HTTP_COOKIE=header).status_code == 201


# --- Several flows --------------------------------------------------------------------


def test_newest_five_flows_stay_open(openid: OpenIDProvider) -> None:
    frontend = Frontend("cookie")
    callbacks = []
    for _ in range(20):
        callbacks.append(frontend.authorize(openid)[1])
        assert len(cookie_header(frontend)) < 4_096

    statuses = [frontend.post(callback).status_code for callback in callbacks[-7:]]

    assert statuses == [400, 400, 201, 201, 201, 201, 201]


def test_parallel_begins_all_complete(openid: OpenIDProvider) -> None:
    frontend = Frontend("cookie")
    callbacks = []
    for _ in range(12):  # Each request is sent before the other responses have arrived.
        parallel = Frontend("cookie")
        callbacks.append(parallel.authorize(openid)[1])
        frontend.client.cookies.update(parallel.client.cookies)

    assert [frontend.post(callback).status_code for callback in callbacks] == [201] * 12
    assert cookie_header(frontend) == ""


def test_long_flows_leave_room_for_fewer(settings: Any) -> None:
    settings.SOCIAL_AUTH_FIELDS_STORED_IN_SESSION = ["next"]
    frontend = Frontend("cookie")
    for _ in range(6):
        assert frontend.begin("github", next=secrets.token_urlsafe(1_300)).status_code == 200
        assert len(cookie_header(frontend)) < 4_100


# --- Providers that do not return the state -------------------------------------------


class Stateless(BaseOAuth2):
    name = "stateless"
    AUTHORIZATION_URL = "https://stateless.example.com/authorize"
    ACCESS_TOKEN_URL = "https://stateless.example.com/token"
    STATE_PARAMETER = False
    REDIRECT_STATE = False

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {"id": access_token}

    def get_user_details(self, response: Any) -> dict[str, Any]:
        return {"username": response["id"]}


class RedirectState(Stateless):
    """A provider that returns the state only inside the redirect URI."""

    name = "redirect-state"
    REDIRECT_STATE = True


@pytest.mark.parametrize("name", ["stateless", "redirect-state"])
def test_provider_without_a_state_needs_the_flow(
    name: str, frontend: Frontend, social_provider: FakeProviders, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.Stateless", f"{HERE}.RedirectState"]
    for setting in ("STATELESS", "REDIRECT_STATE"):
        setattr(settings, f"SOCIAL_AUTH_{setting}_KEY", "key")
        setattr(settings, f"SOCIAL_AUTH_{setting}_SECRET", "secret")
    begun = frontend.begin(name)
    authorized = social_provider(name).authorize(authorization_params(begun))
    callback = authorized.callback_params
    if name == "redirect-state":
        assert callback.keys() == {"code", "redirect_state"}
    else:
        assert (callback.keys(), authorized.redirect_uri) == ({"code"}, REDIRECT_URI)

    assert Frontend(frontend.transport).post(callback, name).status_code == 400
    assert frontend.complete(begun, callback, name).status_code == 201
    assert frontend.complete(begun, callback, name).status_code == 400
