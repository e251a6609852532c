"""The token of DRF, which is the default."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()


def test_body_is_the_token(frontend: Frontend, openid: OpenIDProvider) -> None:
    answer = frontend.log_in(openid)

    assert answer.json() == {"token": Token.objects.get(user__username="ada").key}


def test_token_opens_a_protected_view(frontend: Frontend, openid: OpenIDProvider) -> None:
    token = frontend.log_in(openid).data["token"]

    answer = APIClient().get("/me/token/", headers={"Authorization": f"Token {token}"})

    assert answer.json() == "ada"


def test_existing_token_is_used_again(frontend: Frontend, openid: OpenIDProvider) -> None:
    frontend.log_in(openid)
    existing = Token.objects.get()

    answer = frontend.log_in(openid)

    assert answer.data == {"token": existing.key}
    assert Token.objects.get() == existing


def test_each_user_has_a_token(frontend: Frontend, openid: OpenIDProvider) -> None:
    first = frontend.log_in(openid)
    openid.claims["sub"] = openid.userinfo["sub"] = "user-2"
    openid.userinfo["preferred_username"] = "grace"
    second = frontend.log_in(openid)

    assert first.data["token"] != second.data["token"]
    assert Token.objects.get(key=second.data["token"]).user.get_username() == "grace"


def test_login_reads_and_writes_no_session(frontend: Frontend, openid: OpenIDProvider) -> None:
    answer = frontend.log_in(openid)

    assert answer.status_code == 201
    assert "sessionid" not in answer.cookies
