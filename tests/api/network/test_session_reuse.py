"""Reuse of sessions by later logins."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from social_endpoints.internal.network import sessions
from social_endpoints.internal.network.sessions import MAX_SESSIONS, REST, ProviderRequests
from tests.support.authority import Authority
from tests.support.interpreter import python
from tests.support.tcp_provider import LogIn, PassTime, Provider

pytestmark = pytest.mark.django_db


def until_open(provider: Provider, count: int) -> None:
    for _ in range(500):
        if provider.open == count:
            return
        time.sleep(0.01)
    raise AssertionError(f"{provider.open} are open")


def test_login_uses_one_connection(provider: Provider, log_in: LogIn) -> None:
    assert log_in(provider).status_code == 201

    assert provider.requests == {"POST /token": 1, "GET /user": 1}
    assert provider.handshakes == 1


def test_login_before_a_rest_has_a_connection_of_its_own(provider: Provider, log_in: LogIn) -> None:
    assert log_in(provider, "1").status_code == 201
    assert log_in(provider, "2").status_code == 201
    assert provider.handshakes == 2

    time.sleep(REST)
    assert log_in(provider, "3").status_code == 201
    assert provider.handshakes == 2


def test_overlapping_logins_have_two_connections(provider: Provider, authority: Authority) -> None:
    together = Barrier(2, timeout=20)

    def ask(user: str) -> str:
        bundle = str(authority.bundle)
        with ProviderRequests():
            headers = {"Authorization": f"Bearer token-{user}"}
            for _ in range(3):
                together.wait()
                response = sessions.send(
                    "loopback",
                    "GET",
                    f"{provider.url}/user",
                    headers=headers,
                    verify=bundle,
                    timeout=5,
                    repeats_get=True,
                )
        return str(response.json()["id"])

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(ask, ["1", "2"])) == ["1", "2"]
    assert provider.handshakes == 2


def test_session_is_replaced_after_ten_minutes(
    provider: Provider, log_in: LogIn, pass_time: PassTime
) -> None:
    for _ in range(16):
        assert log_in(provider).status_code == 201
        pass_time(40)

    assert provider.handshakes == 2


@pytest.mark.parametrize(
    ("keep_alive", "seconds", "handshakes"),
    [
        *(("", REST + 1, 1), ("", 49, 1), ("", 51, 2)),
        ("timeout=5, max=100", 3, 1),
        ("timeout=5, max=100", 4, 2),
        ("max=100, Timeout = 20", 19, 2),
        ("timeout=1000", 50, 2),
        ("timeout=soon", 40, 1),
        (f"timeout={'9' * 5000}", 40, 1),
    ],
)
def test_session_is_used_again_for_a_limited_time(
    keep_alive: str,
    seconds: float,
    handshakes: int,
    provider: Provider,
    log_in: LogIn,
    pass_time: PassTime,
) -> None:
    provider.headers = keep_alive and f"Keep-Alive: {keep_alive}\r\n"
    assert log_in(provider).status_code == 201
    pass_time(seconds)

    assert log_in(provider).status_code == 201
    assert provider.handshakes == handshakes
    until_open(provider, 1)


@pytest.mark.parametrize(("setting", "handshakes"), [("HTTP_POOL", 4), ("HTTP_POOL_IDLE", 2)])
def test_session_is_not_used_again_where_it_is_disabled(
    setting: str,
    handshakes: int,
    provider: Provider,
    log_in: LogIn,
    pass_time: PassTime,
    configure: Callable[..., None],
) -> None:
    configure(**{setting: 0})

    for _ in range(2):
        assert log_in(provider).status_code == 201
        pass_time(2)

    assert provider.handshakes == handshakes


def test_session_of_failed_login_is_closed(
    provider: Provider, log_in: LogIn, pass_time: PassTime
) -> None:
    provider.users.clear()
    provider.answer_to = lambda request: (200, {"access_token": "token-1"})  # type: ignore[method-assign]  # of this one
    assert log_in(provider).status_code == 400
    until_open(provider, 0)


def test_connection_closed_by_the_provider_is_replaced(
    provider: Provider, log_in: LogIn, pass_time: PassTime
) -> None:
    provider.on_connection = lambda connection: provider.serve(connection, 2)
    assert log_in(provider).status_code == 201
    until_open(provider, 0)
    pass_time(2)

    assert log_in(provider).status_code == 201
    assert provider.requests == {"POST /token": 2, "GET /user": 2}


def test_no_cookies_and_no_credentials_reach_another_login(
    provider: Provider, log_in: LogIn, pass_time: PassTime
) -> None:
    provider.headers = "Set-Cookie: session=somebody; Path=/\r\n"

    for user in ("1", "2"):
        assert log_in(provider, user).status_code == 201
        pass_time(2)

    assert [each.headers.get("cookie") for each in provider.received] == [None] * 4
    assert [each.headers.get("authorization") for each in provider.received] == [
        None,
        "Bearer token-1",
        None,
        "Bearer token-2",
    ]
    assert provider.handshakes == 1


def test_backends_do_not_share_sessions(
    provider: Provider, log_in: LogIn, pass_time: PassTime
) -> None:
    for backend in ("loopback", "own-request"):
        assert log_in(provider, backend=backend).status_code == 201
        pass_time(2)

    assert provider.handshakes == 2


def test_connection_of_a_replaced_urllib3_serves_one_login(
    provider: Provider, log_in: LogIn, pass_time: PassTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Replacement:
        def __new__(cls, **kwargs: Any) -> Any:
            return HTTPSConnection(**kwargs)

    monkeypatch.setattr(HTTPSConnectionPool, "ConnectionCls", Replacement)

    for _ in range(2):
        assert log_in(provider).status_code == 201
        pass_time(2)

    assert provider.handshakes == 2


def test_resting_sessions_are_limited() -> None:
    providers = [Provider() for _ in range(MAX_SESSIONS + 20)]
    for each in providers:
        url = f"{each.url}/nothing"
        response = sessions.send("loopback", "GET", url, timeout=5, repeats_get=True)
        assert response.status_code == 404

    for each in providers[:20]:
        until_open(each, 0)
    assert all(each.open for each in providers[20:])
    for each in providers:
        each.stop()


def test_forked_child_has_connections_of_its_own(provider: Provider, authority: Authority) -> None:
    flags = ["-X", "dev", "-W", "error::ResourceWarning", "-W", "ignore::DeprecationWarning"]
    arguments = [provider.url, str(authority.bundle), "4"]

    outcome = python(*flags, "-m", "tests.support.forked", *arguments)

    assert (outcome.stdout, outcome.stderr) == (f"{[0] * 4}\n", "")
    assert provider.connections == 1 + 4
    assert provider.requests == {"GET /nothing": 3 + 4}
