"""How long a connection is kept, and how many."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPMessage
from typing import Any

import pytest
from urllib3.connection import HTTPConnection

from social_endpoints.internal.network.deadline import until
from social_endpoints.internal.network.pool import clock, connection, idle
from tests.api.network.pool.conftest import LogIn, until_none_is_open
from tests.api.network.pool.provider import Provider

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours(settings: Any) -> dict[str, Any]:
    """Return the dictionary of settings, to write to."""
    settings.SOCIAL_ENDPOINTS = dict(settings.SOCIAL_ENDPOINTS)
    dictionary: dict[str, Any] = settings.SOCIAL_ENDPOINTS
    return dictionary


def test_connections_are_closed_when_nobody_uses_them(
    provider: Provider, log_in: LogIn, ours: dict[str, Any]
) -> None:
    ours["HTTP_POOL_IDLE"] = 0.3
    assert log_in().status_code == 201
    assert provider.open == 1

    until_none_is_open(provider)  # By the time, and not by the next login.

    assert log_in().status_code == 201
    assert provider.connections == 2


def test_no_connection_is_kept(provider: Provider, log_in: LogIn, ours: dict[str, Any]) -> None:
    ours["HTTP_POOL_IDLE"] = 0

    assert log_in().status_code == 201

    assert provider.connections == 2
    until_none_is_open(provider)


def test_a_provider_says_how_long_it_keeps_them(provider: Provider, log_in: LogIn) -> None:
    provider.headers = "Keep-Alive: timeout=0, max=100\r\n"

    assert log_in().status_code == 201

    assert provider.connections == 2
    until_none_is_open(provider)


@pytest.fixture
def opened(provider: Provider) -> Iterator[Any]:
    """Return a connection of ours, by itself."""
    opened = connection.kept(HTTPConnection)("127.0.0.1", provider.port)
    with until(time.monotonic() + 60):
        opened.connect()
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("timeout=5, max=100", 4),
        ("max=100, timeout = 20", 19),
        ("timeout=1", 0.5),
        ("timeout=1000", 50),
        ("timeout=soon", 50),
        ("Timeout=5", 4),
        (f"timeout={'9' * 400}", 50),
        (f"timeout={'9' * 5000}", 50),
        (None, 50),
    ],
)
def test_ours_ends_first(told: str | None, kept: float, opened: Any) -> None:
    headers = HTTPMessage()
    if told is not None:
        headers["Keep-Alive"] = told
    before = clock.now()

    opened.keep_as(headers)

    assert before + kept <= opened.ends <= clock.now() + kept


def test_no_connection_is_used_for_ever(opened: Any, ours: dict[str, Any]) -> None:
    """The provider may have another address by now."""
    ours["HTTP_POOL_IDLE"] = 100_000

    opened.keep_as(HTTPMessage())

    assert opened.ends <= clock.now() + connection.MAX_AGE


class Nothing:
    """What is kept in place of a connection."""

    def __init__(self, *, seconds: float = 50) -> None:
        self.sock: Any = object()
        self.ends = clock.now() + seconds
        self.is_reused = False

    def close(self) -> None:
        """Note that it is closed."""
        self.sock = None


def test_the_oldest_are_closed_where_there_are_too_many() -> None:
    kept = idle.Idle()
    stacks = [idle.Stack(kept) for _ in range(1000)]
    connections = [Nothing() for _ in stacks]

    for stack, each in zip(stacks, connections, strict=True):
        stack.put(each)

    is_open = [each.sock is not None for each in connections]
    assert is_open == [False] * (1000 - idle.MAX_IDLE) + [True] * idle.MAX_IDLE


def test_the_one_that_ends_first_is_waited_for() -> None:
    stack = idle.Stack(idle.Idle())
    late, soon = Nothing(), Nothing(seconds=0.1)
    stack.put(late)
    stack.put(soon)

    for _ in range(500):
        if soon.sock is None:
            break
        time.sleep(0.01)

    assert soon.sock is None
    assert stack.get() is late


def test_one_thread_waits_for_all() -> None:
    kept = idle.Idle()
    # Each ends before those that are kept already.
    connections = [
        [Nothing(seconds=590 - 4 * number - first / 10) for number in range(100)]
        for first in range(20)
    ]

    def keep(some: list[Nothing]) -> None:
        stack = idle.Stack(kept)
        for each in some:
            stack.put(each)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(20) as threads:
            list(threads.map(keep, connections))
    finally:
        sys.setswitchinterval(before)

    ends = {each.ends for some in connections for each in some}  # Other tests' alarms wait too.
    alarms = [each for each in threading.enumerate() if isinstance(each, idle.Alarm)]
    waiting = [each for each in alarms if each.at in ends and not each.finished.is_set()]
    assert [each.at for each in waiting] == [min(ends)]


def test_the_last_used_is_the_next() -> None:
    stack = idle.Stack(idle.Idle())
    first, last, late = Nothing(), Nothing(), Nothing(seconds=0.05)
    for each in (first, last, late):
        stack.put(each)
    late.ends = 0  # It has ended by the time that it is asked for.

    assert stack.get() is last
    assert last.is_reused
    assert late.sock is None
    with idle.only_new(), pytest.raises(idle.queue.Empty):
        stack.get()
    assert stack.get() is first
    with pytest.raises(idle.queue.Empty):
        stack.get()
