"""Fixtures for the tests of the token serializers."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

from tests.support.configuration import Configure
from tests.support.frontend import Frontend
from tests.support.frontend import browser as new_browser

JWT_MODULES = ["test_jwt.py", "test_jwt_cookies.py", "test_refresh.py"]

# The tests also run in an environment without the extras.
collect_ignore = [
    *([] if find_spec("knox") else ["test_knox.py"]),
    *([] if find_spec("rest_framework_simplejwt") else JWT_MODULES),
]


@pytest.fixture(autouse=True)
def protected_views(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.support.token_urls"


@pytest.fixture
def use_serializer(configure: Configure) -> Callable[..., None]:
    """Return a function that sets the token serializer: a shipped one or a dotted path."""

    def set_serializer(name: str, **entries: Any) -> None:
        path = name if "." in name else f"social_endpoints.tokens.{name}"
        configure(TOKEN_SERIALIZER=path, **entries)

    return set_serializer


@pytest.fixture
def browser() -> Frontend:
    """Return a browser for which CSRF is enforced."""
    return Frontend("cookie", new_browser(enforce_csrf_checks=True))


@pytest.fixture
def cookie_middleware(settings: Any) -> None:
    """Add the middleware that cookies and sessions need."""
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
