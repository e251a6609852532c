"""How a flow travels between begin and complete: in a cookie or in the body."""

from __future__ import annotations

import secrets
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth

from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, error
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db

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
    assert "carried no flow" not in rejected.data["non_field_errors"][0]


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


@pytest.mark.parametrize(
    ("mode", "is_set"),
    [(None, True), ("cors", True), ("same-origin", True), ("navigate", False), ("no-cors", False)],
)
def test_another_site_can_neither_plant_nor_evict_a_cookie(
    mode: str | None, is_set: bool, openid: OpenIDProvider
) -> None:
    frontend = Frontend("cookie")
    begun, callback = frontend.authorize(openid)
    for _ in range(4):
        frontend.begin()
    if mode:
        frontend.client.defaults["HTTP_SEC_FETCH_MODE"] = mode

    sixth = frontend.begin()

    assert (sixth.status_code, bool(sixth.cookies)) == (200, is_set)
    if not is_set:
        assert frontend.complete(begun, callback).status_code == 201


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
    name: str, frontend: Frontend, wire: responses.RequestsMock, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.Stateless", f"{HERE}.RedirectState"]
    for setting in ("STATELESS", "REDIRECT_STATE"):
        setattr(settings, f"SOCIAL_AUTH_{setting}_KEY", "key")
        setattr(settings, f"SOCIAL_AUTH_{setting}_SECRET", "secret")
    wire.post("https://stateless.example.com/token", json={"access_token": "ada"})
    begun = frontend.begin(name)
    redirect_uri = authorization_params(begun)["redirect_uri"]
    callback = {"code": "code"}
    if name == "redirect-state":
        params = parse_qs(urlsplit(redirect_uri).query)
        callback["redirect_state"] = params["redirect_state"][0]
    else:
        assert redirect_uri == REDIRECT_URI

    assert Frontend(frontend.transport).post(callback, name).status_code == 400
    assert frontend.complete(begun, callback, name).status_code == 201
    assert frontend.complete(begun, callback, name).status_code == 400
