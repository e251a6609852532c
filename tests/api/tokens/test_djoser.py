"""DjoserSerializer: the token strategies of djoser."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from rest_framework.exceptions import ValidationError

from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()


class JWTStrategy:
    """Contains the user as an object, as djoser's strategy for Simple JWT does."""

    @classmethod
    def obtain(cls, user: Any) -> dict[str, Any]:
        return {"access": f"access-of-{user}", "refresh": f"refresh-of-{user}", "user": user}


class InstanceStrategy:
    """Has an instance method, and returns values of all types."""

    def obtain(self, user: Any) -> dict[str, Any]:
        return {
            "number": 1,
            "flag": True,
            "nothing": None,
            "list": ["a"],
            "nested": {"user": user},
            "users": [user],
            "id": UUID(int=0),
        }


class RefusingStrategy:
    @staticmethod
    def obtain(user: Any) -> dict[str, Any]:
        raise ValidationError({"detail": "Not today."})


JWT_BODY = {"access": "access-of-ada", "refresh": "refresh-of-ada", "user": "ada"}


def configure_djoser(settings: Any, strategy: Any) -> None:
    settings.SOCIAL_ENDPOINTS = {"FLOW_TRANSPORT": settings.SOCIAL_ENDPOINTS["FLOW_TRANSPORT"]}
    settings.DJOSER = {
        "SOCIAL_AUTH_ALLOWED_REDIRECT_URIS": [REDIRECT_URI],
        "SOCIAL_AUTH_TOKEN_STRATEGY": strategy,
    }


@pytest.mark.parametrize(
    ("strategy", "status", "body"),
    [
        (f"{__name__}.JWTStrategy", 201, JWT_BODY),
        (JWTStrategy, 201, JWT_BODY),
        (
            InstanceStrategy(),  # Objects at any depth are text.
            201,
            {
                "number": 1,
                "flag": True,
                "nothing": None,
                "list": ["a"],
                "nested": {"user": "ada"},
                "users": ["ada"],
                "id": "00000000-0000-0000-0000-000000000000",
            },
        ),
        pytest.param(
            RefusingStrategy,
            400,
            {"detail": "Not today."},
            marks=pytest.mark.undocumented("the strategy chooses the body"),
        ),
    ],
    ids=["dotted path", "class", "instance", "refusal"],
)
def test_body_is_what_the_strategy_returns_or_raises(
    strategy: Any,
    status: int,
    body: dict[str, Any],
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    configure_djoser(settings, strategy)

    response = frontend.log_in(openid)

    assert response.status_code == status
    assert body.items() <= response.json().items()
    assert User.objects.exists() is (status == 201)


@pytest.mark.parametrize("strategy", [None, "tests.Missing", "nodot", 5])
def test_invalid_strategy_is_a_500(
    strategy: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    configure_djoser(settings, strategy)

    response = frontend.log_in(openid)

    assert (response.status_code, response.data["error_source"]) == (500, "configuration")
    assert not User.objects.exists()
