"""The time budget of a login."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from social_endpoints.internal.network.adapter import ResponseReader
from tests.support.proxy import Proxy
from tests.support.tcp_provider import Connection, LogIn, PassTime, Provider, drip

pytestmark = pytest.mark.django_db

Configure = Callable[..., None]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

# What is sent at once, and what follows slowly.
PHASES = {
    "status line": (b"", b"HTTP/1.1 200 " + b"O" * 1000),
    "header": (HEAD, b"X-Long: " + b"x" * 1000),
    "interim responses": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "body": (HEAD + b"Content-Length: 1000\r\n\r\n", b" " * 1000),
    "chunk size": (CHUNKED, b"0" * 1000),
    "chunks": (CHUNKED, b"1\r\n \r\n" * 1000),
    "trailers": (CHUNKED + b"0\r\n", b"X-Trailer: x\r\n" * 1000),
}


@pytest.fixture
def short(configure: Configure, settings: Any) -> None:
    """Set a short time budget, and a long timeout for each read."""
    configure(LOGIN_TIMEOUT=0.5)
    settings.SOCIAL_AUTH_REQUESTS_TIMEOUT = 20


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("phase", PHASES)
def test_dripping_response_ends_in_time(phase: str, any_provider: Provider, log_in: LogIn) -> None:
    any_provider.on_connection = drip(*PHASES[phase])
    started = time.monotonic()

    answer = log_in(any_provider)

    assert time.monotonic() - started < 10
    assert (answer.status_code, answer.data["error_code"]) == (400, "timeout")
    assert answer.data["error_recovery"] == "retry_later"
    assert any_provider.requests == {"POST /token": 1}


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("is_slow", [True, False], ids=["slow proxy", "slow provider"])
def test_dripping_response_ends_in_time_through_a_proxy(
    is_slow: bool,
    pooled: bool,
    provider: Provider,
    log_in: LogIn,
    settings: Any,
    configure: Configure,
) -> None:
    configure(HTTP_POOL=pooled)
    proxy = Proxy(delay=0.05 if is_slow else 0)
    provider.on_connection = drip(*PHASES["header"])
    settings.SOCIAL_AUTH_PROXIES = {"https": f"http://127.0.0.1:{proxy.port}"}
    started = time.monotonic()

    answer = log_in(provider)

    assert time.monotonic() - started < 10
    assert answer.data["error_code"] == "timeout"
    proxy.stop()


def test_dripping_response_on_a_used_connection_ends_in_time(
    any_provider: Provider,
    log_in: LogIn,
    pass_time: PassTime,
    settings: Any,
    configure: Configure,
) -> None:
    settings.SOCIAL_AUTH_REQUESTS_TIMEOUT = 20

    def serve(connection: Connection) -> None:
        any_provider.serve(connection, 2)
        drip(*PHASES["header"])(connection)

    any_provider.on_connection = serve
    assert log_in(any_provider).status_code == 201
    pass_time(2)
    configure(LOGIN_TIMEOUT=0.5)

    assert log_in(any_provider).data["error_code"] == "timeout"
    assert any_provider.connections == 1


@pytest.mark.parametrize("pooled", [True, False])
def test_time_budget_is_that_of_all_requests(
    pooled: bool,
    provider: Provider,
    log_in: LogIn,
    settings: Any,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure(LOGIN_TIMEOUT=20, HTTP_POOL=pooled)
    settings.SOCIAL_AUTH_REQUESTS_TIMEOUT = 20
    clock = time.monotonic

    def answer(connection: Connection) -> None:
        connection.answer(provider.answer_to(provider.received[-1])[1])

    def answer_when_a_second_is_left(connection: Connection) -> None:
        monkeypatch.setattr(time, "monotonic", lambda: clock() + 19)
        answer(connection)

    def answer_slowly(connection: Connection) -> None:
        time.sleep(5)
        answer(connection)

    provider.special = {"/token": answer_when_a_second_is_left, "/user": answer_slowly}

    assert log_in(provider).data["error_code"] == "timeout"
    assert provider.requests == {"POST /token": 1, "GET /user": 1}


def test_nothing_is_sent_after_the_time_budget(
    provider: Provider, log_in: LogIn, configure: Configure
) -> None:
    configure(LOGIN_TIMEOUT=1e-9)

    assert log_in(provider).data["error_code"] == "timeout"
    assert not provider.connections


@pytest.mark.parametrize(
    ("has_handshake", "timeout"), [(True, 0.3), (True, (5, 0.3)), (False, 0.3)]
)
def test_silent_provider_ends_with_the_timeout_of_social_core(
    has_handshake: bool, timeout: Any, provider: Provider, log_in: LogIn, settings: Any
) -> None:
    silent = Provider(provider.context if has_handshake else None, lambda _: time.sleep(5))
    settings.SOCIAL_AUTH_LOOPBACK_URL = f"https://127.0.0.1:{silent.port}"
    settings.SOCIAL_AUTH_LOOPBACK_REQUESTS_TIMEOUT = timeout

    assert log_in(provider).data["error_code"] == "timeout"
    silent.stop()


@pytest.mark.parametrize("name", ["HTTP_POOL_IDLE", "LOGIN_TIMEOUT"])
@pytest.mark.parametrize("seconds", ["soon", None, -1, float("nan"), True])
def test_setting_that_is_not_a_time_is_reported(
    name: str, seconds: Any, provider: Provider, log_in: LogIn, configure: Configure
) -> None:
    configure(**{name: seconds})

    answer = log_in(provider)

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")


@pytest.mark.parametrize("pooled", [True, False])
def test_very_long_times_are_accepted(
    pooled: bool, provider: Provider, log_in: LogIn, settings: Any, configure: Configure
) -> None:
    configure(HTTP_POOL=pooled, HTTP_POOL_IDLE=10**400, LOGIN_TIMEOUT=10**400)
    settings.SOCIAL_AUTH_LOOPBACK_REQUESTS_TIMEOUT = 10**6

    assert log_in(provider).status_code == 201


@pytest.mark.usefixtures("short")
def test_host_with_many_silent_addresses_ends_in_time(
    provider: Provider, log_in: LogIn, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = [f"127.0.0.{number}" for number in range(1, 9)]
    look_up = socket.getaddrinfo
    with socket.socket() as silent:
        silent.bind(("", 0))
        silent.listen(0)
        port = silent.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:  # They fill the queue of connections that are not accepted.
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))

        def find_all(host: str, *args: Any, **kwargs: Any) -> Any:
            hosts = addresses if host == "many.example.com" else [host]
            return [found for each in hosts for found in look_up(each, *args, **kwargs)]

        monkeypatch.setattr(socket, "getaddrinfo", find_all)
        settings.SOCIAL_AUTH_LOOPBACK_URL = f"http://many.example.com:{port}"
        started = time.monotonic()

        answer = log_in(provider)

        assert time.monotonic() - started < 10
        assert answer.data["error_code"] == "timeout"
        for each in waiting:
            each.close()


def test_data_that_arrives_after_the_deadline_is_not_read() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, ResponseReader(None, ours, deadline=time.monotonic()) as reader:
        theirs.sendall(b"HTTP/1.1 200 OK\r\n")

        with pytest.raises(TimeoutError):
            reader.readinto(bytearray(1))
