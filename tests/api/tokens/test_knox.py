"""A token of django-rest-knox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient
from social_django.models import UserSocialAuth

from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture(autouse=True)
def _serializer(answer_with: Callable[..., None]) -> None:
    answer_with("KnoxTokenSerializer")


def test_body_is_the_token_and_when_it_expires(frontend: Frontend, openid: OpenIDProvider) -> None:
    body = frontend.log_in(openid).json()

    assert set(body) == {"token", "expiry"}
    assert datetime.fromisoformat(body["expiry"]) == AuthToken.objects.get().expiry


def test_token_opens_a_protected_view(frontend: Frontend, openid: OpenIDProvider) -> None:
    token = frontend.log_in(openid).data["token"]

    answer = APIClient().get("/me/knox/", headers={"Authorization": f"Token {token}"})

    assert answer.json() == "ada"


def test_every_login_has_a_token_of_its_own(frontend: Frontend, openid: OpenIDProvider) -> None:
    tokens = {frontend.log_in(openid).data["token"] for _ in range(2)}

    assert len(tokens) == AuthToken.objects.count() == 2


@pytest.mark.parametrize(
    ("knox", "expiry"),
    [
        ({"EXPIRY_DATETIME_FORMAT": "%Y"}, lambda moment: str(moment.year)),
        ({"EXPIRY_DATETIME_FORMAT": None}, lambda moment: moment.isoformat()[:19]),
    ],
)
def test_format_of_the_expiry_is_the_one_of_knox(
    knox: dict[str, Any],
    expiry: Callable[[datetime], str],
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    settings.REST_KNOX = knox

    answer = frontend.log_in(openid).json()["expiry"]

    assert answer[:19] == expiry(AuthToken.objects.get().expiry)


def test_lifetime_is_the_one_of_knox(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.REST_KNOX = {"TOKEN_TTL": timedelta(days=7)}

    frontend.log_in(openid)

    assert AuthToken.objects.get().expiry > timezone.now() + timedelta(days=6)


def test_token_may_live_for_ever(frontend: Frontend, openid: OpenIDProvider, settings: Any) -> None:
    settings.REST_KNOX = {"TOKEN_TTL": None}

    assert frontend.log_in(openid).json()["expiry"] is None


def test_limit_of_tokens(frontend: Frontend, openid: OpenIDProvider, settings: Any) -> None:
    settings.REST_KNOX = {"TOKEN_LIMIT_PER_USER": 2}
    statuses = [frontend.log_in(openid).status_code for _ in range(2)]
    last_login = User.objects.get().last_login

    refused = frontend.log_in(openid)

    assert (statuses, refused.status_code) == ([201, 201], 400)
    assert list(refused.json()) == ["non_field_errors"]
    assert AuthToken.objects.count() == 2
    assert User.objects.get().last_login == last_login


def test_limit_of_tokens_leaves_nothing_of_a_new_user(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.REST_KNOX = {"TOKEN_LIMIT_PER_USER": 0}

    assert frontend.log_in(openid).status_code == 400
    assert not User.objects.exists()
    assert not UserSocialAuth.objects.exists()


def test_expired_tokens_do_not_count(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.REST_KNOX = {"TOKEN_LIMIT_PER_USER": 1}
    frontend.log_in(openid)
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))

    assert frontend.log_in(openid).status_code == 201


def test_tokens_that_live_for_ever_count(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.REST_KNOX = {"TOKEN_LIMIT_PER_USER": 1, "TOKEN_TTL": None}
    frontend.log_in(openid)

    assert frontend.log_in(openid).status_code == 400
