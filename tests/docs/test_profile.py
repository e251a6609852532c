"""The guide for the profile of the user works."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from rest_framework.test import APIClient

from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import DOCS, code_blocks, run_block

pytestmark = pytest.mark.django_db
User = get_user_model()
PAGE = "backend/profile.rst"


def example(name: str) -> Any:
    """Return the example of a body that has a key."""
    blocks = map(json.loads, code_blocks(DOCS / PAGE, "json"))
    return next(each for each in blocks if name in each)


@pytest.fixture
def ada(openid: OpenIDProvider) -> None:
    openid.userinfo |= {"given_name": "Ada", "family_name": "Lovelace"}


@pytest.mark.usefixtures("ada")
def test_profile_is_added(openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_ENDPOINTS = run_block(PAGE, "is_new_user")["SOCIAL_ENDPOINTS"]

    first, second = Frontend().log_in(openid).json(), Frontend().log_in(openid).json()

    expected = example("is_new_user")
    expected["profile"]["id"] = User.objects.get().pk
    assert first == {**expected, "token": first["token"]}
    assert second == {**first, "is_new_user": False}
    assert run_checks() == []


def test_serializer_of_the_guide_is_used(openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_ENDPOINTS = run_block(PAGE, "USER_SERIALIZER")["SOCIAL_ENDPOINTS"]

    body = Frontend().log_in(openid).json()
    headers = {"Authorization": f"Token {body['token']}"}
    user = APIClient().get("/auth/me/", headers=headers).json()

    assert user == body["profile"]
    assert user == {
        "id": User.objects.get().pk,
        "username": "ada",
        "email": "ada@example.com",
        "providers": ["oidc"],
    }
    assert run_checks() == []


def test_body_is_changed(openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_ENDPOINTS = run_block(PAGE, "TOKEN_SERIALIZER")["SOCIAL_ENDPOINTS"]

    body = Frontend().log_in(openid).json()

    expected = example("signed_in_with")
    assert body.keys() == expected.keys()
    assert body["user"].keys() == expected["user"].keys()
    assert (body["signed_in_with"], body["user"]["providers"]) == ("oidc", ["oidc"])
    assert run_checks() == []
