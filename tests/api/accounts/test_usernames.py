"""The search for a free username has a bound."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from social_django.models import DjangoStorage, UserSocialAuth

from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()

LONG = "a" * 40


class ShortNames(UserSocialAuth):
    """Users whose names are shorter than social-core's random suffix."""

    class Meta:
        proxy = True
        app_label = "social_django"

    @classmethod
    def username_max_length(cls) -> int:
        return 10


class ShortStorage(DjangoStorage):
    user = ShortNames


def constant(username: str) -> str:
    return LONG


def nothing(username: str) -> str:
    return ""


HERE = __name__
CANNOT_END: dict[str, dict[str, Any]] = {
    "short column": {"STORAGE": f"{HERE}.ShortStorage"},
    "no suffix": {"UUID_LENGTH": 0},
    "constant": {"CLEAN_USERNAME_FUNCTION": f"{HERE}.constant"},
    "constant slug": {"SLUGIFY_USERNAMES": True, "SLUGIFY_FUNCTION": f"{HERE}.constant"},
    "empty": {"CLEAN_USERNAME_FUNCTION": f"{HERE}.nothing"},
    "empty slug": {"SLUGIFY_USERNAMES": True, "SLUGIFY_FUNCTION": f"{HERE}.nothing"},
    "empty slug of the provider": {
        "OIDC_SLUGIFY_USERNAMES": True,
        "OIDC_SLUGIFY_FUNCTION": f"{HERE}.nothing",
    },
}


@pytest.fixture
def taken() -> None:
    for username in (LONG, LONG[:10]):
        User.objects.create(username=username)


@pytest.mark.parametrize("values", CANNOT_END.values(), ids=CANNOT_END)
def test_search_for_a_username_that_cannot_end_is_a_500(
    values: dict[str, Any],
    taken: None,
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    openid.userinfo["preferred_username"] = LONG
    for name, value in values.items():
        setattr(settings, f"SOCIAL_AUTH_{name}", value)

    response = frontend.log_in(openid)

    assert error(response) == (500, "invalid_setting")
    assert User.objects.count() == 2
    assert "SOCIAL_AUTH_" in caplog.text


def test_taken_username_gets_a_random_end(
    taken: None, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    openid.userinfo["preferred_username"] = LONG
    settings.SOCIAL_AUTH_UUID_LENGTH = 1  # 16 names, of which one is taken.
    User.objects.create(username=f"{LONG}0")

    assert frontend.log_in(openid).status_code == 201
    assert User.objects.filter(username__startswith=LONG).count() == 3
