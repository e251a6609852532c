"""Which connections are open and wait for a request, in this process."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Lock, Timer
from typing import Any

from social_endpoints.internal.network.pool.clock import now

MAX_IDLE = 256
"""Connections that one process keeps, to all providers together."""

_only_new: ContextVar[bool] = ContextVar("only_new", default=False)


@contextmanager
def only_new() -> Iterator[None]:
    """Have no idle connection used inside."""
    token = _only_new.set(True)
    try:
        yield
    finally:
        _only_new.reset(token)


class Idle:
    """The idle connections of a process, each with the time when it is to be closed.

    They have no lock, which a fork or the garbage collector could come upon while it is
    held: whoever removes a connection from the dictionary, which one thread does, has it.
    Neither of the two keeps one, and so setting the alarm can have a lock.
    """

    def __init__(self) -> None:
        self._ends: dict[Any, float] = {}
        self._alarm: Alarm | None = None
        self._lock = Lock()

    def keep(self, connection: Any) -> None:
        """Keep a connection until its time, or until there are too many."""
        self._ends[connection] = connection.ends
        for oldest in list(self._ends)[:-MAX_IDLE]:
            self._close(oldest)
        self._wait(connection.ends)

    def take(self, connection: Any) -> bool:
        """Say whether a connection was still kept; it is the caller's from now on."""
        return self._ends.pop(connection, None) is not None

    def _close(self, connection: Any) -> None:
        with suppress(KeyError):  # Somebody else has it by now.
            del self._ends[connection]
            connection.close()

    def _wait(self, until: float) -> None:
        # Two at a time would leave an alarm that nobody knows of, and that sets others.
        with self._lock:
            alarm = self._alarm
            if alarm is not None and alarm.is_waiting and alarm.at <= until:
                return
            with suppress(RuntimeError):  # There can be no more threads. The next one tries again.
                self._alarm = Alarm(until, self._close_ended)
                if alarm is not None:
                    alarm.cancel()

    def _close_ended(self) -> None:
        for connection, ends in list(self._ends.items()):
            if ends <= now():
                self._close(connection)
        remaining = list(self._ends.values())
        if remaining:
            self._wait(min(remaining))


class Alarm(Timer):
    """Calls a function at some time, by :func:`now`, and keeps no process from ending."""

    def __init__(self, at: float, function: Callable[[], None]) -> None:
        super().__init__(max(0.0, at - now()), self._ring)
        self._then = function
        self.at = at
        self.is_waiting = True
        self.daemon = True
        self.start()

    def _ring(self) -> None:
        # Before anybody looks: what is kept from now on sees that nobody waits.
        self.is_waiting = False
        self._then()


class Stack:
    """The idle connections to one provider, the last one on top: urllib3's queue for them."""

    def __init__(self, idle: Idle) -> None:
        self._idle = idle
        self._stack: deque[Any] = deque()

    def get(self, block: bool = False, timeout: float | None = None) -> Any:
        """Return a connection that is kept, and marked as one that is used again.

        :raises queue.Empty: there is none.
        """
        while not _only_new.get():
            try:
                connection = self._stack.pop()
            except IndexError:
                break
            if self._idle.take(connection):
                if connection.ends > now():
                    connection.is_reused = True
                    return connection
                connection.close()
        raise queue.Empty

    def put(self, connection: Any, block: bool = False) -> None:
        """Keep a connection that has been used, if it is still of use. There is always room."""
        if connection is None or connection.sock is None:
            return
        # What TLS has already read would be taken for the next answer.
        has_more = getattr(connection.sock, "pending", int)() > 0
        if has_more or connection.ends <= now():
            connection.close()
            return
        self._stack.append(connection)
        self._idle.keep(connection)
