"""Linking one more identity to the user who is logged in."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import responses
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.cache import cache
from django.db import connections
from django.utils.dateparse import parse_datetime
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient
from social_core.pipeline.partial import partial
from social_django.models import Nonce, Partial, UserSocialAuth

from social_endpoints import signals
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import DEFAULT_PIPELINE

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture(autouse=True)
def project(settings: Any) -> None:
    authentication = "rest_framework.authentication.TokenAuthentication"
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [authentication]}
    cache.clear()


def account(username: str, frontend: Frontend) -> Frontend:
    """Return a browser in which a user is logged in, and that connects."""
    user, _ = User.objects.get_or_create(username=username)
    token, _ = Token.objects.get_or_create(user=user)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
    return replace(frontend, client=client, below="connect/")


@pytest.fixture
def grace(frontend: Frontend) -> Frontend:
    """Return the browser in which Grace is logged in."""
    return account("grace", frontend)


@pytest.fixture
def alan(frontend: Frontend) -> Frontend:
    """Return the browser in which Alan is logged in."""
    return account("alan", frontend)


@pytest.fixture
def heard() -> Any:
    """Return what has been told of links: the signal's arguments."""
    calls: list[dict[str, Any]] = []

    def hear(**kwargs: Any) -> None:
        calls.append(kwargs)

    signals.connected.connect(hear)
    yield calls
    signals.connected.disconnect(hear)


def links() -> list[tuple[str, str, str]]:
    """Return all links: username, provider, uid."""
    return sorted(UserSocialAuth.objects.values_list("user__username", "provider", "uid"))


def test_an_identity_is_linked_to_the_user_who_began(
    grace: Frontend, openid: OpenIDProvider, heard: list[Any]
) -> None:
    answer = grace.log_in(openid)

    social = UserSocialAuth.objects.get()
    assert answer.status_code == 201, answer.data
    assert answer.headers["Content-Type"] == "application/json"
    assert "no-store" in answer.headers["Cache-Control"]
    body = json.loads(answer.content)
    assert body.keys() == {"id", "provider", "title", "uid", "created", "last_used"}
    assert body["id"] == social.pk
    assert (body["provider"], body["uid"]) == ("oidc", "user-1")
    assert body["title"]
    assert parse_datetime(body["created"]) == social.created
    assert links() == [("grace", "oidc", "user-1")]
    (told,) = heard
    assert (told["user"].username, told["social"], told["provider"]) == ("grace", social, "oidc")
    assert told["request"].path == "/auth/o/oidc/connect/"
    assert told["sender"] is User


def test_linking_is_no_login(grace: Frontend, openid: OpenIDProvider) -> None:
    told: list[Any] = []

    def tell(**kwargs: Any) -> None:
        told.append(kwargs)

    for signal in (user_logged_in, user_login_failed, signals.signed_in):
        signal.connect(tell)
    try:
        linked = grace.log_in(openid)
        refused = grace.post({"code": "1", "state": "2"})
    finally:
        for signal in (user_logged_in, user_login_failed, signals.signed_in):
            signal.disconnect(tell)

    assert (linked.status_code, refused.status_code) == (201, 400)
    assert "token" not in linked.data
    assert told == []
    assert User.objects.get().last_login is None
    assert Token.objects.count() == 1  # The one that Grace has.


def test_who_is_linked_can_sign_in(
    grace: Frontend, frontend: Frontend, openid: OpenIDProvider
) -> None:
    grace.log_in(openid)

    answer = frontend.log_in(openid)

    assert answer.status_code == 201
    assert Token.objects.get(key=answer.data["token"]).user.username == "grace"
    assert User.objects.count() == 1


def test_begin_as_one_and_complete_as_another(
    grace: Frontend, alan: Frontend, openid: OpenIDProvider
) -> None:
    begun = grace.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    alan.client.cookies = grace.client.cookies  # One browser, in which Grace has logged out.

    refused = alan.complete(begun, callback)

    assert refused.status_code == 400
    assert refused.data["error_code"] == "user_mismatch"
    assert refused.data["error_recovery"] == "restart_login"
    assert links() == []
    # It is Grace's still.
    assert grace.complete(begun, callback).status_code == 201
    assert links() == [("grace", "oidc", "user-1")]


