"""The flow: who can open it, how long, how it travels, and how large it is."""

from __future__ import annotations

import secrets
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from cryptography.fernet import Fernet
from django.core import signing
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth

from social_endpoints.internal.flows.flow import LOGIN, Flow
from social_endpoints.internal.flows.token import open_flow, seal
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db


class OtherOpenId(OpenIdConnectAuth):
    """The same provider under another name."""

    name = "other"


class Stateless(BaseOAuth2):
    """A provider that brings no state back, in neither way."""

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
    """A provider that brings the state back inside the redirect URI alone."""

    name = "redirect-state"
    REDIRECT_STATE = True


def _refused(frontend: Frontend, begun: Any, callback: dict[str, Any], flow: str) -> str:
    """Send a flow that is not the one of this login; return the error's code."""
    if frontend.transport == "body":
        answer = frontend.post({**callback, "flow": flow})
    else:
        name = next(iter(begun.cookies))
        frontend.client.cookies[name] = flow
        answer = frontend.post(callback)
    assert answer.status_code == 400
    return str(answer.data["error_code"])


def _token(frontend: Frontend, begun: Any) -> str:
    """Return the sealed flow that a begin has handed out."""
    if frontend.transport == "body":
        return str(begun.data["flow"])
    (cookie,) = begun.cookies.values()
    return str(cookie.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1],
        lambda token: token[: len(token) // 2],
        lambda token: token[:40] + ("A" if token[40] != "A" else "B") + token[41:],
        lambda token: "A" + token,
        lambda token: Fernet(Fernet.generate_key()).encrypt(b"{}").decode(),
        lambda token: signing.dumps({"a": 1}),
    ],
)
def test_an_edited_flow_is_none(change: Any, frontend: Frontend, openid: OpenIDProvider) -> None:
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])

    code = _refused(frontend, begun, callback, change(_token(frontend, begun)))

    assert code == "session_context_missing"


@pytest.mark.parametrize(
    ("mode", "planted"),
    [(None, True), ("cors", True), ("same-origin", True), ("navigate", False), ("no-cors", False)],
)
def test_another_site_can_neither_plant_a_flow_nor_push_one_out(
    mode: str | None, planted: bool, openid: OpenIDProvider
) -> None:
    frontend = Frontend("cookie")
    begun = [frontend.begin() for _ in range(5)]
    if mode:
        frontend.client.defaults["HTTP_SEC_FETCH_MODE"] = mode

    answer = frontend.begin()

    assert answer.status_code == 200
    assert bool(answer.cookies) is planted
    if not planted:
        callback = openid.authorize(begun[0].data["authorization_url"])
        assert frontend.complete(begun[0], callback).status_code == 201


def test_a_flow_of_another_project_is_none(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    settings.SECRET_KEY = "the secret key of another project, as long as ours is, or longer"

    assert _refused(frontend, begun, callback, _token(frontend, begun)) == "session_context_missing"


def test_a_flow_survives_the_rotation_of_the_key(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the new secret key, as long as the old one is, or a bit longer"

    assert frontend.complete(begun, callback).status_code == 201


def test_a_flow_of_another_provider_is_none(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        *settings.AUTHENTICATION_BACKENDS,
        "tests.unit.test_flow.OtherOpenId",
    ]
    settings.SOCIAL_AUTH_OTHER_OIDC_ENDPOINT = settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT
    settings.SOCIAL_AUTH_OTHER_KEY = settings.SOCIAL_AUTH_OIDC_KEY
    settings.SOCIAL_AUTH_OTHER_SECRET = settings.SOCIAL_AUTH_OIDC_SECRET
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])

    crossed = frontend.complete(begun, callback, provider="other")

    assert (crossed.status_code, crossed.data["error_code"]) == (400, "session_context_missing")
    assert frontend.complete(begun, callback).status_code == 201


def test_a_flow_of_another_purpose_is_none() -> None:
    token = seal(Flow("oidc", "connect", REDIRECT_URI, int(time.time()) + 60))

    assert open_flow(token, provider="oidc", purpose=LOGIN) is None
    assert open_flow(token, provider="oidc", purpose="connect") is not None


