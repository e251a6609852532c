"""A provider that closes its connections, whenever it likes."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.api.network.pool.conftest import LogIn
from tests.api.network.pool.provider import Connection, Provider

pytestmark = pytest.mark.django_db


def once_idle(close: Callable[[Connection], None]) -> Callable[[Connection], None]:
    """Return what serves a login on the first connection, and then does something else."""

    def behave(connection: Connection) -> None:
        if connection.provider.connections > 1:
            connection.provider.serve(connection)
        connection.provider.serve(connection, 2)
        close(connection)

    return behave


def unread(connection: Connection) -> None:
    """Close when a request comes, and do not look at it."""
    connection.wait()
    connection.close()


def unread_with_an_end(connection: Connection) -> None:
    """Say that it is the end when all of a request has come, and do not look at it."""
    connection.wait()
    time.sleep(0.1)
    connection.end()


def unread_and_announced(connection: Connection) -> None:
    """Say that it is the end, as TLS has it, when a request has come, and do not look at it."""
    connection.wait()
    time.sleep(0.1)
    connection.announce_the_end()
    connection.close()


def unread_and_timed_out(connection: Connection) -> None:
    """Say when all of a request has come that it is too late, and do not look at it."""
    connection.wait()
    time.sleep(0.1)
    connection.time_out()


def read_and_timed_out(connection: Connection) -> None:
    """Do what is asked, and say that it has taken too long."""
    connection.read()
    connection.time_out()


def read(connection: Connection) -> None:
    """Do what is asked, and do not say so."""
    connection.read()
    connection.close()


def read_and_announced(connection: Connection) -> None:
    """Do what is asked, and say no more than that it is the end, as TLS has it."""
    connection.read()
    connection.announce_the_end()
    connection.close()


def read_and_ended(connection: Connection) -> None:
    """Do what is asked, and say no more than that it is the end."""
    connection.read()
    connection.end()


def broken_off(connection: Connection) -> None:
    """Do what is asked, and break off after a while."""
    connection.read()
    time.sleep(0.1)
    connection.reset()


@pytest.mark.parametrize("close", [Connection.close, Connection.end, Connection.reset])
def test_connections_that_are_closed_while_idle(
    close: Callable[[Connection], None], provider: Provider, log_in: LogIn
) -> None:
    provider.on_connection = once_idle(close)
    assert log_in().status_code == 201
    time.sleep(0.1)  # Until it is closed.

    assert log_in().status_code == 201
    assert provider.requests == {"POST /token": 2, "GET /user": 2}
    assert provider.connections == 2


@pytest.mark.parametrize(
    ("close", "padding"),
    # Of one record of TLS, and of several.
    [
        (unread, 0),
        (unread_with_an_end, 0),
        (unread_and_announced, 40_000),
        (unread_and_timed_out, 0),
    ],
)
def test_connections_that_are_closed_while_we_send(
    close: Callable[[Connection], None], padding: int, provider: Provider, log_in: LogIn
) -> None:
    provider.on_connection = once_idle(close)
    provider.padding = "x" * padding
    assert log_in().status_code == 201

    assert log_in().status_code == 201
    assert provider.requests == {"POST /token": 2, "GET /user": 2}


@pytest.mark.parametrize("close", [read, read_and_announced, read_and_ended, broken_off])
def test_no_request_is_sent_twice(
    close: Callable[[Connection], None], provider: Provider, log_in: LogIn
) -> None:
    provider.on_connection = once_idle(close)
    assert log_in().status_code == 201

    answer = log_in()

    assert answer.status_code == 400
    assert answer.data["error_code"] == "connection_failed"
    assert provider.requests["POST /token"] == 2


def test_no_request_is_sent_twice_that_took_too_long(provider: Provider, log_in: LogIn) -> None:
    provider.on_connection = once_idle(read_and_timed_out)
    assert log_in().status_code == 201

    assert log_in().status_code == 400
    assert provider.requests["POST /token"] == 2


@pytest.mark.parametrize(
    ("backend", "method"), [("redeems-by-get", "GET"), ("redeems-in-the-query", "POST")]
)
def test_no_code_is_redeemed_twice_without_a_body(
    backend: str, method: str, provider: Provider, log_in: LogIn
) -> None:
    """In one part, a request that was read is acknowledged no sooner than one that was not."""

    def read_and_reset(connection: Connection) -> None:
        connection.read()
        connection.reset()

    provider.on_connection = once_idle(read_and_reset)
    assert log_in(backend=backend).status_code == 201

    assert log_in(backend=backend).data["error_code"] == "connection_failed"
    assert provider.requests[f"{method} /token"] == 2