def test_an_identity_that_belongs_to_somebody_else(
    grace: Frontend, alan: Frontend, openid: OpenIDProvider, heard: list[Any]
) -> None:
    alan.log_in(openid)
    heard.clear()

    answer = grace.log_in(openid)

    assert answer.status_code == 400
    assert answer.data["error_code"] == "identity_in_use"
    assert answer.data["error_recovery"] == "use_existing_account"
    assert "alan" not in json.dumps(answer.data)
    assert "user-1" not in json.dumps(answer.data)
    assert links() == [("alan", "oidc", "user-1")]
    assert heard == []


def test_linking_twice_answers_with_the_same(
    grace: Frontend, openid: OpenIDProvider, heard: list[Any]
) -> None:
    first, second = grace.log_in(openid), grace.log_in(openid)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data["id"] == second.data["id"]
    assert len(links()) == len(heard) == 1


def test_a_flow_links_once(grace: Frontend, openid: OpenIDProvider) -> None:
    begun = grace.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    cookies = grace.client.cookies.output()
    first = grace.complete(begun, callback)
    grace.client.cookies.load(cookies.replace("Set-Cookie: ", ""))

    again = grace.complete(begun, callback)

    assert (first.status_code, again.status_code) == (201, 400)
    assert again.data["error_code"] in {"state_mismatch", "session_context_missing"}


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_who_is_not_logged_in(
    method: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    anonymous = replace(frontend, below="connect/")

    answer = anonymous.begin() if method == "get" else anonymous.post({"code": "1", "state": "2"})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Token"
    assert "no-store" in answer.headers["Cache-Control"]
    assert openid.requests == []


def test_a_flow_is_for_one_purpose(
    grace: Frontend, frontend: Frontend, openid: OpenIDProvider
) -> None:
    logging_in = replace(grace, below="")
    to_link, to_log_in = grace.begin(), logging_in.begin()
    link = openid.authorize(to_link.data["authorization_url"])
    login = openid.authorize(to_log_in.data["authorization_url"])

    answers = [logging_in.complete(to_link, link), grace.complete(to_log_in, login)]

    for answer in answers:
        assert answer.status_code == 400
        assert answer.data["error_code"] == "session_context_missing"
    assert links() == []
    assert User.objects.count() == 1


def test_with_a_session_csrf_is_enforced(openid: OpenIDProvider, settings: Any) -> None:
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    authentication = "rest_framework.authentication.SessionAuthentication"
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [authentication]}
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(User.objects.create(username="grace"))
    frontend = Frontend("cookie", client, below="connect/")
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    token = "a" * 32
    client.cookies["csrftoken"] = token

    without = frontend.complete(begun, callback)
    with_token = frontend.post(
        callback, headers={"X-CSRFToken": token, "Referer": "https://testserver/"}
    )

    assert (without.status_code, with_token.status_code) == (403, 201), with_token.data
    assert links() == [("grace", "oidc", "user-1")]


def test_begin_writes_nothing(
    grace: Frontend, openid: OpenIDProvider, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):  # Who has this token?
        grace.begin()


@pytest.mark.parametrize("known", [{}, {"redirect_uri": "https://evil.example.com/"}])
def test_begin_refuses_what_a_login_refuses(known: dict[str, str], grace: Frontend) -> None:
    answer = grace.client.get("/auth/o/oidc/connect/", known, secure=True)

    assert answer.status_code == 400
    assert answer.data.keys() == {"redirect_uri"}


def test_an_unknown_provider(grace: Frontend) -> None:
    for answer in (grace.begin("nobody"), grace.post({}, "nobody")):
        assert answer.status_code == 404
        assert answer.data == {"detail": "Provider 'nobody' not supported"}


def test_a_missing_parameter(grace: Frontend) -> None:
    answer = grace.post({"state": "1"})

    assert answer.status_code == 400
    assert answer.data.keys() == {"code"}


