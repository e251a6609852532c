"""System checks of the token serializer."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.sessions.middleware import SessionMiddleware

from tests.support.checks import findings, only
from tests.support.configuration import Configure
from tests.support.token_serializers import ObtainedText

JWT_COOKIES = "social_endpoints.tokens.JWTCookieSerializer"
KNOX = "social_endpoints.tokens.KnoxTokenSerializer"
SESSION = "social_endpoints.tokens.SessionSerializer"
TOKEN = "social_endpoints.tokens.TokenSerializer"
SESSION_MIDDLEWARE = "django.contrib.sessions.middleware.SessionMiddleware"
CSRF_MIDDLEWARE = "django.middleware.csrf.CsrfViewMiddleware"
needs_jwt = pytest.mark.needs("rest_framework_simplejwt")


class CustomSessionMiddleware(SessionMiddleware):
    """A project's own session middleware."""


class WithoutObtain:
    """A class without the method obtain()."""


@pytest.mark.parametrize(
    ("serializer", "app"),
    [
        (TOKEN, "rest_framework.authtoken"),
        pytest.param(KNOX, "knox", marks=pytest.mark.needs("knox")),
        (SESSION, "django.contrib.sessions"),
    ],
)
def test_missing_app(serializer: str, app: str, configure: Configure, settings: Any) -> None:
    configure(TOKEN_SERIALIZER=serializer)
    settings.MIDDLEWARE = [SESSION_MIDDLEWARE]
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != app]

    message = only("E008")

    assert repr(app) in message.msg
    assert repr(app) in message.hint


def test_app_named_by_its_configuration_is_accepted(configure: Configure, settings: Any) -> None:
    configure(TOKEN_SERIALIZER=SESSION)
    settings.MIDDLEWARE = [SESSION_MIDDLEWARE]
    others = [name for name in settings.INSTALLED_APPS if name != "django.contrib.sessions"]
    settings.INSTALLED_APPS = [*others, "django.contrib.sessions.apps.SessionsConfig"]

    assert findings() == []


@pytest.mark.parametrize(
    ("serializer", "middleware"),
    [
        (SESSION, SESSION_MIDDLEWARE),
        pytest.param(JWT_COOKIES, CSRF_MIDDLEWARE, marks=needs_jwt),
    ],
)
def test_missing_middleware(serializer: str, middleware: str, configure: Configure) -> None:
    configure(TOKEN_SERIALIZER=serializer)

    message = only("E009")

    assert repr(middleware) in message.msg
    assert repr(middleware) in message.hint


@pytest.mark.parametrize(
    "middleware", [SESSION_MIDDLEWARE, "tests.unit.checks.test_tokens.CustomSessionMiddleware"]
)
def test_middleware_or_its_subclass_is_accepted(
    middleware: str, configure: Configure, settings: Any
) -> None:
    configure(TOKEN_SERIALIZER=SESSION)
    settings.MIDDLEWARE = [middleware]

    assert findings() == []


@pytest.mark.parametrize("serializer", [SESSION, pytest.param(JWT_COOKIES, marks=needs_jwt)])
@pytest.mark.parametrize(
    ("transport", "is_refused"), [("body", True), ("auto", False), ("cookie", False)]
)
def test_transport_of_serializer_that_sets_cookies(
    transport: str, is_refused: bool, serializer: str, configure: Configure, settings: Any
) -> None:
    settings.MIDDLEWARE = [SESSION_MIDDLEWARE, CSRF_MIDDLEWARE]
    configure(TOKEN_SERIALIZER=serializer, FLOW_TRANSPORT=transport)

    if is_refused:
        only("E010")
    else:
        assert findings() == []


@pytest.mark.parametrize("strategy", [None, WithoutObtain, "tests.Missing", "nodot", 5])
def test_invalid_djoser_strategy(strategy: Any, settings: Any) -> None:
    settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": strategy}

    assert "SOCIAL_AUTH_TOKEN_STRATEGY" in only("E011").msg


@pytest.mark.parametrize(
    "strategy",
    ["tests.support.token_serializers.ObtainedText", ObtainedText],
    ids=["path", "class"],
)
def test_djoser_strategy_is_accepted(strategy: Any, settings: Any) -> None:
    settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": strategy}

    assert findings() == []
