"""Connect: an identity is linked to the current user."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.utils.dateparse import parse_datetime
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient
from social_django.models import Nonce, Partial, UserSocialAuth

from social_endpoints import signals
from tests.support.account_views import route_account_views
from tests.support.accounts import CONNECTION_FIELDS, connections
from tests.support.authentication import CSRF_HEADERS, STATELESS
from tests.support.concurrency import together
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, details, error
from tests.support.handoff import CALLBACK, handoff_params, post_to_callback
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.pipeline import (
    AFTER_ASSOCIATE_USER,
    AFTER_SOCIAL_USER,
    ASK_NAME,
    BEFORE_SOCIAL_USER,
    DEFAULT_PIPELINE,
    pipeline_with,
)
from tests.support.signals import connected, received

pytestmark = pytest.mark.django_db
User = get_user_model()
GRACE = ("grace", "oidc", "user-1")
ALAN = ("alan", "oidc", "user-1")


def test_connect_links_the_identity_to_the_user_who_began(
    grace: Frontend, openid: OpenIDProvider, sent: list[Any]
) -> None:
    response = grace.log_in(openid)

    social = UserSocialAuth.objects.get()
    assert response.status_code == 201, response.data
    assert response.headers["Content-Type"] == "application/json"
    assert "no-store" in response.headers["Cache-Control"]
    body = json.loads(response.content)
    assert body.keys() == CONNECTION_FIELDS
    assert (body["id"], body["provider"], body["uid"]) == (social.pk, "oidc", "user-1")
    assert body["title"] == "OpenID Connect"
    assert parse_datetime(body["created"]) == social.created
    assert connections() == [GRACE]
    (call,) = sent
    assert (call["user"].username, call["social"], call["provider"]) == ("grace", social, "oidc")
    assert call["request"].path == "/auth/o/oidc/connect/"
    assert call["sender"] is User


def test_connect_is_not_a_login(
    grace: Frontend, openid: OpenIDProvider, django_assert_num_queries: Any
) -> None:
    with received(user_logged_in, user_login_failed, signals.signed_in) as calls:
        with django_assert_num_queries(1):  # The query of the authentication.
            begun, callback = grace.authorize(openid)
        missing = grace.complete(begun, {"state": callback["state"]})
        stranger = grace.post({"code": "1", "state": "2"})
        response = grace.complete(begun, callback)
        begun, callback = grace.authorize(openid)
        declined = grace.complete(begun, {"error": "access_denied", "state": callback["state"]})

    assert (missing.status_code, list(details(missing))) == (400, ["code"])
    assert (stranger.status_code, response.status_code) == (400, 201)
    assert "token" not in response.data
    assert error(declined) == (400, "authorization_declined")
    assert calls == []
    assert User.objects.get().last_login is None
    assert Token.objects.count() == 1  # Grace already has it.


def test_connected_identity_can_sign_in(
    grace: Frontend, frontend: Frontend, openid: OpenIDProvider
) -> None:
    grace.log_in(openid)

    response = frontend.log_in(openid)

    assert response.status_code == 201
    assert Token.objects.get(key=response.data["token"]).user.username == "grace"
    assert User.objects.count() == 1


def test_completion_by_another_user_is_rejected_and_the_connect_stays_open(
    grace: Frontend, alan: Frontend, openid: OpenIDProvider
) -> None:
    begun, callback = grace.authorize(openid)
    alan.client.cookies = grace.client.cookies  # The same browser, after Grace has logged out.

    rejected = alan.complete(begun, callback)

    assert error(rejected) == (400, "user_mismatch")
    assert rejected.data["error_recovery"] == "restart_login"
    assert connections() == []
    assert grace.complete(begun, callback).status_code == 201
    assert connections() == [GRACE]


def test_identity_of_another_user_is_rejected(
    grace: Frontend, alan: Frontend, openid: OpenIDProvider, sent: list[Any]
) -> None:
    alan.log_in(openid)
    sent.clear()

    response = grace.log_in(openid)

    assert error(response) == (400, "identity_in_use")
    assert response.data["error_recovery"] == "use_existing_account"
    assert "alan" not in json.dumps(response.data)
    assert "user-1" not in json.dumps(response.data)
    assert connections() == [ALAN]
    assert sent == []


def test_second_completion_is_rejected_and_second_connect_returns_the_same_connection(
    grace: Frontend, openid: OpenIDProvider, sent: list[Any]
) -> None:
    begun, callback = grace.authorize(openid)
    cookies = dict(grace.client.cookies)
    first = grace.complete(begun, callback)
    grace.client.cookies.update(cookies)

    assert error(grace.complete(begun, callback)) == (400, "state_mismatch")
    second = grace.log_in(openid)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data["id"] == second.data["id"]
    assert len(connections()) == len(sent) == 1


def test_flow_of_a_login_cannot_connect_and_reverse(
    grace: Frontend, openid: OpenIDProvider
) -> None:
    logging_in = replace(grace, below="")
    connect, login = grace.authorize(openid), logging_in.authorize(openid)

    for response in (logging_in.complete(*connect), grace.complete(*login)):
        assert error(response) == (400, "session_context_missing")
    assert connections() == []
    assert User.objects.count() == 1


# --- Authentication -------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post"])
def test_anonymous_request_is_a_401(
    method: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    anonymous = replace(frontend, below="connect/")

    response = anonymous.begin() if method == "get" else anonymous.post({"code": "1", "state": "2"})

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Token"
    assert "no-store" in response.headers["Cache-Control"]
    assert openid.paths == []


def test_session_authentication_enforces_csrf(
    session_client: APIClient, openid: OpenIDProvider
) -> None:
    session_client.force_login(User.objects.create(username="grace"))
    frontend = Frontend("cookie", session_client, below="connect/")
    begun, callback = frontend.authorize(openid)

    without = frontend.complete(begun, callback)
    with_token = frontend.post(callback, headers=CSRF_HEADERS)

    assert (without.status_code, with_token.status_code) == (403, 201), with_token.data
    assert connections() == [GRACE]


@pytest.mark.parametrize("active", [True, False])
def test_stateless_user_connects_only_while_active(
    active: bool, grace: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    route_account_views(settings, authentication=STATELESS)
    begun, callback = grace.authorize(openid)
    User.objects.update(is_active=active)

    response = grace.complete(begun, callback)

    assert error(response) == ((201, None) if active else (400, "authentication_disallowed"))
    assert connections() == ([GRACE] if active else [])


# --- Begin ----------------------------------------------------------------------------


@pytest.mark.parametrize("query", [{}, {"redirect_uri": "https://evil.example.com/"}])
def test_begin_without_an_allowed_redirect_uri_is_rejected(
    query: dict[str, str], grace: Frontend
) -> None:
    response = grace.client.get("/auth/o/oidc/connect/", query, secure=True)

    assert (response.status_code, list(details(response))) == (400, ["redirect_uri"])


@pytest.mark.usefixtures("wire")
def test_begin_with_an_unreachable_provider_is_retry_later(grace: Frontend) -> None:
    response = grace.begin()

    assert (response.status_code, response.data["error_stage"]) == (400, "begin")
    assert response.data["error_recovery"] == "retry_later"


def test_unknown_provider_is_a_404(grace: Frontend) -> None:
    for response in (grace.begin("nobody"), grace.post({}, "nobody")):
        assert response.status_code == 404
        assert details(response) == {"detail": "Provider 'nobody' not supported"}


# --- Completions that fail ------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [("POST", "/token"), ("GET", "/userinfo")])
def test_outage_of_the_provider_is_retry_later(
    method: str, path: str, grace: Frontend, openid: OpenIDProvider
) -> None:
    openid.wire.replace(method, ISSUER + path, status=503)

    response = grace.log_in(openid)

    assert (response.status_code, response.data["error_recovery"]) == (400, "retry_later")
    assert connections() == []


def deactivate(user: Any, **kwargs: Any) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def return_no_connection(**kwargs: Any) -> dict[str, Any]:
    return {"social": None}


def return_another_user(**kwargs: Any) -> dict[str, Any]:
    return {"user": User.objects.get(username="alan")}


def fail(**kwargs: Any) -> None:
    raise KeyError("a secret")


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (deactivate, (400, "authentication_disallowed")),
        (return_no_connection, (400, "authentication_disallowed")),
        (return_another_user, (400, "authentication_disallowed")),
        (fail, (500, "unknown_error")),
        (None, (500, "unknown_error")),
    ],
)
def test_step_or_receiver_that_fails_undoes_the_connect(
    step: Any, expected: Any, grace: Frontend, alan: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    if step is not None:
        settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_PIPELINE, f"{__name__}.{step.__name__}"]

    with connected(fail, *([] if step else [signals.connected])):
        assert error(grace.log_in(openid)) == expected
    assert connections() == []


# --- Handoff and concurrency ----------------------------------------------------------


def test_connect_through_the_handoff(
    grace: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    begun, posted = grace.authorize(openid)
    handoff = post_to_callback(posted)

    response = grace.complete(begun, handoff_params(handoff))

    assert authorization_params(begun)["redirect_uri"] == f"https://testserver{CALLBACK}"
    assert handoff.headers["Location"].startswith(f"{REDIRECT_URI}?")
    assert response.status_code == 201, response.data
    assert connections() == [GRACE]


@pytest.mark.django_db(transaction=True)
def test_two_users_connect_one_identity_at_the_same_time(
    grace: Frontend, alan: Frontend, openid: OpenIDProvider
) -> None:
    meeting = threading.Barrier(2)
    openid.before_userinfo = lambda: meeting.wait(20)
    calls = []
    for frontend in (grace, alan):
        begun, callback = frontend.authorize(openid)
        calls.append(partial(frontend.complete, begun, callback))

    assert sorted(map(error, together(calls)), key=str) == [(201, None), (400, "identity_in_use")]
    assert len(connections()) == 1
    assert Nonce.objects.count() == 2


# --- Paused connects ------------------------------------------------------------------


@pytest.fixture(params=[BEFORE_SOCIAL_USER, AFTER_SOCIAL_USER, AFTER_ASSOCIATE_USER])
def paused(
    request: pytest.FixtureRequest, grace: Frontend, openid: OpenIDProvider, settings: Any
) -> Any:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((request.param, ASK_NAME))
    return grace.log_in(openid)


def test_paused_connect_resumes_only_for_its_user_and_purpose(
    paused: Any, grace: Frontend, alan: Frontend
) -> None:
    alan.client.cookies = grace.client.cookies
    before = connections()

    as_alan = alan.resume(paused, name="x")
    as_a_login = replace(grace, below="").resume(paused, name="x")

    assert error(as_alan) == (400, "user_mismatch")
    assert error(as_a_login) == (400, "session_context_missing")
    assert connections() == before
    response = grace.resume(paused, name="x")
    assert (paused.status_code, response.status_code) == (202, 201), response.data
    assert paused.data["redirect_to"] == "https://app.example.com/name"
    assert response.data["uid"] == "user-1"
    assert connections() == [("grace", "oidc", "user-1")]
    assert not Partial.objects.exists()


@pytest.mark.parametrize("position", [BEFORE_SOCIAL_USER, AFTER_SOCIAL_USER])
def test_identity_connected_by_another_user_during_the_pause_is_rejected(
    position: int, grace: Frontend, alan: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pausing = pipeline_with((position, ASK_NAME))
    paused = grace.log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = DEFAULT_PIPELINE
    alan.log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = pausing

    assert error(grace.resume(paused, name="x")) == (400, "identity_in_use")
    assert connections() == [("alan", "oidc", "user-1")]