def test_the_user_declines(grace: Frontend, openid: OpenIDProvider) -> None:
    begun = grace.begin()
    state = dict(parse_qsl(urlsplit(begun.data["authorization_url"]).query))["state"]

    answer = grace.complete(begun, {"error": "access_denied", "state": state})

    assert answer.status_code == 400
    assert answer.data["error_code"] == "authorization_declined"
    assert links() == []


@pytest.mark.parametrize("path", ["/token", "/userinfo"])
def test_an_outage(path: str, grace: Frontend, openid: OpenIDProvider) -> None:
    begun = grace.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    method = "POST" if path == "/token" else "GET"
    openid.wire.replace(method, f"https://id.example.com{path}", status=503)

    answer = grace.complete(begun, callback)

    assert answer.status_code == 400
    assert answer.data["error_recovery"] == "retry_later"
    assert links() == []


def test_the_provider_cannot_be_reached_to_begin(
    grace: Frontend, wire: responses.RequestsMock
) -> None:
    answer = grace.begin()

    assert answer.status_code == 400
    assert answer.data["error_stage"] == "begin"
    assert answer.data["error_recovery"] == "retry_later"


def deactivate(user: Any, **kwargs: Any) -> None:
    """Deactivate the user, as an administrator may at any moment."""
    User.objects.filter(pk=user.pk).update(is_active=False)


def forget(**kwargs: Any) -> dict[str, Any]:
    """Let the pipeline come to no link."""
    return {"social": None}


def swap(**kwargs: Any) -> dict[str, Any]:
    """Let the pipeline come to somebody else."""
    return {"user": User.objects.get(username="alan")}


