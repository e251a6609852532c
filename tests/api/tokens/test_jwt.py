"""JWTSerializer: the token pair of Simple JWT in the body."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture(autouse=True)
def jwt_serializer(use_serializer: Callable[..., None]) -> None:
    use_serializer("JWTSerializer")


def test_body_is_the_same_as_djosers(frontend: Frontend, openid: OpenIDProvider) -> None:
    body = frontend.log_in(openid).json()

    user_id = str(User.objects.get().pk)
    assert body.keys() == {"access", "refresh", "user"}
    assert body["user"] == "ada"
    assert AccessToken(body["access"])["user_id"] == user_id
    assert RefreshToken(body["refresh"])["user_id"] == user_id


def test_each_login_has_its_own_tokens(frontend: Frontend, openid: OpenIDProvider) -> None:
    first, second = frontend.log_in(openid).data, frontend.log_in(openid).data

    assert first["access"] != second["access"]
    assert first["refresh"] != second["refresh"]


@pytest.mark.usefixtures("cookie_middleware")
@pytest.mark.parametrize("serializer", ["JWTSerializer", "JWTCookieSerializer"])
def test_both_tokens_have_the_projects_claims(
    serializer: str,
    openid: OpenIDProvider,
    use_serializer: Callable[..., None],
    settings: Any,
) -> None:
    use_serializer(serializer)
    settings.SIMPLE_JWT = {"TOKEN_OBTAIN_SERIALIZER": "tests.support.jwt_claims.WithClaims"}

    response = Frontend().log_in(openid)

    names = {"access_token": "access", "refresh_token": "refresh"}
    cookies = {names.get(name): cookie.value for name, cookie in response.cookies.items()}
    tokens = cookies | response.json()
    assert AccessToken(tokens["access"])["email"] == "ada@example.com"
    assert RefreshToken(tokens["refresh"])["email"] == "ada@example.com"
