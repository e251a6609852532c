"""What a login costs in connections, handshakes and requests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.network.pool.conftest import LogIn
from tests.api.network.pool.provider import Provider

pytestmark = pytest.mark.django_db


def test_a_warm_login_opens_no_connection(provider: Provider, log_in: LogIn) -> None:
    for user in ("1", "2", "1"):
        assert log_in(user).status_code == 201

    assert provider.connections == provider.handshakes == 1
    assert provider.requests == {"POST /token": 3, "GET /user": 3}


def test_without_the_pool_each_request_has_a_connection(
    provider: Provider, log_in: LogIn, settings: Any
) -> None:
    settings.SOCIAL_ENDPOINTS = {**settings.SOCIAL_ENDPOINTS, "HTTP_POOL": False}

    for user in ("1", "2"):
        assert log_in(user).status_code == 201

    assert provider.handshakes == 4


def test_backends_share_connections(provider: Provider, log_in: LogIn) -> None:
    """The host matters, and not who asks."""
    assert log_in().status_code == 201
    assert log_in(backend="own-request").status_code == 201

    assert provider.connections == 1


def test_a_provider_that_keeps_nothing_open(provider: Provider, log_in: LogIn) -> None:
    provider.headers = "Connection: close\r\n"
    provider.on_connection = lambda connection: provider.serve(connection, 1)

    assert log_in().status_code == 201

    assert provider.connections == 2
