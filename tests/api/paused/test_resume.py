"""Resumed logins: the account that they reach, and simultaneous requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from rest_framework.authtoken.models import Token
from social_core.pipeline.social_auth import social_user as core_social_user
from social_django.models import UserSocialAuth

from tests.support.concurrency import THREADS, CollidingSerializer, together
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import (
    AFTER_ASSOCIATE_USER,
    AFTER_CREATE_USER,
    AFTER_SOCIAL_USER,
    ASK_NAME,
    BEFORE_CREATE_USER,
    BEFORE_SOCIAL_USER,
    DEFAULT_PIPELINE,
    LAST,
    pipeline_with,
)

pytestmark = pytest.mark.django_db
User = get_user_model()

HERE = "tests.api.paused.test_resume"


def find_grace(details: Any, user: Any = None, **kwargs: Any) -> dict[str, Any]:
    return {"user": user or User.objects.get(username="grace")}


def social_user(*args: Any, **kwargs: Any) -> Any:
    """Find the association as social-core does; a step of the project."""
    return core_social_user(*args, **kwargs)


def record_username(user: Any, username: str, **kwargs: Any) -> None:
    User.objects.filter(pk=user.pk).update(last_name=username)
    user.last_name = username


@pytest.fixture
def pause_at(settings: Any) -> Callable[..., None]:
    def insert(position: int, *others: tuple[int, str]) -> None:
        settings.SOCIAL_AUTH_PIPELINE = pipeline_with((position, ASK_NAME), *others)

    return insert


# --- The account ----------------------------------------------------------------------


@pytest.mark.parametrize("position", [BEFORE_SOCIAL_USER, AFTER_SOCIAL_USER, BEFORE_CREATE_USER])
@pytest.mark.parametrize("owner", ["social-core", "project"])
def test_two_paused_first_logins_reach_one_account(
    position: int,
    owner: str,
    pause_at: Callable[..., None],
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    pause_at(position, (LAST, f"{HERE}.record_username"))
    if owner == "project":
        settings.SOCIAL_AUTH_PIPELINE = [
            f"{HERE}.social_user" if path.endswith(".social_user") else path
            for path in settings.SOCIAL_AUTH_PIPELINE
        ]
    other = Frontend(frontend.transport)
    paused = [frontend.log_in(openid), other.log_in(openid)]

    first = frontend.resume(paused[0], name="Ada")
    User.objects.update(username="countess")
    second = other.resume(paused[1], name="Augusta")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data == second.data
    user = User.objects.get()
    assert (user.first_name, user.last_name) == ("Augusta", "countess")
    assert UserSocialAuth.objects.get().user == user


def test_paused_first_login_reaches_the_account_of_one_that_did_not_pause(
    pause_at: Callable[..., None], frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    pause_at(BEFORE_CREATE_USER)
    paused = frontend.log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = DEFAULT_PIPELINE
    token = Frontend(frontend.transport).log_in(openid).data["token"]
    pause_at(BEFORE_CREATE_USER)

    assert frontend.resume(paused, name="Ada").data == {"token": token}
    assert User.objects.count() == 1


@pytest.mark.parametrize("is_associated", [True, False])
def test_user_found_by_a_step_is_replaced_by_the_owner_of_the_identity(
    is_associated: bool, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    expected = User.objects.create(username="grace")
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(
        (AFTER_SOCIAL_USER, f"{HERE}.find_grace"), (AFTER_SOCIAL_USER, ASK_NAME)
    )
    paused = frontend.log_in(openid)
    if is_associated:
        expected = User.objects.create(username="ada")
        expected.social_auth.create(provider="oidc", uid="user-1", id_key="sub")

    resumed = frontend.resume(paused, name="Ada")

    assert resumed.data == {"token": Token.objects.get(user=expected).key}
    assert UserSocialAuth.objects.get().user == expected


@pytest.mark.parametrize(
    "position",
    [BEFORE_SOCIAL_USER, AFTER_SOCIAL_USER, AFTER_CREATE_USER, AFTER_ASSOCIATE_USER],
)
def test_returning_user_may_pause(
    position: int, pause_at: Callable[..., None], frontend: Frontend, openid: OpenIDProvider
) -> None:
    token = frontend.log_in(openid).data["token"]
    pause_at(position)

    assert frontend.resume(frontend.log_in(openid), name="Ada").data == {"token": token}
    assert User.objects.count() == UserSocialAuth.objects.count() == 1


# --- Refusals -------------------------------------------------------------------------


@pytest.mark.parametrize("position", [BEFORE_CREATE_USER, AFTER_ASSOCIATE_USER])
@pytest.mark.parametrize(
    "change",
    [
        lambda: UserSocialAuth.objects.all().delete(),
        lambda: User.objects.update(is_active=False),
        lambda: User.objects.all().delete(),
        lambda: call_command("clearsocial", age=0),
    ],
    ids=["disconnected", "deactivated", "deleted", "cleared"],
)
def test_paused_login_that_is_gone_or_whose_user_or_association_is_gone_is_rejected(
    position: int,
    change: Callable[[], Any],
    pause_at: Callable[..., None],
    frontend: Frontend,
    openid: OpenIDProvider,
) -> None:
    frontend.log_in(openid)
    pause_at(position)
    paused = frontend.log_in(openid)
    change()
    before = [model.objects.count() for model in (User, UserSocialAuth, Token)]

    rejected = frontend.resume(paused, name="Ada")

    assert error(rejected) == (400, "session_context_missing")
    assert rejected.data["error_recovery"] == "restart_login"
    assert before == [model.objects.count() for model in (User, UserSocialAuth, Token)]


# --- Simultaneous requests ------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_simultaneous_resumes_of_first_logins_create_one_account(
    pause_at: Callable[..., None], openid: OpenIDProvider
) -> None:
    pause_at(BEFORE_CREATE_USER)
    frontends = [Frontend("cookie") for _ in range(THREADS)]
    pairs = [(frontend, frontend.log_in(openid)) for frontend in frontends]

    def resume(frontend: Frontend, paused: Any) -> Callable[[], Any]:
        return lambda: frontend.resume(paused, name="Ada")

    resumed = together([resume(*pair) for pair in pairs])

    assert [response.status_code for response in resumed] == [201] * THREADS
    assert User.objects.count() == UserSocialAuth.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_simultaneous_uses_of_one_partial_token_resume_once(
    pause_at: Callable[..., None], openid: OpenIDProvider, configure: Configure
) -> None:
    configure(FLOW_TRANSPORT="body")
    pause_at(BEFORE_CREATE_USER)
    paused = Frontend("body").log_in(openid)

    resumed = together([lambda: Frontend("body").resume(paused, name="Ada")] * THREADS)

    assert sorted(response.status_code for response in resumed) == [201] + [400] * (THREADS - 1)
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_response_to_a_resumed_login_that_collides_is_built_again(
    pause_at: Callable[..., None], frontend: Frontend, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(TOKEN_SERIALIZER="tests.support.concurrency.CollidingSerializer")
    pause_at(BEFORE_CREATE_USER)
    paused = frontend.log_in(openid)
    CollidingSerializer.calls = 0

    assert frontend.resume(paused, name="Ada").status_code == 201
    assert CollidingSerializer.calls == 2
    assert User.objects.count() == 1
