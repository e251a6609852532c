"""KnoxTokenSerializer: the token of django-rest-knox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from knox.models import AuthToken
from social_django.models import UserSocialAuth

from tests.support.frontend import Frontend, details
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture(autouse=True)
def knox_serializer(use_serializer: Callable[..., None]) -> None:
    use_serializer("KnoxTokenSerializer")


def test_body_is_the_token_and_its_expiry(frontend: Frontend, openid: OpenIDProvider) -> None:
    body = frontend.log_in(openid).json()

    assert body.keys() == {"token", "expiry"}
    assert datetime.fromisoformat(body["expiry"]) == AuthToken.objects.get().expiry


@pytest.mark.parametrize(
    ("expiry_format", "expected"),
    [
        ("%Y", lambda moment: str(moment.year)),
        (None, lambda moment: moment.isoformat()[:19]),
    ],
)
def test_expiry_has_knoxs_format(
    expiry_format: str | None,
    expected: Callable[[datetime], str],
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    settings.REST_KNOX = {"EXPIRY_DATETIME_FORMAT": expiry_format}

    expiry = frontend.log_in(openid).json()["expiry"]

    assert expiry[:19] == expected(AuthToken.objects.get().expiry)


@pytest.mark.parametrize("lifetime", [timedelta(days=7), None])
def test_lifetime_is_knoxs_setting(
    lifetime: timedelta | None, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.REST_KNOX = {"TOKEN_TTL": lifetime}

    assert bool(frontend.log_in(openid).json()["expiry"]) is bool(lifetime)
    token = AuthToken.objects.get()
    assert token.expiry is lifetime or token.expiry > timezone.now() + timedelta(days=6)


# --- TOKEN_LIMIT_PER_USER -------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, 2])
def test_login_over_the_limit_leaves_nothing(
    limit: int, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.REST_KNOX = {"TOKEN_LIMIT_PER_USER": limit}
    assert [frontend.log_in(openid).status_code for _ in range(limit)] == [201] * limit
    before = list(User.objects.order_by("pk").values_list("last_login"))

    response = frontend.log_in(openid)

    assert response.status_code == 400
    assert details(response).keys() == {"non_field_errors"}
    assert AuthToken.objects.count() == limit
    assert list(User.objects.order_by("pk").values_list("last_login")) == before
    assert UserSocialAuth.objects.count() == len(before)


@pytest.mark.parametrize(
    ("expires_in", "status"), [(timedelta(seconds=-1), 201), (timedelta(days=1), 400), (None, 400)]
)
def test_limit_counts_valid_tokens(
    expires_in: timedelta | None,
    status: int,
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    settings.REST_KNOX = {"TOKEN_LIMIT_PER_USER": 1}
    frontend.log_in(openid)
    AuthToken.objects.update(expiry=expires_in and timezone.now() + expires_in)

    assert frontend.log_in(openid).status_code == status
