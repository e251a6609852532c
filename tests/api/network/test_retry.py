"""Repetition of requests."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.frontend import error
from tests.support.proxy import Proxy
from tests.support.tcp_provider import Connection, LogIn, PassTime, Provider

pytestmark = pytest.mark.django_db

Close = Callable[[Connection], None]

closes = pytest.mark.parametrize("close", [Connection.close, Connection.reset])


def close_first(close: Close, times: int) -> Close:
    """Return a behaviour that closes instead of answering the first requests for a profile."""

    def serve(connection: Connection) -> None:
        if connection.provider.requests["GET /user"] <= times:
            close(connection)
        else:
            connection.answer({"id": "1", "login": "user1"})

    return serve


@closes
def test_profile_request_without_response_is_repeated_once(
    close: Close, provider: Provider, log_in: LogIn
) -> None:
    provider.special["/user"] = close_first(close, 1)
    assert log_in(provider).status_code == 201
    assert provider.requests == {"POST /token": 1, "GET /user": 2}

    provider.requests.clear()
    provider.special["/user"] = close_first(close, 2)
    assert log_in(provider).data["error_code"] == "connection_failed"
    assert provider.requests == {"POST /token": 1, "GET /user": 2}


def test_profile_request_that_cannot_be_sent_is_repeated(
    provider: Provider, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL reports a closed connection as an error of TLS, if it notices it while sending."""
    send, failures = ssl.SSLSocket.sendall, iter([ssl.SSLEOFError(8, "EOF occurred")])

    def fail_once(sock: ssl.SSLSocket, data: Any, *flags: int) -> None:
        if data.startswith(b"GET /user"):
            for each in failures:
                raise each
        send(sock, data, *flags)

    monkeypatch.setattr(ssl.SSLSocket, "sendall", fail_once)

    assert log_in(provider).status_code == 201
    assert provider.requests == {"POST /token": 1, "GET /user": 1}
    assert provider.connections == 2


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


@closes
def test_code_is_never_redeemed_twice_through_a_proxy(
    close: Close, provider: Provider, log_in: LogIn, settings: Any
) -> None:
    proxy = Proxy()
    settings.SOCIAL_AUTH_PROXIES = {"https": f"http://127.0.0.1:{proxy.port}"}
    provider.special["/token"] = close
    assert log_in(provider).data["error_code"] == "connection_failed"
    assert provider.requests == {"POST /token": 1}

    provider.requests.clear()
    del provider.special["/token"]
    provider.special["/user"] = close_first(close, 1)
    assert log_in(provider).status_code == 201
    assert provider.requests == {"POST /token": 1, "GET /user": 2}
    proxy.stop()


@pytest.mark.parametrize(("headers", "logins"), [("", 100), ("Connection: close\r\n", 1)])
def test_provider_that_closes_after_each_response_loses_no_login(
    headers: str, logins: int, provider: Provider, log_in: LogIn
) -> None:
    provider.headers = headers
    provider.on_connection = lambda connection: provider.serve(connection, 1)

    assert {log_in(provider, str(user)).status_code for user in range(logins)} == {201}
    assert not headers or provider.connections == 2


@pytest.mark.parametrize("is_down", [False, True])
def test_connection_that_cannot_be_established_is_tried_twice(
    is_down: bool, provider: Provider, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[Any] = []
    look_up = socket.getaddrinfo
    if is_down:
        provider.stop()

    def fail_once(*args: Any, **kwargs: Any) -> Any:
        attempts.append(args)
        if len(attempts) == 1 and not is_down:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return look_up(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", fail_once)

    response = log_in(provider)

    assert error(response) == ((400, "connection_failed") if is_down else (201, None))
    assert len(attempts) == 2


def test_interrupted_response_is_not_repeated(
    provider: Provider, log_in: LogIn, caplog: pytest.LogCaptureFixture
) -> None:
    def serve(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
        connection.close()

    provider.special["/user"] = serve

    assert log_in(provider).data["error_code"] == "connection_failed"
    assert "cause=connection_failed" in caplog.text
    assert provider.requests["GET /user"] == 1
