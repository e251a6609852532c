"""Responses without a request."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import pytest
from social_django.models import UserSocialAuth

from tests.support.tcp_provider import Connection, LogIn, PassTime, Provider, response

pytestmark = pytest.mark.django_db


def answer_profile_twice(delay: float) -> Callable[[Connection], None]:
    def serve(connection: Connection) -> None:
        _, content = connection.provider.answer_to(connection.provider.received[-1])
        connection.answer(content)
        time.sleep(delay)
        connection.answer(content)

    return serve


@pytest.mark.parametrize("delay", [0, 0.09, 0.2])
def test_surplus_response_reaches_no_other_login(
    delay: float, any_provider: Provider, log_in: LogIn
) -> None:
    any_provider.special["/user"] = answer_profile_twice(delay)

    for number in range(30):
        answer = log_in(any_provider, str(number))
        assert answer.status_code == 201, answer.data

    assert any_provider.requests == {"POST /token": 30, "GET /user": 30}
    found = UserSocialAuth.objects.values_list("uid", "user__username")
    assert set(found) == {(str(number), f"user{number}") for number in range(30)}


@pytest.mark.parametrize("delay", [0, 0.09])
def test_surplus_during_a_rest_closes_the_connection(
    delay: float, any_provider: Provider, log_in: LogIn, pass_time: PassTime
) -> None:
    any_provider.special["/user"] = answer_profile_twice(delay)

    for number in range(3):
        assert log_in(any_provider, str(number)).status_code == 201
        time.sleep(delay + 0.05)
        pass_time(2)

    assert any_provider.connections == 3


@pytest.mark.parametrize("path", ["/token", "/user"])
@pytest.mark.parametrize("length", [8192, io.DEFAULT_BUFFER_SIZE, 12_000])
def test_surplus_that_is_read_already_closes_the_connection(
    length: int, path: str, any_provider: Provider, log_in: LogIn, pass_time: PassTime
) -> None:
    """The response ends where the buffer ends, or before; the surplus is decrypted with it."""

    def serve(connection: Connection) -> None:
        while True:
            request = connection.read()
            status, content = connection.provider.answer_to(request)
            whole = response(content, status=status)
            if request.path == path and connection.number == 1:
                padding = length - len(whole) - len("X-Padding: \r\n")
                header = f"X-Padding: {'x' * padding}\r\n"
                whole = response(content, status=status, headers=header)
                assert len(whole) == length
                whole += response({"id": "2", "login": "user2", "access_token": "token-2"})
            connection.sock.sendall(whole)

    any_provider.on_connection = serve
    assert log_in(any_provider, "1").status_code == 201
    pass_time(2)
    assert log_in(any_provider, "1").status_code == 201

    assert set(UserSocialAuth.objects.values_list("uid", flat=True)) == {"1"}
    assert any_provider.connections == 2


def test_response_after_an_interim_response_reaches_no_other_login(
    provider: Provider, log_in: LogIn, pass_time: PassTime
) -> None:
    """http.client takes 103 (RFC 8297) for the response, which comes later."""
    late: list[Any] = []

    def serve(connection: Connection) -> None:
        if connection.number == 1:
            late.append(provider.answer_to(connection.read()))
            connection.sock.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
            connection.read()
            connection.answer(late[0][1])
        provider.serve(connection)

    provider.on_connection = serve
    assert log_in(provider, "1").status_code == 400
    pass_time(2)

    assert log_in(provider, "2").status_code == 201
    assert provider.connections == 2
