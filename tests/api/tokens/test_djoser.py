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


def configure_djoser(settings: Any, strategy: Any) -> None:
    """Use djoser's settings instead of ours."""
    settings.SOCIAL_ENDPOINTS = {"FLOW_TRANSPORT": settings.SOCIAL_ENDPOINTS["FLOW_TRANSPORT"]}
    settings.DJOSER = {
        "SOCIAL_AUTH_ALLOWED_REDIRECT_URIS": [REDIRECT_URI],
        "SOCIAL_AUTH_TOKEN_STRATEGY": strategy,
    }


@pytest.mark.parametrize(
    "strategy", [f"{__name__}.JWTStrategy", JWTStrategy], ids=["dotted path", "class"]
)
def test_body_is_the_strategys_dictionary(
    strategy: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    configure_djoser(settings, strategy)

    response = frontend.log_in(openid)

    assert response.status_code == 201
    expected = {"access": "access-of-ada", "refresh": "refresh-of-ada", "user": "ada"}
    assert response.json() == expected


def test_redirect_uri_outside_djosers_list_is_rejected(frontend: Frontend, settings: Any) -> None:
    configure_djoser(settings, JWTStrategy)

    assert frontend.begin("github").status_code == 200
    response = frontend.begin("github", redirect_uri="https://other.example.com/")
    assert response.status_code == 400


def test_objects_at_any_depth_are_text(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    configure_djoser(settings, InstanceStrategy())

    assert frontend.log_in(openid).json() == {
        "number": 1,
        "flag": True,
        "nothing": None,
        "list": ["a"],
        "nested": {"user": "ada"},
        "users": ["ada"],
        "id": "00000000-0000-0000-0000-000000000000",
    }


def test_refusing_strategy_leaves_nothing(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    configure_djoser(settings, RefusingStrategy)

    response = frontend.log_in(openid)

    assert (response.status_code, response.json()) == (400, {"detail": "Not today."})
    assert not User.objects.exists()


@pytest.mark.parametrize("strategy", [None, "tests.Missing", "nodot", 5])
def test_invalid_strategy_is_a_500(
    strategy: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    configure_djoser(settings, strategy)

    response = frontend.log_in(openid)

    assert (response.status_code, response.data["error_source"]) == (500, "configuration")
    assert not User.objects.exists()
