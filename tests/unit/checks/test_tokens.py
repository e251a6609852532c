"""System checks of the token serializer."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.sessions.middleware import SessionMiddleware

from tests.support.checks import ids, only
from tests.support.configuration import Configure
from tests.support.token_serializers import ObtainedText

SESSIONS = "django.contrib.sessions"
SESSION_MIDDLEWARE = f"{SESSIONS}.middleware.SessionMiddleware"
CSRF_MIDDLEWARE = "django.middleware.csrf.CsrfViewMiddleware"
needs_knox = pytest.mark.needs("knox")
needs_jwt = pytest.mark.needs("rest_framework_simplejwt")


class CustomSessionMiddleware(SessionMiddleware):
    """A project's own session middleware."""


class WithoutObtain:
    """A class without the method obtain()."""


@pytest.mark.parametrize(
    ("serializer", "removed", "identifier"),
    [
        ("TokenSerializer", "rest_framework.authtoken", "E008"),
        pytest.param("KnoxTokenSerializer", "knox", "E008", marks=needs_knox),
        ("SessionSerializer", SESSIONS, "E008"),
        ("SessionSerializer", SESSION_MIDDLEWARE, "E009"),
        pytest.param("JWTCookieSerializer", CSRF_MIDDLEWARE, "E009", marks=needs_jwt),
    ],
)
def test_missing_requirement(
    serializer: str, removed: str, identifier: str, configure: Configure, settings: Any
) -> None:
    configure(TOKEN_SERIALIZER=f"social_endpoints.tokens.{serializer}")
    settings.MIDDLEWARE = [SESSION_MIDDLEWARE, CSRF_MIDDLEWARE]
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != removed]
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if path != removed]

    message = only(identifier)

    assert repr(removed) in message.msg
    assert repr(removed) in message.hint


@pytest.mark.parametrize("app", [SESSIONS, f"{SESSIONS}.apps.SessionsConfig"])
@pytest.mark.parametrize("middleware", [SESSION_MIDDLEWARE, f"{__name__}.CustomSessionMiddleware"])
@pytest.mark.parametrize("transport", ["auto", "cookie", "body"])
def test_session_serializer(
    app: str, middleware: str, transport: str, configure: Configure, settings: Any
) -> None:
    configure(
        TOKEN_SERIALIZER="social_endpoints.tokens.SessionSerializer", FLOW_TRANSPORT=transport
    )
    settings.INSTALLED_APPS = [each for each in settings.INSTALLED_APPS if each != SESSIONS] + [app]
    settings.MIDDLEWARE = [middleware]

    # A serializer that sets a cookie requires the flow in a cookie.
    assert ids() == ({"E010"} if transport == "body" else set())


@pytest.mark.parametrize("strategy", [None, WithoutObtain, "tests.Missing", "nodot", 5])
def test_invalid_djoser_strategy(strategy: Any, settings: Any) -> None:
    settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": strategy}

    assert "SOCIAL_AUTH_TOKEN_STRATEGY" in only("E011").msg


@pytest.mark.parametrize(
    "strategy", ["tests.support.token_serializers.ObtainedText", ObtainedText], ids=str
)
def test_djoser_strategy_is_accepted(strategy: Any, settings: Any) -> None:
    settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": strategy}

    assert ids() == set()
