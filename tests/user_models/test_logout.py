"""``POST logout/`` and ``revoke(user)`` with the user model of a project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.signals import user_logged_out
from django.db import transaction

from social_endpoints.conf import import_setting
from tests.support.configuration import Configure
from tests.support.logins import AUTHENTICATIONS, Login, log_in, route_logout, user_of
from tests.support.openid_provider import OpenIDProvider
from tests.support.signals import received

pytestmark = pytest.mark.django_db


@pytest.fixture(params=AUTHENTICATIONS)
def sign_in(
    request: pytest.FixtureRequest, openid: OpenIDProvider, configure: Configure, settings: Any
) -> Callable[[str], Login]:
    """Return a function that signs in as a user, with each token serializer."""
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    # social_django reads the user of a session, with a column that some of the models lack.
    settings.SOCIAL_AUTH_ACTIVE_USERS_FILTER = {}
    configure(TOKEN_SERIALIZER=f"social_endpoints.tokens.{request.param}")
    route_logout(settings, AUTHENTICATIONS[request.param][0])

    def log_in_as(subject: str) -> Login:
        openid.userinfo["email"] = f"{subject}@example.com"
        openid.userinfo["preferred_username"] = f"user{subject}"
        return log_in(openid, request.param, subject)

    return log_in_as


def has_ended(login: Login) -> bool:
    return not (login.can_refresh if "JWT" in login.serializer else login.is_alive)


def test_login_of_the_request_ends(sign_in: Callable[[str], Login]) -> None:
    login, other = sign_in("1"), sign_in("2")

    with received(user_logged_out) as calls:
        response = login.log_out()

    assert response.status_code == 204
    assert [call["user"] for call in calls] == [user_of("1")]
    assert [has_ended(each) for each in (login, other)] == [True, False]


def test_all_logins_of_one_user_are_revoked(sign_in: Callable[[str], Login]) -> None:
    first, second, other = (sign_in(subject) for subject in "112")

    with transaction.atomic():
        import_setting("TOKEN_SERIALIZER")().revoke(user_of("1"))

    assert [has_ended(each) for each in (first, second, other)] == [True, True, False]
