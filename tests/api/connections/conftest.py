"""Fixtures of the connections' tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from rest_framework.test import APIClient
from social_core.backends.utils import load_backends

from social_endpoints import signals
from tests.support.account_views import route_account_views
from tests.support.accounts import logged_in, user_with
from tests.support.authentication import SESSION
from tests.support.frontend import Frontend
from tests.support.signals import received


@pytest.fixture(autouse=True)
def empty_caches(settings: Any) -> Iterator[None]:
    """Empty the cache and social-core's backend cache."""
    cache.clear()
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    yield
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)


@pytest.fixture(params=["default", "repeatable read"])
def isolation(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run at the database's default isolation level, and at repeatable read."""
    options = connection.settings_dict["OPTIONS"]
    levels: dict[str, Any] = {"postgresql": 3, "mysql": "repeatable read"}  # 3 is psycopg's.
    if request.param == "repeatable read" and connection.vendor in levels:
        options["isolation_level"] = levels[connection.vendor]
    yield
    options.pop("isolation_level", None)


@pytest.fixture
def ada() -> Any:
    """Return a user with two connections and without a password."""
    return user_with(("oidc", "1"), ("github", "2"))


@pytest.fixture
def sent() -> Iterator[list[dict[str, Any]]]:
    """Return the calls of the signals ``connected`` and ``disconnected``."""
    with received(signals.connected, signals.disconnected) as calls:
        yield calls


@pytest.fixture
def session_client(settings: Any) -> APIClient:
    """Return a client of a project that authenticates with sessions, with a CSRF token."""
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    route_account_views(settings, authentication=SESSION)
    client = APIClient(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    return client


def connecting(username: str, frontend: Frontend) -> Frontend:
    """Return a browser in which a user is logged in, and that connects."""
    user, _ = get_user_model().objects.get_or_create(username=username)
    return replace(frontend, client=logged_in(user), below="connect/")


@pytest.fixture
def grace(frontend: Frontend) -> Frontend:
    return connecting("grace", frontend)


@pytest.fixture
def alan(frontend: Frontend) -> Frontend:
    return connecting("alan", frontend)
