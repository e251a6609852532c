"""What the tests of the token serializers share."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

from tests.support.configuration import Configure

# The tests also run where the extras are not installed, as a project may be.
collect_ignore = [
    *([] if find_spec("knox") else ["test_knox.py"]),
    *([] if find_spec("rest_framework_simplejwt") else ["test_jwt.py", "test_jwt_cookies.py"]),
]

COOKIE_MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]


@pytest.fixture(autouse=True)
def _urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.support.token_urls"


@pytest.fixture
def answer_with(configure: Configure) -> Callable[..., None]:
    """Return what chooses the token serializer, by its name among ours or by its path."""

    def choose(serializer: str, **others: Any) -> None:
        dotted_path = serializer if "." in serializer else f"social_endpoints.tokens.{serializer}"
        configure(TOKEN_SERIALIZER=dotted_path, **others)

    return choose


@pytest.fixture
def cookie_middleware(settings: Any) -> None:
    """Make the project one whose users are kept in cookies."""
    settings.MIDDLEWARE = COOKIE_MIDDLEWARE
