"""The search for a free username has a bound."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from social_django.models import DjangoStorage, UserSocialAuth

from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import AFTER_SOCIAL_USER, ASK_NAME, pipeline_with

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


def only_ascii(username: str) -> str:
    return username if username.isascii() else ""


def only_digits(username: str) -> str:
    return "".join(filter(str.isdigit, username))


def no_digits(username: str) -> str:
    return "".join(each for each in username if not each.isdigit())


def failing(username: str) -> str:
    raise ValueError


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

ASCII = f"{HERE}.only_ascii"
CANNOT_END_FOR_A_NAME: dict[str, dict[str, Any]] = {
    "clean": {"CLEAN_USERNAME_FUNCTION": ASCII},
    "slug": {"CLEAN_USERNAMES": False, "SLUGIFY_USERNAMES": True, "SLUGIFY_FUNCTION": ASCII},
    "both": {
        "CLEAN_USERNAME_FUNCTION": f"{HERE}.only_digits",
        "SLUGIFY_USERNAMES": True,
        "SLUGIFY_FUNCTION": f"{HERE}.no_digits",
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


@pytest.mark.parametrize("values", CANNOT_END_FOR_A_NAME.values(), ids=CANNOT_END_FOR_A_NAME)
@pytest.mark.parametrize("pauses", [False, True])
def test_search_for_a_username_that_cannot_end_for_a_name_is_a_500(
    values: dict[str, Any], pauses: bool, openid: OpenIDProvider, settings: Any
) -> None:
    openid.userinfo["preferred_username"] = "Zoë"
    for name, value in values.items():
        setattr(settings, f"SOCIAL_AUTH_{name}", value)
    if pauses:
        settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, ASK_NAME))
    frontend = Frontend("body")

    response = frontend.log_in(openid)
    if pauses:
        response = frontend.resume(response, name="Zoë")

    assert error(response) == (500, "invalid_setting")


def test_exception_of_a_function_for_usernames_is_the_projects(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_CLEAN_USERNAME_FUNCTION = f"{HERE}.failing"

    assert error(frontend.log_in(openid)) == (500, "unknown_error")


@pytest.mark.parametrize(
    ("values", "username"),
    [
        ({"CLEAN_USERNAMES": False}, "Zo(ë)"),
        ({}, "Zo"),
        ({"CLEAN_USERNAME_FUNCTION": f"{HERE}.constant"}, LONG),
        ({"OIDC_CLEAN_USERNAME_FUNCTION": f"{HERE}.constant"}, LONG),
        ({"OTHER_CLEAN_USERNAME_FUNCTION": f"{HERE}.constant"}, "Zo"),
        ({"CLEAN_USERNAMES": False, "CLEAN_USERNAME_FUNCTION": f"{HERE}.nothing"}, "Zo(ë)"),
        ({"SLUGIFY_FUNCTION": f"{HERE}.nothing"}, "Zo"),
        ({"CLEAN_USERNAMES": False, "SLUGIFY_USERNAMES": True}, "zoe"),
    ],
)
def test_username_is_cleaned_as_the_settings_say(
    values: dict[str, Any],
    username: str,
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    openid.userinfo["preferred_username"] = "Zo(ë)"
    for name, value in values.items():
        setattr(settings, f"SOCIAL_AUTH_{name}", value)

    assert frontend.log_in(openid).status_code == 201
    assert User.objects.get().username == username


def test_taken_username_gets_a_random_end(
    taken: None, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    openid.userinfo["preferred_username"] = LONG
    settings.SOCIAL_AUTH_UUID_LENGTH = 1  # 16 names, of which one is taken.
    User.objects.create(username=f"{LONG}0")

    assert frontend.log_in(openid).status_code == 201
    assert User.objects.filter(username__startswith=LONG).count() == 3
