"""What a project is told of its users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import ValidationError
from social_django.models import UserSocialAuth

from social_endpoints.signals import signed_in
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import DEFAULT_PIPELINE

pytestmark = pytest.mark.django_db
User = get_user_model()


@contextmanager
def heard_by(receiver: Any) -> Iterator[None]:
    """Let a receiver hear who signs in."""
    signed_in.connect(receiver)
    try:
        yield
    finally:
        signed_in.disconnect(receiver)


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    """Return what has been told of logins."""
    calls: list[dict[str, Any]] = []

    def hear(**kwargs: Any) -> None:
        assert transaction.get_connection().in_atomic_block
        calls.append(kwargs)

    with heard_by(hear):
        yield calls


def test_of_a_first_login_and_of_the_next(
    frontend: Frontend, openid: OpenIDProvider, heard: list[dict[str, Any]]
) -> None:
    frontend.log_in(openid)
    frontend.log_in(openid)

    user, social = User.objects.get(), UserSocialAuth.objects.get()
    first, second = heard
    for told in heard:
        assert told["sender"] is User
        assert (told["user"], told["social"], told["provider"]) == (user, social, "oidc")
        assert told["request"].path == "/auth/o/oidc/"
    assert (first["is_new_user"], first["new_association"]) == (True, True)
    assert (second["is_new_user"], second["new_association"]) == (False, False)


def test_of_a_user_who_is_known_by_another_identity(
    frontend: Frontend, openid: OpenIDProvider, heard: list[dict[str, Any]], settings: Any
) -> None:
    User.objects.create(username="grace", email="ada@example.com")
    pipeline = list(DEFAULT_PIPELINE)
    pipeline.insert(4, "social_core.pipeline.social_auth.associate_by_email")
    settings.SOCIAL_AUTH_PIPELINE = pipeline

    frontend.log_in(openid)

    (told,) = heard
    assert (told["is_new_user"], told["new_association"]) == (False, True)


def test_not_of_a_login_that_is_refused(
    frontend: Frontend, openid: OpenIDProvider, heard: list[dict[str, Any]]
) -> None:
    frontend.log_in(openid)
    User.objects.update(is_active=False)

    refused = frontend.log_in(openid)

    assert refused.status_code == 400
    assert len(heard) == 1


def test_a_receiver_that_raises_undoes_the_login(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    def fail(**kwargs: Any) -> None:
        raise RuntimeError

    with heard_by(fail):
        answer = frontend.log_in(openid)

    assert (answer.status_code, answer.data["error_code"]) == (400, "unknown_error")
    assert User.objects.count() == Token.objects.count() == 0


def test_a_receiver_may_word_its_refusal(frontend: Frontend, openid: OpenIDProvider) -> None:
    def refuse(**kwargs: Any) -> None:
        raise ValidationError({"provider": ["Not on Sundays."]})

    with heard_by(refuse):
        answer = frontend.log_in(openid)

    assert (answer.status_code, answer.data) == (400, {"provider": ["Not on Sundays."]})
    assert User.objects.count() == 0