def test_a_flow_expires(frontend: Frontend, openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_STATE_LIFETIME = 1
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    time.sleep(1.1)

    answer = frontend.complete(begun, callback)

    assert (answer.status_code, answer.data["error_code"]) == (400, "session_context_missing")
    assert "contains no flow" not in answer.data["non_field_errors"][0]


def test_the_nonce_of_a_login_may_expire_earlier(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_NONCE_LIFETIME = 1
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    time.sleep(1.1)

    answer = frontend.complete(begun, callback)

    assert (answer.status_code, answer.data["error_code"]) == (400, "nonce_mismatch")


def test_a_flow_tells_a_reader_nothing(openid: OpenIDProvider) -> None:
    begun = Frontend("cookie").begin()
    query = parse_qs(urlsplit(begun.data["authorization_url"]).query)

    ((name, cookie),) = begun.cookies.items()
    for value in (query["state"][0], query["nonce"][0], "oidc"):
        assert value not in name + cookie.value
    assert begun.data["flow"] == cookie.value


@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize("samesite", ["Lax", "Strict", "None", False])
def test_the_cookie(secure: bool, samesite: Any, client: Any, settings: Any) -> None:
    settings.SESSION_COOKIE_SAMESITE = samesite
    begun = client.get("/auth/o/github/", {"redirect_uri": REDIRECT_URI}, secure=secure)

    ((name, cookie),) = begun.cookies.items()
    assert name.startswith("__Host-auth_flow_") == secure
    assert bool(cookie["secure"]) == secure
    assert cookie["httponly"]
    assert cookie["path"] == "/"
    assert cookie["domain"] == ""
    assert cookie["max-age"] == 3600
    assert cookie["samesite"] == (samesite or "")


def test_the_cookie_is_secure_where_the_session_is(client: Any, settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    begun = client.get("/auth/o/github/", {"redirect_uri": REDIRECT_URI})

    assert next(iter(begun.cookies)).startswith("__Host-")


def test_a_planted_cookie_without_the_prefix_does_not_count(openid: OpenIDProvider) -> None:
    attacker, victim = Frontend("cookie"), Frontend("cookie")
    begun = attacker.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    ((name, cookie),) = begun.cookies.items()
    victim.client.cookies[name.removeprefix("__Host-")] = cookie.value

    assert victim.post(callback).data["error_code"] == "session_context_missing"


def test_a_cookie_is_below_500_bytes(openid: OpenIDProvider) -> None:
    begun = Frontend("cookie").begin()

    ((name, cookie),) = begun.cookies.items()
    assert len(f"{name}={cookie.value}") <= 500


def _cookie_header(frontend: Frontend) -> str:
    cookies = frontend.client.cookies
    for name in [name for name, cookie in cookies.items() if not cookie.value]:
        del cookies[name]
    return "; ".join(f"{name}={cookie.value}" for name, cookie in cookies.items())


def test_one_hundred_begins_leave_the_newest_five(openid: OpenIDProvider) -> None:
    frontend = Frontend("cookie")
    begun = []
    for _ in range(100):
        begun.append(frontend.begin())
        assert len(_cookie_header(frontend)) < 4_096
    callbacks = [openid.authorize(answer.data["authorization_url"]) for answer in begun]

    statuses = [frontend.post(callback).status_code for callback in callbacks[-7:]]

    assert statuses == [400, 400, 201, 201, 201, 201, 201]


def test_twelve_begins_in_parallel_all_complete(openid: OpenIDProvider) -> None:
    frontend = Frontend("cookie")
    begun = []
    for _ in range(12):  # Each without the cookies that the others were answered with.
        other = Frontend("cookie")
        begun.append(other.begin())
        frontend.client.cookies.update(other.client.cookies)
    callbacks = [openid.authorize(answer.data["authorization_url"]) for answer in begun]

    assert [frontend.post(callback).status_code for callback in callbacks] == [201] * 12
    assert _cookie_header(frontend) == ""


@pytest.mark.parametrize(
    ("transport", "in_cookie", "in_body"),
    [("cookie", True, False), ("body", False, True), ("auto", True, True)],
)
def test_transports(
    transport: str, in_cookie: bool, in_body: bool, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(FLOW_TRANSPORT=transport)
    for accepted, way in ((in_cookie, "cookie"), (in_body, "body")):
        begun = Frontend("cookie").begin()
        assert bool(begun.cookies) == in_cookie
        assert ("flow" in begun.data) == in_body

        configure(FLOW_TRANSPORT="auto")
        frontend = Frontend(way)
        begun = frontend.begin()
        if way == "body":
            frontend.client.cookies.clear()
        configure(FLOW_TRANSPORT=transport)
        callback = openid.authorize(begun.data["authorization_url"])
        answer = frontend.complete(begun, callback)
        assert answer.status_code == (201 if accepted else 400)


@pytest.mark.parametrize("name", ["stateless", "redirect-state"])
def test_providers_that_lose_the_state(
    name: str, frontend: Frontend, wire: responses.RequestsMock, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "tests.unit.test_flow.Stateless",
        "tests.unit.test_flow.RedirectState",
    ]
    for setting in ("STATELESS", "REDIRECT_STATE"):
        setattr(settings, f"SOCIAL_AUTH_{setting}_KEY", "key")
        setattr(settings, f"SOCIAL_AUTH_{setting}_SECRET", "secret")
    wire.post("https://stateless.example.com/token", json={"access_token": "ada"})
    stranger = Frontend(frontend.transport)

    begun = frontend.begin(name)
    query = parse_qs(urlsplit(begun.data["authorization_url"]).query)
    callback = {"code": "code"}
    if name == "redirect-state":
        inner = parse_qs(urlsplit(query["redirect_uri"][0]).query)
        callback["redirect_state"] = inner["redirect_state"][0]
    else:
        assert query["redirect_uri"] == [REDIRECT_URI]

    assert stranger.post(callback, name).status_code == 400
    assert frontend.complete(begun, callback, name).status_code == 201
    assert frontend.complete(begun, callback, name).status_code == 400
    if frontend.transport == "cookie":
        assert _cookie_header(frontend) == ""


@pytest.mark.parametrize("space", ["\u2000", "\u00a0", "\u0085", "\x0b", "\x1c"])
def test_a_planted_cookie_behind_white_space_does_not_count(
    space: str, openid: OpenIDProvider
) -> None:
    """A browser lets every subdomain set it, and Django strips what it begins with."""
    begun = Frontend("cookie").begin()
    callback = openid.authorize(begun.data["authorization_url"])
    ((name, cookie),) = begun.cookies.items()
    header = f"other=1; {space}{name}={cookie.value}".encode().decode("latin-1")

    victim = Frontend("cookie")
    answer = victim.post(callback, HTTP_COOKIE=header)

    assert answer.data["error_code"] == "session_context_missing"
    assert victim.post(callback, HTTP_COOKIE=f"a=1; {name}={cookie.value}").status_code == 201


def test_nobody_can_fill_a_browser_with_flows(settings: Any) -> None:
    settings.SOCIAL_AUTH_FIELDS_STORED_IN_SESSION = ["next"]
    frontend = Frontend("cookie")
    for _ in range(6):
        answer = frontend.begin("github", next=secrets.token_urlsafe(1_300))
        assert answer.status_code == 200
        assert len(_cookie_header(frontend)) < 4_100


def test_either_flow_is_accepted(openid: OpenIDProvider) -> None:
    frontend = Frontend("cookie")
    for posted in (lambda flow: "stale", lambda flow: flow):
        begun = frontend.begin()
        callback = openid.authorize(begun.data["authorization_url"])

        answer = frontend.post({**callback, "flow": posted(begun.data["flow"])})

        assert answer.status_code == 201
        assert _cookie_header(frontend) == ""
