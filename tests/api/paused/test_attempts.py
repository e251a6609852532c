"""The number of answers to one step of a paused login is limited."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework import serializers
from social_core.pipeline.partial import partial
from social_django.models import Nonce

from social_endpoints.pipeline import require_fields
from tests.support.accounts import logged_in
from tests.support.concurrency import together
from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import ASK_NAME, BEFORE_CREATE_USER, LAST, pipeline_with

pytestmark = pytest.mark.django_db
User = get_user_model()
HERE = "tests.api.paused.test_attempts"

LIMIT = 10
TOO_MANY = (400, "too_many_attempts")


class CodeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()

    def validate_code(self, value: str) -> str:
        if value != "123456":
            raise serializers.ValidationError("Wrong code.")
        return value


ask_code = require_fields(CodeSerializer)


@partial
def ask_code_again(strategy: Any, **kwargs: Any) -> Any:
    """Pause again after a wrong code."""
    return None if strategy.request_data().get("code") == "123456" else strategy.redirect("/code")


def leave(strategy: Any, **kwargs: Any) -> Any:
    return strategy.redirect("/away")


@pytest.fixture(params=["ask_code", "ask_code_again"])
def asks_code(request: pytest.FixtureRequest, settings: Any) -> None:
    steps = (BEFORE_CREATE_USER, f"{HERE}.{request.param}")
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(steps)


def guess(frontend: Frontend, paused: Any, code: str) -> tuple[Any, Any]:
    """Post a code; return the latest 202 and the response."""
    response = frontend.resume(paused, code=code)
    return response if response.status_code == 202 else paused, response


def test_code_can_be_guessed_a_limited_number_of_times(
    asks_code: None, frontend: Frontend, openid: OpenIDProvider
) -> None:
    paused = frontend.log_in(openid)
    for number in range(LIMIT):
        if number == 1:
            time.sleep(1.1)  # The next flow expires at another second.
        paused, response = guess(frontend, paused, f"{number:06}")
        assert response.status_code in {202, 400}
        assert response.data.get("error_code") != "too_many_attempts"

    _, response = guess(frontend, paused, "123456")

    assert error(response) == TOO_MANY
    assert response.data["error_recovery"] == "restart_login"
    assert not User.objects.exists()
    assert not any(cookie.value for cookie in frontend.client.cookies.values())
    assert Nonce.objects.filter(server_url="social_endpoints.attempt").count() == LIMIT


def test_last_attempt_may_succeed(
    asks_code: None, frontend: Frontend, openid: OpenIDProvider
) -> None:
    paused = frontend.log_in(openid)
    for _ in range(LIMIT - 1):
        paused, _ = guess(frontend, paused, "wrong")

    assert frontend.resume(paused, code="123456").status_code == 201


def test_each_step_and_each_login_has_attempts_of_its_own(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    step = (BEFORE_CREATE_USER, f"{HERE}.ask_code_again")
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME), step)
    for _ in range(2):
        paused = frontend.log_in(openid)
        for _ in range(LIMIT - 1):
            paused, response = guess(frontend, paused, "no name")
            assert response.status_code == 202
        paused = frontend.resume(paused, name="Ada")
        assert paused.status_code == 202
        for _ in range(LIMIT):
            paused, response = guess(frontend, paused, "wrong")
            assert response.status_code == 202
        assert error(frontend.resume(paused, code="123456")) == TOO_MANY


def test_redirect_that_ends_a_resumed_login_counts(openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(
        (BEFORE_CREATE_USER, ASK_NAME), (LAST, f"{HERE}.leave")
    )
    frontend = Frontend("body")
    paused = frontend.log_in(openid)

    statuses = [frontend.resume(paused, name="Ada").status_code for _ in range(LIMIT + 1)]

    assert statuses == [202] * LIMIT + [400]


def test_resumed_connect_has_the_same_limit(
    asks_code: None, frontend: Frontend, openid: OpenIDProvider
) -> None:
    user = User.objects.create(username="grace")
    frontend.client, frontend.below = logged_in(user), "connect/"
    paused = frontend.log_in(openid)
    for _ in range(LIMIT):
        paused, _ = guess(frontend, paused, "wrong")

    assert error(frontend.resume(paused, code="123456")) == TOO_MANY
    assert not user.social_auth.exists()


@pytest.mark.parametrize("pauses", [False, True])
def test_partial_token_that_is_not_the_flows_writes_no_row(
    pauses: bool, openid: OpenIDProvider, settings: Any
) -> None:
    """Anyone can begin a login and post its flow with a partial token."""
    if pauses:
        settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
    frontend = Frontend("body")
    begun = frontend.log_in(openid) if pauses else frontend.begin()
    rows = Nonce.objects.count()

    for _ in range(LIMIT + 1):
        rejected = frontend.complete(begun, {"partial_token": "wrong", "name": "Ada"})
        assert error(rejected) == (400, "session_context_missing")

    assert Nonce.objects.count() == rows


@pytest.mark.django_db(transaction=True)
def test_simultaneous_guesses_are_counted(openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, f"{HERE}.ask_code"))
    frontend = Frontend("body")
    paused = frontend.log_in(openid)

    rejected = together(
        [lambda: Frontend("body").resume(paused, code="wrong") for _ in range(3 * LIMIT)]
    )

    codes = [response.data.get("error_code") for response in rejected]
    assert codes.count("too_many_attempts") >= 2 * LIMIT
    assert error(frontend.resume(paused, code="123456")) == TOO_MANY
