"""Fixtures of the tests over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from tests.support.servers.frontend import Frontend
from tests.support.servers.processes import Servers, running_servers


@pytest.fixture(scope="session")
def start_settings(django_db_setup: None) -> override_settings:
    """Set what the live server reads only when it starts.

    The database exists before: the live server would share a connection to the database in memory
    that the settings name until then.
    """
    settings = override_settings(
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        STATIC_URL="static/",
    )
    settings.enable()
    return settings


@pytest.fixture(scope="session")
def live_server(start_settings: override_settings, live_server: Any) -> Any:
    """Return the live server, which all tests share, whichever starts it."""
    start_settings.disable()
    return live_server


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with running_servers(tmp_path_factory.mktemp("servers")) as servers:
        yield servers


@pytest.fixture
def frontend(servers: Servers) -> Frontend:
    """Return a frontend on its API's origin, with the cookie transport."""
    return Frontend(servers.addresses)


@pytest.fixture(params=["cookie", "body"])
def any_frontend(request: pytest.FixtureRequest, servers: Servers) -> Frontend:
    """Return a frontend, once for each transport."""
    return Frontend(servers.addresses, request.param)


@pytest.fixture
def no_new_account(servers: Servers) -> Iterator[None]:
    """Assert that the test creates neither a user nor a connection."""
    before = servers.count_accounts()
    yield
    assert servers.count_accounts() == before
