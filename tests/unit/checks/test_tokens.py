"""System checks of the token serializer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.middleware import SessionMiddleware
from rest_framework.authentication import (
    BaseAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)

from social_endpoints.tokens import LoginSerializer, TokenSerializer
from tests.support.checks import ids, only
from tests.support.configuration import Configure
from tests.support.token_serializers import ObtainedText

SESSIONS = "django.contrib.sessions"
SESSION_MIDDLEWARE = f"{SESSIONS}.middleware.SessionMiddleware"
CSRF_MIDDLEWARE = "django.middleware.csrf.CsrfViewMiddleware"
needs_knox = pytest.mark.needs("knox")
needs_jwt = pytest.mark.needs("rest_framework_simplejwt")


AUTHENTICATION = {
    "TokenSerializer": "rest_framework.authentication.TokenAuthentication",
    "SessionSerializer": "rest_framework.authentication.SessionAuthentication",
}
if find_spec("knox"):
    AUTHENTICATION["KnoxTokenSerializer"] = "knox.auth.TokenAuthentication"
if find_spec("rest_framework_simplejwt"):
    AUTHENTICATION |= {
        "JWTSerializer": "rest_framework_simplejwt.authentication.JWTAuthentication",
        "JWTCookieSerializer": "social_endpoints.tokens.JWTCookieAuthentication",
    }
MIDDLEWARE = [SESSION_MIDDLEWARE, CSRF_MIDDLEWARE]


def authenticate(settings: Any, *classes: str) -> None:
    authentication = {"DEFAULT_AUTHENTICATION_CLASSES": list(classes)}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **authentication}


class OwnSerializer(LoginSerializer):
    """A serializer of the project, which does not say what accepts its token."""


class OwnTokenSerializer(TokenSerializer):
    """A serializer of the project with the token of DRF."""


class OwnAuthentication(BaseAuthentication):
    """An authentication class of the project. What it accepts is unknown."""


class BearerAuthentication(TokenAuthentication):
    keyword = "Bearer"


class SessionWithoutCsrf(SessionAuthentication):
    """A common subclass, which accepts sessions only."""


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
    authenticate(settings, *AUTHENTICATION.values())

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


# --- Which classes accept the token -----------------------------------------------------


@pytest.mark.parametrize("configured", AUTHENTICATION)
@pytest.mark.parametrize("serializer", AUTHENTICATION)
def test_token_is_accepted_by_its_authentication_class(
    serializer: str, configured: str, configure: Configure, settings: Any
) -> None:
    settings.MIDDLEWARE = MIDDLEWARE
    configure(TOKEN_SERIALIZER=f"social_endpoints.tokens.{serializer}")
    authenticate(
        settings, "rest_framework.authentication.BasicAuthentication", AUTHENTICATION[configured]
    )

    if configured == serializer:
        assert ids() == set()
    else:
        message = only("W014")
        assert serializer in message.msg
        assert AUTHENTICATION[serializer] in message.hint


@pytest.mark.parametrize(
    ("serializer", "classes", "is_accepted"),
    [
        ("TokenSerializer", ["BearerAuthentication"], True),
        ("TokenSerializer", ["OwnAuthentication"], True),
        ("TokenSerializer", ["SessionWithoutCsrf", "OwnAuthentication"], True),
        ("TokenSerializer", ["SessionWithoutCsrf"], False),
        ("TokenSerializer", [], False),
        ("OwnTokenSerializer", ["SessionWithoutCsrf"], False),
        ("OwnTokenSerializer", ["BearerAuthentication"], True),
        ("OwnSerializer", ["SessionWithoutCsrf"], True),
        ("SessionSerializer", ["SessionWithoutCsrf"], True),
        ("SessionSerializer", ["BearerAuthentication"], False),
    ],
)
def test_classes_of_a_project(
    serializer: str,
    classes: list[str],
    is_accepted: bool,
    configure: Configure,
    settings: Any,
) -> None:
    settings.MIDDLEWARE = MIDDLEWARE
    module = __name__ if serializer.startswith("Own") else "social_endpoints.tokens"
    configure(TOKEN_SERIALIZER=f"{module}.{serializer}")
    authenticate(settings, *(f"{__name__}.{each}" for each in classes))

    assert ids() == (set() if is_accepted else {"W014"})


@needs_jwt
def test_subclass_of_jwt_authentication_may_read_cookies(
    configure: Configure, settings: Any
) -> None:
    settings.MIDDLEWARE = MIDDLEWARE
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.JWTCookieSerializer")
    authenticate(settings, "tests.support.token_serializers.OwnJWTAuthentication")

    assert ids() == set()


def test_defaults_of_drf_do_not_accept_the_token(settings: Any) -> None:
    settings.REST_FRAMEWORK = {}

    assert "TokenAuthentication" in only("W014").hint


@pytest.mark.parametrize("classes", [["no.such.Class"], [5], None, 5, "rest_framework.Token"])
def test_classes_that_cannot_be_imported_are_left_to_drf(classes: Any, settings: Any) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": classes}

    assert ids() == set()


# --- Projects that come from djoser -----------------------------------------------------


@pytest.fixture
def installed_djoser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a stand-in for djoser, an app without modules."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "djoser").mkdir()
    (tmp_path / "djoser" / "__init__.py").touch()
    yield
    sys.modules.pop("djoser", None)


SOCIAL = {"SOCIAL_AUTH_ALLOWED_REDIRECT_URIS": ["https://app.example.com/"]}


@pytest.mark.parametrize(
    ("djoser", "apps", "entries", "classes", "is_reported"),
    [
        (SOCIAL, [], {}, ["TokenSerializer"], True),
        (SOCIAL, [], {"TOKEN_SERIALIZER": "TokenSerializer"}, ["TokenSerializer"], False),
        ({**SOCIAL, "SOCIAL_AUTH_TOKEN_STRATEGY": ObtainedText}, [], {}, [], False),
        ({"LOGIN_FIELD": "email"}, [], {}, ["TokenSerializer"], False),
        ({}, ["djoser"], {}, ["TokenSerializer"], False),
        ({}, [], {}, ["TokenSerializer"], False),
        pytest.param(
            {}, ["djoser"], {}, ["TokenSerializer", "JWTSerializer"], True, marks=needs_jwt
        ),
        pytest.param({"LOGIN_FIELD": "email"}, [], {}, ["JWTSerializer"], True, marks=needs_jwt),
        pytest.param({}, [], {}, ["JWTSerializer"], False, marks=needs_jwt),
        (
            {},
            ["djoser"],
            {"TOKEN_SERIALIZER": "SessionSerializer"},
            ["SessionSerializer"],
            False,
        ),
        ({}, ["djoser"], {}, [], True),
    ],
)
def test_default_of_djoser(
    djoser: dict[str, Any],
    apps: list[str],
    entries: dict[str, str],
    classes: list[str],
    is_reported: bool,
    installed_djoser: None,
    configure: Configure,
    settings: Any,
) -> None:
    settings.DJOSER = djoser
    settings.MIDDLEWARE = MIDDLEWARE
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, *apps]
    configure(**{name: f"social_endpoints.tokens.{value}" for name, value in entries.items()})
    authenticate(settings, *(AUTHENTICATION[each] for each in classes))

    assert ("W015" in ids()) is is_reported


class CookieSerializer(TokenSerializer):
    def set_cookies(self, response: Any) -> None:
        response.set_cookie("token", "secret")


class DeclaredCookieSerializer(CookieSerializer):
    sets_cookies = True


@pytest.mark.parametrize(
    ("name", "is_reported"),
    [("CookieSerializer", True), ("DeclaredCookieSerializer", False), ("OwnSerializer", False)],
)
def test_serializer_must_declare_its_cookies(
    name: str, is_reported: bool, configure: Configure
) -> None:
    configure(TOKEN_SERIALIZER=f"{__name__}.{name}")

    assert ("W030" in ids()) is is_reported