def say_that_there_is_none(**kwargs: Any) -> None:
    """Break the pipeline."""
    raise KeyError("a secret")


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (deactivate, "authentication_disallowed"),
        (forget, "authentication_disallowed"),
        (swap, "authentication_disallowed"),
        (say_that_there_is_none, "unknown_error"),
    ],
)
def test_a_pipeline_that_comes_to_anything_else(
    step: Any, code: str, grace: Frontend, alan: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = [
        *DEFAULT_PIPELINE,
        f"tests.api.connections.test_connect.{step.__name__}",
    ]

    answer = grace.log_in(openid)

    assert answer.status_code == 400
    assert answer.data["error_code"] == code
    assert links() == []


def test_a_receiver_that_raises_undoes_the_link(grace: Frontend, openid: OpenIDProvider) -> None:
    def refuse(**kwargs: Any) -> None:
        raise RuntimeError

    signals.connected.connect(refuse)
    try:
        answer = grace.log_in(openid)
    finally:
        signals.connected.disconnect(refuse)

    assert answer.status_code == 400
    assert answer.data["error_code"] == "unknown_error"
    assert links() == []


def test_a_user_who_was_deactivated_meanwhile(
    grace: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    authentication = "tests.api.connections.test_connect.FromTheTokenAlone"
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [authentication]}
    begun = grace.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    User.objects.update(is_active=False)

    answer = grace.complete(begun, callback)

    assert answer.status_code == 400
    assert answer.data["error_code"] == "authentication_disallowed"
    assert links() == []


class TokenUser:
    """What is known of a user from a token alone."""

    is_authenticated = True

    def __init__(self, pk: Any) -> None:
        self.pk = self.id = pk


class FromTheTokenAlone:
    """Authenticates without asking for the user's row."""

    def authenticate(self, request: Any) -> Any:
        key = request.headers["Authorization"].removeprefix("Token ")
        return TokenUser(Token.objects.get(key=key).user_id), None

    def authenticate_header(self, request: Any) -> str:
        return "Token"


def test_an_authentication_that_knows_no_row(
    grace: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    authentication = "tests.api.connections.test_connect.FromTheTokenAlone"
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [authentication]}

    answer = grace.log_in(openid)

    assert answer.status_code == 201
    assert links() == [("grace", "oidc", "user-1")]


DRIP = ["GET", "https://api.getdrip.com/v2/user", {"users": [{"email": "g@x.org", "name": "G"}]}]
MIXCLOUD = ["GET", "https://api.mixcloud.com/me/", {"username": "grace", "name": "Grace"}]
LASTFM = ["POST", "https://ws.audioscrobbler.com/2.0/", {"session": {"name": "grace", "key": "k"}}]
BEARER = {"access_token": "a token of the provider", "token_type": "bearer"}
ONLY_LINKED: dict[str, tuple[str, list[Any], str]] = {
    "drip": (
        "social_core.backends.drip.DripOAuth",
        [DRIP, ["POST", "https://www.getdrip.com/oauth/token", BEARER]],
        "g@x.org",
    ),
    "lastfm": ("social_core.backends.lastfm.LastFmAuth", [LASTFM], "grace"),
    "mixcloud": (
        "social_core.backends.mixcloud.MixcloudOAuth2",
        [MIXCLOUD, ["POST", "https://www.mixcloud.com/oauth/access_token", BEARER]],
        "grace",
    ),
    "twilio": ("social_core.backends.twilio.TwilioAuth", [], "AC1"),
}


def state_in(authorization_url: str) -> dict[str, str]:
    """Return the state that the provider brings back, wherever it was given it."""
    query = dict(parse_qsl(urlsplit(authorization_url).query))
    inner = dict(parse_qsl(urlsplit(query.get("cb") or query.get("redirect_uri", "")).query))
    return {
        name: value
        for name, value in {**query, **inner}.items()
        if name in {"state", "redirect_state"}
    }


@pytest.fixture(params=ONLY_LINKED)
def only_linked(request: pytest.FixtureRequest, settings: Any, wire: responses.RequestsMock) -> Any:
    """Configure a provider that links and signs nobody in; return name, callback and uid."""
    name = request.param
    path, answers, uid = ONLY_LINKED[name]
    settings.AUTHENTICATION_BACKENDS = [path]
    setattr(settings, f"SOCIAL_AUTH_{name.upper()}_KEY", "key")
    setattr(settings, f"SOCIAL_AUTH_{name.upper()}_SECRET", "secret")
    for method, url, answer in answers:
        wire.add(method, url, json=answer)
    return name, {"code": "1", "token": "t", "AccountSid": "AC1"}, uid


def test_a_provider_that_only_links(
    only_linked: Any, grace: Frontend, alan: Frontend, frontend: Frontend
) -> None:
    name, callback, uid = only_linked
    begun = grace.begin(name)
    callback = {**callback, **state_in(begun.data["authorization_url"])}
    alan.client.cookies = grace.client.cookies

    login = frontend.begin(name)
    somebody_else = alan.complete(begun, callback, name)
    linked = grace.complete(begun, callback, name)

    assert login.status_code == 400
    assert login.data["error_recovery"] == "use_existing_account"
    assert somebody_else.data["error_code"] == "user_mismatch"
    assert linked.status_code == 201, linked.data
    assert (linked.data["provider"], linked.data["uid"]) == (name, uid)
    assert links() == [("grace", name, uid)]
    assert "token" not in json.dumps(linked.data)


def test_a_pause_with_a_provider_that_only_links(
    only_linked: Any, grace: Frontend, settings: Any
) -> None:
    name, callback, uid = only_linked
    settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_PIPELINE, "tests.api.connections.test_connect.ask"]
    begun = grace.begin(name)
    callback = {**callback, **state_in(begun.data["authorization_url"])}

    paused = grace.complete(begun, callback, name)
    body = {"partial_token": paused.data["partial_token"], "name": "x"}
    linked = grace.complete(paused, body, name)

    assert (paused.status_code, linked.status_code) == (202, 201), linked.data
    assert links() == [("grace", name, uid)]


@partial
def ask(strategy: Any, details: Any, **kwargs: Any) -> Any:
    """Pause until there is a name."""
    given = strategy.request_data()
    return None if "name" in given else strategy.redirect("https://app.example.com/name")


