"""A worker that is killed, and a connection that the database cuts, at each point of a login."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import requests
from django.contrib.auth import get_user_model
from django.db import connection
from rest_framework.authtoken.models import Token
from social_django.models import Nonce, UserSocialAuth

from social_endpoints import signals
from tests.support.accounts import connections, disconnect, logged_in, user_with
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, error
from tests.support.http_provider import served
from tests.support.id_token_providers import PROVIDERS
from tests.support.openid_provider import OpenIDProvider
from tests.support.outages import kill_connection
from tests.support.pipeline import ASK_NAME, BEFORE_CREATE_USER, LAST, pipeline_with
from tests.support.signals import connected
from tests.support.worker import running_worker

pytestmark = pytest.mark.django_db(transaction=True)
User = get_user_model()


def assert_no_account() -> None:
    for model in (User, UserSocialAuth, Token):
        assert not model.objects.exists()


# --- Killed workers -------------------------------------------------------------------


@pytest.mark.parametrize("point", ["provider", "pipeline", "commit"])
def test_killed_worker_stores_no_account_and_the_user_can_sign_in_again(
    point: str, settings: Any, configure: Configure
) -> None:
    configure(FLOW_TRANSPORT="body")
    with served() as (url, openid), running_worker(url, point) as (worker, process):
        settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = url
        reached, killed = threading.Event(), threading.Event()
        if point == "provider":
            openid.before_userinfo = lambda: (reached.set(), killed.wait(10))
        frontend = Frontend("body")
        begun, callback = frontend.authorize(openid)
        body = {**callback, "flow": begun.data["flow"]}
        lost: list[Any] = []

        def complete() -> None:
            try:
                lost.append(requests.post(f"{worker}/auth/o/oidc/", json=body, timeout=20))
            except requests.ConnectionError as broken:
                lost.append(broken)

        client = threading.Thread(target=complete)
        client.start()
        if point == "provider":
            assert reached.wait(20)
        else:
            assert process.stdout
            assert process.stdout.readline() == "stopped\n"
        process.kill()
        killed.set()
        client.join()
        openid.before_userinfo = lambda: None

        assert isinstance(lost[0], requests.ConnectionError)
        assert_no_account()
        assert Nonce.objects.count() == 1
        again = frontend.complete(begun, callback)
        assert (error(again), again.data["error_recovery"]) == (
            (400, "state_mismatch"),
            "restart_login",
        )
        assert frontend.log_in(openid).status_code == 201
    assert User.objects.count() == UserSocialAuth.objects.count() == Token.objects.count() == 1


# --- Cut connections ------------------------------------------------------------------


class Cut:
    """Has the database cut the connection of this thread, once."""

    is_done = False

    @classmethod
    def now(cls, *args: Any, **kwargs: Any) -> None:
        if not cls.is_done:
            cls.is_done = True
            kill_connection()


cut = Cut.now


@pytest.fixture(params=["between requests", "provider", "pipeline", "commit"])
def arm(
    request: pytest.FixtureRequest, openid: OpenIDProvider, settings: Any
) -> Iterator[Callable[[], bool]]:
    """Let the database cut the connection at one point of the next request.

    :return: call it before that request. It returns whether the request may fail, because it is
        unknown whether a COMMIT without an answer has been executed.
    """
    Cut.is_done = True  # Until the next request.
    openid.before_userinfo = cut if request.param == "provider" else lambda: None
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(
        *([(BEFORE_CREATE_USER, ASK_NAME)] if "resume" in request.node.name else []),
        *([(LAST, f"{__name__}.cut")] if request.param == "pipeline" else []),
    )

    def arm() -> bool:
        Cut.is_done = False
        if request.param == "between requests":
            connection.ensure_connection()
            cut()
        return bool(request.param == "commit")

    last = (signals.signed_in, signals.connected, signals.disconnected)
    with connected(cut, *(last if request.param == "commit" else ())):
        yield arm
    connection.close()


def send(request: Callable[[], Any], again: Callable[[], Any], *, may_fail: bool) -> Any:
    """Send a request; if it may fail, accept an error that says to try again, and do so."""
    response = request()
    if may_fail and response.status_code == 503:
        assert error(response) == (503, "storage_unavailable"), response.data
        assert response.data["error_recovery"] == "retry_later"
        connection.close()  # As Django does after a request with an error of the database.
        response = again()
    return response


def assert_signed_in(response: Any) -> None:
    """Assert that the response has the token of the only account."""
    assert response.status_code == 201, response.data
    assert Token.objects.get().key == response.data["token"]
    assert User.objects.count() == UserSocialAuth.objects.count() == 1


@pytest.mark.row_locks
def test_login_after_a_cut_connection(arm: Callable[[], bool], openid: OpenIDProvider) -> None:
    frontend = Frontend("body")
    begun, callback = frontend.authorize(openid)
    may_fail = arm()

    response = send(
        lambda: frontend.complete(begun, callback),
        lambda: frontend.log_in(openid),
        may_fail=may_fail,
    )

    assert_signed_in(response)


@pytest.mark.row_locks
def test_resume_after_a_cut_connection(arm: Callable[[], bool], openid: OpenIDProvider) -> None:
    frontend = Frontend("body")
    paused = frontend.log_in(openid)
    resume = partial(frontend.resume, paused, name="Ada")
    may_fail = arm()

    assert_signed_in(send(resume, resume, may_fail=may_fail))


@pytest.mark.row_locks
def test_native_sign_in_after_a_cut_connection(
    arm: Callable[[], bool], openid: OpenIDProvider, configure: Configure
) -> None:
    configure(NATIVE_PROVIDERS=["oidc"])
    native = PROVIDERS["oidc"](openid.wire)
    sign_in = partial(native.sign_in, native.token())
    may_fail = arm()

    # The claim of the token is rolled back as well, so the same token signs in.
    assert_signed_in(send(sign_in, sign_in, may_fail=may_fail))


@pytest.mark.row_locks
def test_connect_and_disconnect_after_a_cut_connection(
    arm: Callable[[], bool], openid: OpenIDProvider
) -> None:
    ada = user_with(("github", "2"))
    frontend = replace(Frontend("body"), client=logged_in(ada), below="connect/")
    begun, callback = frontend.authorize(openid)
    may_fail = arm()

    made = send(
        lambda: frontend.complete(begun, callback),
        lambda: frontend.log_in(openid),
        may_fail=may_fail,
    )
    assert made.status_code == 201, made.data
    assert connections() == [("ada", "github", "2"), ("ada", "oidc", "user-1")]

    may_fail = arm()
    remove = partial(disconnect, frontend.client, made.data["id"])
    assert send(remove, remove, may_fail=may_fail).status_code == 204
    assert connections() == [("ada", "github", "2")]
