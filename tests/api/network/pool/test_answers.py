"""Answers of which something is left over, and which are none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.api.network.pool.conftest import LogIn, until_none_is_open
from tests.api.network.pool.provider import Connection, Provider

pytestmark = pytest.mark.django_db


def with_more(connection: Connection) -> None:
    """Answer, and send in the same breath what nobody has asked for."""
    request = connection.read()
    status, content = connection.provider.answer_to(request)
    connection.answer(content, status=status, more=b"HTTP/1.1 200 O")


def before_its_time(connection: Connection) -> None:
    """Say that there will be an answer (RFC 8297), and answer when the next request comes."""
    request = connection.read()
    connection.sock.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
    connection.wait()
    _, content = connection.provider.answer_to(request)
    connection.answer(content)


def at_first(behave: Callable[[Connection], None]) -> Callable[[Connection], None]:
    """Return what does something with the first request of all, and serves then."""

    def behave_at_first(connection: Connection) -> None:
        if connection.provider.connections == 1:
            behave(connection)
        connection.provider.serve(connection)

    return behave_at_first


def test_what_is_left_over_is_nobodys(provider: Provider, log_in: LogIn) -> None:
    provider.on_connection = at_first(with_more)

    assert log_in().status_code == 201

    assert provider.connections == 2


def test_the_answer_to_one_is_not_given_to_another(provider: Provider, log_in: LogIn) -> None:
    provider.on_connection = at_first(before_its_time)
    assert log_in("1").status_code == 400

    answer = log_in("2")

    assert answer.status_code == 201
    assert provider.requests == {"POST /token": 2, "GET /user": 1}
    assert provider.connections == 2


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_with_a_secret_leaves_no_connection_behind(
    status: int, provider: Provider, log_in: LogIn
) -> None:
    """What it says is not read, and so it is of no use any more."""

    def elsewhere(connection: Connection) -> None:
        connection.read()
        connection.answer({}, status=status, headers="Location: https://127.0.0.1:1/\r\n")
        connection.wait()

    provider.on_connection = elsewhere

    assert log_in().status_code == 400

    until_none_is_open(provider)
