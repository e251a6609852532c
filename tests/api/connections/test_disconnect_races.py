"""Disconnects at the same time as another disconnect, or as a login with the connection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token

from tests.support.accounts import (
    DISCONNECT_PIPELINE,
    SECRET,
    disconnect,
    logged_in,
    uids,
    user_with,
)
from tests.support.concurrency import together
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import AFTER_ASSOCIATE_USER, pipeline_with

pytestmark = pytest.mark.django_db
User = get_user_model()
MEETING = threading.Barrier(2)


def meet(**kwargs: Any) -> None:
    """Wait for the other request, which may be waiting for a lock of this one."""
    try:
        MEETING.wait(0.5)
    except threading.BrokenBarrierError:
        MEETING.reset()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("isolation")
@pytest.mark.parametrize(
    ("uid", "status"), [("1", 404), ("2", 400)], ids=["the same connection", "the last two"]
)
@pytest.mark.parametrize("meets", [True, False], ids=["in the pipeline", "anywhere"])
def test_one_of_two_disconnects_at_the_same_time_is_rejected(
    uid: str, status: int, meets: bool, ada: Any, settings: Any
) -> None:
    if meets:
        allowed, *rest = DISCONNECT_PIPELINE
        settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = [allowed, f"{__name__}.meet", *rest]
    socials = [ada.social_auth.get(uid="1"), ada.social_auth.get(uid=uid)]

    responses = together([partial(disconnect, logged_in(ada), social) for social in socials])

    first, second = sorted(responses, key=lambda response: response.status_code)
    assert (first.status_code, second.status_code) == (204, status)
    if status == 400:
        assert second.data["error_code"] == "disconnect_disallowed"
    assert len(uids()) == 1


# --- During a login -------------------------------------------------------------------


DURING_LOGIN: list[Callable[[Any], object]] = []


def interfere(social: Any, **kwargs: Any) -> None:
    """Call each function in DURING_LOGIN once, as a step of a login."""
    while DURING_LOGIN:
        DURING_LOGIN.pop()(social)


def return_no_connection(**kwargs: Any) -> dict[str, None]:
    return {"social": None}


@pytest.fixture
def social(settings: Any) -> Any:
    """Return the connection of a login that is interfered with."""
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_ASSOCIATE_USER, f"{__name__}.interfere"))
    user = user_with(("oidc", "user-1"), ("github", "2"))
    user.social_auth.filter(uid="user-1").update(id_key="sub")
    return user.social_auth.get(uid="user-1")


@pytest.mark.row_locks
@pytest.mark.django_db(transaction=True)
def test_connection_disconnected_during_its_login_stays_disconnected(
    social: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    client = logged_in(social.user)
    responses: list[Any] = []
    DURING_LOGIN.append(
        lambda social: responses.extend(together([partial(disconnect, client, social)]))
    )

    login = frontend.log_in(openid)

    assert [response.status_code for response in responses] == [204]
    assert [one.uid for one in social.user.social_auth.all()] == ["2"]
    assert login.status_code == 201
    assert Token.objects.get(key=login.data["token"]).user != social.user


def test_connection_deleted_in_the_transaction_of_its_login_is_looked_up_again(
    social: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    DURING_LOGIN.append(lambda social: type(social).objects.filter(pk=social.pk).delete())

    response = frontend.log_in(openid)

    assert response.status_code == 201  # The deletion is rolled back.
    assert Token.objects.get(key=response.data["token"]).user == social.user
    assert User.objects.count() == 1


def test_login_whose_connection_cannot_be_saved_runs_again(
    social: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    DURING_LOGIN.append(lambda social: vars(social).update(provider="github", uid="2"))

    assert frontend.log_in(openid).status_code == 201
    assert uids() == ["2", "user-1"]


def test_login_whose_pipeline_returns_no_connection_saves_its_tokens(
    social: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    step = f"{__name__}.return_no_connection"
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_ASSOCIATE_USER, step))

    assert frontend.log_in(openid).status_code == 201

    social.refresh_from_db()
    assert social.extra_data["access_token"] != SECRET
