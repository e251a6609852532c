"""A provider that takes its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import requests

from social_endpoints.internal.network.deadline import until
from social_endpoints.internal.network.pool import sessions
from tests.api.network.pool.conftest import LogIn
from tests.api.network.pool.provider import Connection, Provider

pytestmark = pytest.mark.django_db

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def drip(connection: Connection, data: bytes) -> None:
    """Send a byte now and then, for half a minute."""
    with suppress(OSError):
        for number in range(300):
            connection.sock.sendall(data[number : number + 1] or b" ")
            time.sleep(0.1)


def in_the_head(connection: Connection) -> None:
    connection.read()
    drip(connection, HEAD + b"X-Long: ")


def in_the_body(connection: Connection) -> None:
    connection.read()
    connection.sock.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
    drip(connection, b"")


def in_the_interim(connection: Connection) -> None:
    connection.read()
    for _ in range(300):
        connection.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.1)


def after_a_login(then: Callable[[Connection], None]) -> Callable[[Connection], None]:
    def behave(connection: Connection) -> None:
        connection.provider.serve(connection, 2)
        then(connection)

    return behave


@pytest.fixture(params=[True, False])
def pooled(request: pytest.FixtureRequest, settings: Any) -> Any:
    """Return whether the pool is on, once for each."""
    settings.SOCIAL_ENDPOINTS = {
        **settings.SOCIAL_ENDPOINTS,
        "HTTP_POOL": request.param,
        "LOGIN_TIMEOUT": 0.5,
    }
    settings.SOCIAL_AUTH_LOOPBACK_REQUESTS_TIMEOUT = 20
    return request.param


@pytest.mark.parametrize("slow", [in_the_head, in_the_body, in_the_interim])
def test_a_byte_at_a_time(
    slow: Callable[[Connection], None], pooled: bool, provider: Provider, log_in: LogIn
) -> None:
    provider.on_connection = slow

    answer = log_in()

    assert (answer.status_code, answer.data["error_recovery"]) == (400, "retry_later")
    assert answer.data["error_code"] in {"timeout", "connection_failed"}
    assert provider.requests == {"POST /token": 1}


@pytest.mark.parametrize("slow", [in_the_head, in_the_body])
def test_a_byte_at_a_time_on_a_connection_that_was_fast(
    slow: Callable[[Connection], None], provider: Provider, log_in: LogIn, settings: Any
) -> None:
    settings.SOCIAL_ENDPOINTS = {**settings.SOCIAL_ENDPOINTS, "LOGIN_TIMEOUT": 1}
    provider.on_connection = after_a_login(slow)
    assert log_in().status_code == 201

    assert log_in().data["error_recovery"] == "retry_later"
    assert provider.requests == {"POST /token": 2, "GET /user": 1}


def test_the_time_is_that_of_all_requests(
    pooled: bool, provider: Provider, log_in: LogIn, settings: Any
) -> None:
    settings.SOCIAL_ENDPOINTS = {**settings.SOCIAL_ENDPOINTS, "LOGIN_TIMEOUT": 1}

    def slow(connection: Connection) -> None:
        while True:
            request = connection.read()
            time.sleep(0.7)
            status, content = provider.answer_to(request)
            connection.answer(content, status=status)

    provider.on_connection = slow

    answer = log_in()

    assert (answer.status_code, answer.data["error_code"]) == (400, "timeout")
    assert provider.requests == {"POST /token": 1, "GET /user": 1}


def test_a_provider_that_never_answers(provider: Provider, log_in: LogIn, settings: Any) -> None:
    """python-social-auth's own limit is still there."""
    settings.SOCIAL_AUTH_LOOPBACK_REQUESTS_TIMEOUT = 0.3
    provider.on_connection = after_a_login(lambda connection: time.sleep(5))
    assert log_in().status_code == 201

    answer = log_in()

    assert (answer.status_code, answer.data["error_code"]) == (400, "timeout")


def test_a_provider_that_takes_no_connection(
    pooled: bool, provider: Provider, log_in: LogIn, settings: Any
) -> None:
    """It is connected to at the level of TCP, and TLS waits."""
    provider.stop()
    silent = Provider(on_connection=lambda connection: time.sleep(5))
    settings.SOCIAL_AUTH_LOOPBACK_URL = f"https://127.0.0.1:{silent.port}"

    answer = log_in()

    assert (answer.status_code, answer.data["error_code"]) == (400, "timeout")
    silent.stop()


def test_nothing_is_asked_when_the_time_is_up(pooled: bool, provider: Provider) -> None:
    with until(time.monotonic()), pytest.raises(requests.Timeout):
        sessions.request("GET", provider.url)

    assert not provider.connections


def test_a_provider_that_is_gone(pooled: bool, provider: Provider, log_in: LogIn) -> None:
    provider.stop()

    answer = log_in()

    assert (answer.status_code, answer.data["error_code"]) == (400, "connection_failed")


@pytest.mark.parametrize("seconds", ["soon", None, -1, float("nan"), True])
def test_a_time_that_is_none(
    seconds: Any, provider: Provider, log_in: LogIn, settings: Any
) -> None:
    settings.SOCIAL_ENDPOINTS = {**settings.SOCIAL_ENDPOINTS, "HTTP_POOL_IDLE": seconds}

    answer = log_in()

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")


def test_a_time_that_is_endless(
    pooled: bool, provider: Provider, log_in: LogIn, settings: Any
) -> None:
    """As a project may write that has no limit in mind."""
    endless = {"HTTP_POOL_IDLE": 10**400, "LOGIN_TIMEOUT": 10**400}
    settings.SOCIAL_ENDPOINTS = {**settings.SOCIAL_ENDPOINTS, **endless}
    settings.SOCIAL_AUTH_LOOPBACK_REQUESTS_TIMEOUT = 10**6

    assert log_in().status_code == 201
