"""Policies of projects for EMAIL_ASSOCIATION_POLICY, and what an association results in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import ValidationError
from social_django.models import Partial, UserSocialAuth

from tests.support.frontend import error

EMAIL = "ada@example.com"


def agree(user: Any, *, email: str, backend: Any, details: Any, response: Any) -> bool:
    return bool(user.email and email == details["email"] and response and backend.name)


def disagree(user: Any, **kwargs: Any) -> None:
    """Refuse by returning None."""


def refuse(user: Any, **kwargs: Any) -> None:
    raise ValidationError({"email": ["Sign in with your password."]})


def assert_associated(response: Any, account: Any, expected: bool = True) -> None:
    """Assert that a login has reached an existing account, or else a new one."""
    assert response.status_code == 201, response.data
    assert (UserSocialAuth.objects.get().user == account) is expected
    assert get_user_model().objects.count() == (1 if expected else 2)


def assert_in_use(response: Any, name: str = "email") -> None:
    """Assert that a login was rejected because another account has its address or user name."""
    assert error(response) == (400, f"{name}_in_use")
    assert response.data["error_recovery"] == "use_existing_account"
    assert (response.data["error_source"], response.data["error_stage"]) == ("storage", "pipeline")


def assert_only_account() -> None:
    """Assert that a login has stored nothing beside the one account of the test."""
    assert get_user_model().objects.count() == 1
    for model in (UserSocialAuth, Token, Partial):
        assert not model.objects.exists()
