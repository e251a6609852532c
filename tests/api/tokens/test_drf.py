"""TokenSerializer: the token of DRF, which is the default."""

from __future__ import annotations

import pytest
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db


def test_body_is_the_users_token(frontend: Frontend, openid: OpenIDProvider) -> None:
    response = frontend.log_in(openid)

    assert response.json() == {"token": Token.objects.get(user__username="ada").key}
    assert "sessionid" not in response.cookies


def test_token_authenticates(frontend: Frontend, openid: OpenIDProvider) -> None:
    token = frontend.log_in(openid).data["token"]

    response = APIClient().get("/protected/token/", headers={"Authorization": f"Token {token}"})

    assert response.json() == "ada"


def test_returning_user_keeps_the_token(frontend: Frontend, openid: OpenIDProvider) -> None:
    first, second = frontend.log_in(openid), frontend.log_in(openid)

    assert first.data == second.data == {"token": Token.objects.get().key}


def test_each_user_has_a_token(frontend: Frontend, openid: OpenIDProvider) -> None:
    first = frontend.log_in(openid)
    openid.claims["sub"] = openid.userinfo["sub"] = "user-2"
    openid.userinfo["preferred_username"] = "grace"
    second = frontend.log_in(openid)

    assert first.data["token"] != second.data["token"]
    assert Token.objects.get(key=second.data["token"]).user.get_username() == "grace"
