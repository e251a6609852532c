"""What every token serializer has in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from rest_framework.authtoken.models import Token
from social_django.models import UserSocialAuth

from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.token_serializers import PAIRS

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return each shipped serializer with each transport that it allows."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def serializer(pair: tuple[str, str]) -> str:
    """Return the name of the serializer."""
    return pair[0]


@pytest.fixture
def frontend(
    pair: tuple[str, str],
    cookie_middleware: None,
    answer_with: Callable[..., None],
    settings: Any,
) -> Frontend:
    """Return a frontend of a project that has what the serializer needs."""
    name, transport = pair
    settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": "tests.support.token_serializers.ObtainedText"}
    answer_with(name, FLOW_TRANSPORT=transport)
    return Frontend(transport)


@pytest.fixture
def logged_in() -> Iterator[list[dict[str, Any]]]:
    """Return what the receivers of `user_logged_in` were told."""
    told: list[dict[str, Any]] = []

    def receive(**kwargs: Any) -> None:
        told.append(kwargs)

    user_logged_in.connect(receive)
    yield told
    user_logged_in.disconnect(receive)


def test_login_is_told_once(
    frontend: Frontend, openid: OpenIDProvider, logged_in: list[dict[str, Any]]
) -> None:
    answer = frontend.log_in(openid)

    assert answer.status_code == 201
    (told,) = logged_in
    user = User.objects.get()
    assert told["user"] == user
    assert told["sender"] is User
    assert told["request"].path == "/auth/o/oidc/"
    assert user.last_login is not None


def test_new_user_is_told_from_a_returning_one(
    serializer: str, frontend: Frontend, openid: OpenIDProvider, answer_with: Callable[..., None]
) -> None:
    answer_with(f"tests.support.with_profile.{serializer}")

    answers = [frontend.log_in(openid) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert [answer.json()["is_new_user"] for answer in answers] == [True, False]
    profile = {"username": "ada", "email": "ada@example.com"}
    assert [answer.json()["profile"] for answer in answers] == [profile, profile]


def test_fields_of_a_subclass_are_added(
    serializer: str, frontend: Frontend, openid: OpenIDProvider, answer_with: Callable[..., None]
) -> None:
    shipped = set(frontend.log_in(openid).data)
    answer_with(f"tests.support.with_profile.{serializer}")

    assert set(frontend.log_in(openid).data) == shipped | {"profile", "is_new_user"}


def test_answer_can_be_added_to(frontend: Frontend, openid: OpenIDProvider) -> None:
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    flow = {} if frontend.transport == "cookie" else {"flow": begun.data["flow"]}

    answer = frontend.client.post("/ours/o/oidc/", {**callback, **flow}, secure=True)

    assert answer.status_code == 201
    assert answer.json()["added"] == "by the project, for oidc"


def test_answer_holds_nothing_else_that_is_secret(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    answer = frontend.log_in(openid)

    assert set(answer.json()) <= {"token", "access", "refresh", "user", "expiry", "obtained"}
    assert "no-store" in answer.headers["Cache-Control"]


def test_login_that_a_receiver_refuses_leaves_nothing(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    with refusing():
        answer = frontend.log_in(openid)

    assert answer.status_code == 400
    assert answer.data["error_code"] == "unknown_error"
    assert "secret" not in answer.content.decode()
    assert not User.objects.exists()
    assert not UserSocialAuth.objects.exists()
    assert not Token.objects.exists()
    kept = {name for name, cookie in answer.cookies.items() if cookie.value}
    assert kept <= {"csrftoken"}


def test_person_can_log_in_after_a_refusal(frontend: Frontend, openid: OpenIDProvider) -> None:
    with refusing():
        frontend.log_in(openid)

    assert frontend.log_in(openid).status_code == 201


@contextmanager
def refusing() -> Iterator[None]:
    """Have a receiver of the project fail at every login."""

    def refuse(**kwargs: Any) -> None:
        raise RuntimeError("secret")

    user_logged_in.connect(refuse)
    try:
        yield
    finally:
        user_logged_in.disconnect(refuse)