@pytest.fixture(params=[3, 4, 7])
def pausing(request: pytest.FixtureRequest, settings: Any) -> None:
    """Pause before the identity is looked for, after that, and after it is linked."""
    pipeline = list(DEFAULT_PIPELINE)
    pipeline.insert(request.param, "tests.api.connections.test_connect.ask")
    settings.SOCIAL_AUTH_PIPELINE = pipeline


def answered(frontend: Frontend, paused: Any) -> Any:
    """Answer what a pause asks for."""
    return frontend.complete(paused, {"partial_token": paused.data["partial_token"], "name": "x"})


@pytest.mark.usefixtures("pausing")
def test_a_pause(grace: Frontend, openid: OpenIDProvider, heard: list[Any]) -> None:
    paused = grace.log_in(openid)
    linked = answered(grace, paused)

    assert paused.status_code == 202
    assert paused.data["redirect_to"] == "https://app.example.com/name"
    assert linked.status_code == 201, linked.data
    assert linked.data["uid"] == "user-1"
    assert links() == [("grace", "oidc", "user-1")]
    assert Partial.objects.count() == 0


@pytest.mark.usefixtures("pausing")
def test_a_pause_is_its_users_alone(
    grace: Frontend, alan: Frontend, openid: OpenIDProvider
) -> None:
    paused = grace.log_in(openid)
    alan.client.cookies = grace.client.cookies
    before = links()

    refused = answered(alan, paused)
    as_a_login = answered(replace(grace, below=""), paused)

    assert refused.data["error_code"] == "user_mismatch"
    assert as_a_login.data["error_code"] == "session_context_missing"
    assert links() == before
    assert answered(grace, paused).status_code == 201


@pytest.mark.parametrize("position", [3, 4])
def test_somebody_else_links_it_during_the_pause(
    position: int, grace: Frontend, alan: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    pipeline = list(DEFAULT_PIPELINE)
    pipeline.insert(position, "tests.api.connections.test_connect.ask")
    settings.SOCIAL_AUTH_PIPELINE = pipeline
    paused = grace.log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = DEFAULT_PIPELINE
    alan.log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = pipeline

    answer = answered(grace, paused)

    assert answer.status_code == 400
    assert answer.data["error_code"] == "identity_in_use"
    assert links() == [("alan", "oidc", "user-1")]


def test_by_way_of_the_hand_off(grace: Frontend, openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    begun = grace.begin()
    asked = dict(parse_qsl(urlsplit(begun.data["authorization_url"]).query))
    form = urlencode(openid.authorize(begun.data["authorization_url"]))
    handed_off = APIClient().post(
        "/auth/o/oidc/callback/",
        form,
        content_type="application/x-www-form-urlencoded",
        secure=True,
    )
    callback = dict(parse_qsl(urlsplit(handed_off.headers["Location"]).query))

    answer = grace.complete(begun, callback)

    assert asked["redirect_uri"] == "https://testserver/auth/o/oidc/callback/"
    assert handed_off.headers["Location"].startswith(REDIRECT_URI + "?")
    assert answer.status_code == 201, answer.data
    assert links() == [("grace", "oidc", "user-1")]


@pytest.mark.django_db(transaction=True)
def test_two_users_link_one_identity_at_once(
    grace: Frontend, alan: Frontend, openid: OpenIDProvider
) -> None:
    together = threading.Barrier(2)
    openid.before_userinfo = lambda: together.wait(20)
    answers: dict[str, Any] = {}

    def link(name: str, frontend: Frontend, begun: Any, callback: Any) -> None:
        try:
            answers[name] = frontend.complete(begun, callback)
        finally:
            connections.close_all()

    threads = []
    for name, frontend in (("grace", grace), ("alan", alan)):
        begun = frontend.begin()
        callback = openid.authorize(begun.data["authorization_url"])
        threads.append(threading.Thread(target=link, args=(name, frontend, begun, callback)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    codes = sorted((each.status_code, each.data.get("error_code")) for each in answers.values())
    assert codes == [(201, None), (400, "identity_in_use")]
    assert len(links()) == 1
    assert Nonce.objects.count() == 2
