"""The token strategies of djoser."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient

from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()


class TokenStrategy:
    """What djoser has for Simple JWT: the user stands in it as an object."""

    @classmethod
    def obtain(cls, user: Any) -> dict[str, Any]:
        return {"access": f"access-of-{user}", "refresh": f"refresh-of-{user}", "user": user}


class EverythingStrategy:
    """A project's own, with an instance method and values of all types."""

    def obtain(self, user: Any) -> dict[str, Any]:
        return {
            "number": 1,
            "flag": True,
            "nothing": None,
            "list": ["a"],
            "nested": {"id": 1},
            "id": UUID(int=0),
        }


class ObjectsStrategy:
    """A project's own, whose body holds the user further down."""

    def obtain(self, user: Any) -> dict[str, Any]:
        return {"account": {"user": user}, "users": [user]}


class RefusingStrategy:
    """A project's own, which refuses."""

    @staticmethod
    def obtain(user: Any) -> dict[str, Any]:
        raise ValidationError({"detail": "Not today."})


def configure_djoser(settings: Any, strategy: Any) -> None:
    """Make the project one that comes from djoser."""
    settings.SOCIAL_ENDPOINTS = {
        name: value
        for name, value in settings.SOCIAL_ENDPOINTS.items()
        if name != "ALLOWED_REDIRECT_URIS"
    }
    settings.DJOSER = {
        "SOCIAL_AUTH_ALLOWED_REDIRECT_URIS": [REDIRECT_URI],
        "SOCIAL_AUTH_TOKEN_STRATEGY": strategy,
    }


@pytest.mark.parametrize("as_path", [True, False], ids=["dotted path", "class"])
def test_body_is_that_of_djoser(
    as_path: bool, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    configure_djoser(settings, f"{__name__}.TokenStrategy" if as_path else TokenStrategy)

    answer = frontend.log_in(openid)

    assert answer.status_code == 201
    body = {"access": "access-of-ada", "refresh": "refresh-of-ada", "user": "ada"}
    assert answer.json() == body


def test_redirect_uris_of_djoser_are_the_ones_allowed(client: APIClient, settings: Any) -> None:
    configure_djoser(settings, TokenStrategy)

    uris = [REDIRECT_URI, "https://other.example.com/"]
    answers = [client.get("/auth/o/github/", {"redirect_uri": uri}) for uri in uris]

    assert [answer.status_code for answer in answers] == [200, 400]


def test_strategy_that_is_an_object(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    configure_djoser(settings, EverythingStrategy())

    assert frontend.log_in(openid).json() == {
        "number": 1,
        "flag": True,
        "nothing": None,
        "list": ["a"],
        "nested": {"id": 1},
        "id": "00000000-0000-0000-0000-000000000000",
    }


def test_objects_further_down_are_text_as_well(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    """Else the answer fails after the login has been kept."""
    configure_djoser(settings, ObjectsStrategy())

    assert frontend.log_in(openid).json() == {"account": {"user": "ada"}, "users": ["ada"]}


def test_strategy_that_refuses_leaves_nothing(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    configure_djoser(settings, RefusingStrategy)

    answer = frontend.log_in(openid)

    assert answer.status_code == 400
    assert answer.json() == {"detail": "Not today."}
    assert not User.objects.exists()


@pytest.mark.parametrize("strategy", [None, "tests.Missing", "nodot", 5])
def test_strategy_that_is_none_is_a_mistake_in_the_settings(
    strategy: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    configure_djoser(settings, strategy)

    answer = frontend.log_in(openid)

    assert answer.status_code == 500
    assert answer.data["error_source"] == "configuration"
    assert not User.objects.exists()
