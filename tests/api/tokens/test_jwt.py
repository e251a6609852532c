"""A pair of tokens of Simple JWT in the body."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture(autouse=True)
def _serializer(answer_with: Callable[..., None]) -> None:
    answer_with("JWTSerializer")


def test_body_is_that_of_djoser(frontend: Frontend, openid: OpenIDProvider) -> None:
    body = frontend.log_in(openid).json()

    user = User.objects.get()
    assert set(body) == {"access", "refresh", "user"}
    assert body["user"] == "ada"
    assert AccessToken(body["access"])["user_id"] == str(user.pk)
    assert RefreshToken(body["refresh"])["user_id"] == str(user.pk)


def test_access_token_opens_a_protected_view(frontend: Frontend, openid: OpenIDProvider) -> None:
    access = frontend.log_in(openid).data["access"]

    answer = APIClient().get("/me/jwt/", headers={"Authorization": f"Bearer {access}"})

    assert answer.json() == "ada"


def test_every_login_has_tokens_of_its_own(frontend: Frontend, openid: OpenIDProvider) -> None:
    first, second = frontend.log_in(openid), frontend.log_in(openid)

    assert first.data["access"] != second.data["access"]
    assert first.data["refresh"] != second.data["refresh"]


def test_claims_of_the_project_are_in_both_tokens(
    frontend: Frontend, openid: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Simple JWT reads SIMPLE_JWT once: to override the setting would not reach it.
    dotted_path = "tests.support.jwt_claims.WithClaims"
    monkeypatch.setattr(api_settings, "TOKEN_OBTAIN_SERIALIZER", dotted_path)

    body = frontend.log_in(openid).json()

    assert AccessToken(body["access"])["email"] == "ada@example.com"
    assert RefreshToken(body["refresh"])["email"] == "ada@example.com"
