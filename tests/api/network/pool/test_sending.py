"""A request that cannot be sent as a whole."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from urllib3.connection import HTTPConnection

from social_endpoints.internal.network.deadline import until
from social_endpoints.internal.network.pool.answer import Unprocessed
from social_endpoints.internal.network.pool.connection import kept
from tests.api.network.pool.provider import Connection, Provider

LARGE = b"x" * 50_000_000


@pytest.fixture
def server() -> Iterator[Provider]:
    """Return a provider that takes nothing."""
    server = Provider(on_connection=lambda connection: time.sleep(60))
    yield server
    server.stop()


@pytest.fixture
def connection(server: Provider) -> Iterator[Any]:
    """Return a connection of ours to it, by itself."""
    connection = kept(HTTPConnection)("127.0.0.1", server.port, timeout=0.5)
    with until(time.monotonic() + 60):
        connection.connect()
        yield connection
    connection.close()


@pytest.mark.parametrize("is_reused", [True, False])
def test_the_provider_closes_before_it_has_all(
    is_reused: bool, server: Provider, connection: Any
) -> None:
    server.on_connection = Connection.close
    connection.close()
    connection.connect()
    connection.is_reused = is_reused

    with pytest.raises(ConnectionError) as raised:
        connection.request("POST", "/", body=LARGE)

    assert isinstance(raised.value, Unprocessed) is is_reused


def test_the_provider_does_not_read(connection: Any) -> None:
    """It may go on to: nobody has closed anything."""
    connection.is_reused = True

    with pytest.raises(TimeoutError):
        connection.request("POST", "/", body=LARGE)


def test_the_provider_breaks_off_before_it_has_anything(server: Provider, connection: Any) -> None:
    """Its system has acknowledged nothing, as that of one that is no longer there."""

    def behave(connection: Connection) -> None:
        server.serve(connection, 1)
        connection.wait()
        connection.close()

    server.on_connection = behave
    connection.close()
    connection.connect()
    connection.request("GET", "/")
    assert connection.getresponse().data
    connection.is_reused = True
    connection.request("GET", "/")

    with pytest.raises(Unprocessed):
        connection.getresponse()
