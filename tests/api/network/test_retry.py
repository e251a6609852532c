"""Repetition of requests."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.tcp_provider import Connection, Provider

pytestmark = pytest.mark.django_db

LogIn = Callable[..., Any]
PassTime = Callable[[float], None]
Close = Callable[[Connection], None]

closes = pytest.mark.parametrize("close", [Connection.close, Connection.reset])


def close_instead(path: str, close: Close, times: int = 1) -> Callable[[Connection], None]:
    """Return a behaviour that reads the first requests for a path, and closes."""

    def serve(connection: Connection) -> None:
        provider = connection.provider
        while True:
            request = connection.read()
            if request.path == path and provider.requests[f"{request.method} {path}"] <= times:
                close(connection)
                return
            status, content = provider.answer_to(request)
            connection.answer(content, status=status)

    return serve


@closes
def test_profile_request_without_response_is_repeated_once(
    close: Close, provider: Provider, log_in: LogIn
) -> None:
    provider.on_connection = close_instead("/user", close)
    assert log_in(provider).status_code == 201
    assert provider.requests == {"POST /token": 1, "GET /user": 2}

    provider.requests.clear()
    provider.on_connection = close_instead("/user", close, times=2)
    assert log_in(provider).data["error_code"] == "connection_failed"
    assert provider.requests == {"POST /token": 1, "GET /user": 2}


@closes
@pytest.mark.parametrize("is_reused", [False, True])
@pytest.mark.parametrize(
    ("backend", "method"),
    [("loopback", "POST"), ("redeems-by-get", "GET"), ("redeems-without-stage", "GET")],
)
def test_code_is_never_redeemed_twice(
    backend: str,
    method: str,
    is_reused: bool,
    close: Close,
    provider: Provider,
    log_in: LogIn,
    pass_time: PassTime,
) -> None:
    def serve(connection: Connection) -> None:
        if is_reused and connection.number == 1:
            provider.serve(connection, 2)
        connection.read()
        close(connection)

    provider.on_connection = serve
    if is_reused:
        assert log_in(provider, backend=backend).status_code == 201
        pass_time(2)

    assert log_in(provider, backend=backend).data["error_code"] == "connection_failed"
    assert provider.requests[f"{method} /token"] == 1 + is_reused


def test_aggressive_provider_loses_no_login(provider: Provider, log_in: LogIn) -> None:
    def serve(connection: Connection) -> None:
        provider.serve(connection, 1)
        connection.close()

    provider.on_connection = serve

    assert {log_in(provider, str(user)).status_code for user in range(100)} == {201}


def test_connection_that_cannot_be_established_is_tried_twice(
    provider: Provider, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[Any] = []
    look_up = socket.getaddrinfo

    def fail_once(*args: Any, **kwargs: Any) -> Any:
        attempts.append(args)
        if len(attempts) == 1:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return look_up(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", fail_once)

    assert log_in(provider).status_code == 201
    assert len(attempts) == 2


def test_provider_that_is_down_is_tried_twice(
    provider: Provider, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.stop()
    attempts: list[Any] = []
    look_up = socket.getaddrinfo

    def count(*args: Any, **kwargs: Any) -> Any:
        attempts.append(args)
        return look_up(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", count)

    assert log_in(provider).data["error_code"] == "connection_failed"
    assert len(attempts) == 2


def test_interrupted_response_is_not_repeated(provider: Provider, log_in: LogIn) -> None:
    def serve(connection: Connection) -> None:
        while True:
            request = connection.read()
            if request.path == "/user":
                connection.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
                return
            connection.answer(provider.answer_to(request)[1])

    provider.on_connection = serve

    assert log_in(provider).data["error_code"] == "connection_failed"
    assert provider.requests["GET /user"] == 1
