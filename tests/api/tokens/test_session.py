"""SessionSerializer: Django's session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from social_django.models import UserSocialAuth

from social_endpoints.tokens import SessionSerializer
from social_endpoints.types import Login
from tests.support.frontend import Frontend, details
from tests.support.openid_provider import OpenIDProvider
from tests.support.signals import connected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cookie_middleware")]
User = get_user_model()
UseSerializer = Callable[..., None]
NOT_TODAY = {"non_field_errors": ["Not today."]}


class FailsInIssue(SessionSerializer):
    def issue(self, login: Login) -> Any:
        raise ValidationError(NOT_TODAY)


class FailsInLogIn(SessionSerializer):
    def log_in(self, request: Any, login: Login) -> None:
        super().log_in(request, login)
        raise ValidationError(NOT_TODAY)


class FailsInSetCookies(SessionSerializer):
    def set_cookies(self, response: Response) -> None:
        raise ValidationError(NOT_TODAY)


@pytest.fixture(autouse=True)
def session_serializer(use_serializer: UseSerializer) -> None:
    use_serializer("SessionSerializer")


@pytest.fixture(params=["db", "signed_cookies"])
def session_engine(request: pytest.FixtureRequest, settings: Any) -> None:
    """Store sessions where a rollback reaches them, and where it does not."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{request.param}"


def username(browser: Frontend) -> str | None:
    response = browser.client.get("/protected/session/", secure=True)
    return response.json() if response.status_code == 200 else None


def test_login_changes_the_session_key_and_the_csrf_token(
    browser: Frontend, openid: OpenIDProvider
) -> None:
    planted = browser.client.session
    planted["basket"] = [1]
    planted.save()
    browser.client.cookies["csrftoken"] = "a" * 32

    response = browser.log_in(openid)

    assert response.cookies["sessionid"]["httponly"]
    assert response.cookies["sessionid"].value != planted.session_key
    assert response.cookies["csrftoken"].value != "a" * 32
    assert browser.client.session["basket"] == [1]


def test_session_ends_when_the_provider_is_removed(
    browser: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    browser.log_in(openid)

    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]

    assert username(browser) is None


def test_login_replaces_another_user(browser: Frontend, openid: OpenIDProvider) -> None:
    browser.client.force_login(User.objects.create_superuser("admin"))

    assert browser.log_in(openid).status_code == 201
    assert username(browser) == "ada"


@pytest.mark.usefixtures("session_engine")
def test_failing_receiver_leaves_the_browser_signed_out(
    browser: Frontend, openid: OpenIDProvider
) -> None:
    def fail(**kwargs: Any) -> None:
        raise RuntimeError

    with connected(fail, user_logged_in):
        response = browser.log_in(openid)

    assert response.status_code == 500
    assert username(browser) is None
    assert not User.objects.exists()
    assert not UserSocialAuth.objects.exists()


@pytest.mark.usefixtures("session_engine")
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "returning"])
@pytest.mark.parametrize("other_user", [True, False], ids=["other user", "anonymous"])
@pytest.mark.parametrize("serializer", [FailsInLogIn, FailsInSetCookies])
def test_login_that_fails_late_does_not_sign_the_user_in(
    serializer: type[SessionSerializer],
    is_new: bool,
    other_user: bool,
    openid: OpenIDProvider,
    use_serializer: UseSerializer,
) -> None:
    if not is_new:
        Frontend("cookie").log_in(openid)
    browser = Frontend("cookie")
    if other_user:
        browser.client.force_login(User.objects.create_user("other"))
    use_serializer(f"{__name__}.{serializer.__name__}")

    response = browser.log_in(openid)

    assert (response.status_code, details(response)) == (400, NOT_TODAY)
    assert username(browser) in {None, "other"}
    assert User.objects.filter(username="ada").exists() is not is_new


def test_login_that_fails_early_leaves_another_user_signed_in(
    browser: Frontend, openid: OpenIDProvider, use_serializer: UseSerializer
) -> None:
    browser.client.force_login(User.objects.create_user("other"))
    use_serializer(f"{__name__}.FailsInIssue")

    assert browser.log_in(openid).status_code == 400
    assert username(browser) == "other"


def test_missing_session_middleware_is_a_500(openid: OpenIDProvider, settings: Any) -> None:
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]

    response = Frontend("cookie").log_in(openid)

    assert (response.status_code, response.data["error_source"]) == (500, "configuration")
    assert not User.objects.exists()
