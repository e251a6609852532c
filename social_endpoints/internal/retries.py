"""Repeat database work after a collision, a lock error or the loss of a connection."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.db import DatabaseError, IntegrityError, connections

from social_endpoints.internal.errors.failures import (
    causes,
    find_database_failure,
    has_no_free_connection,
    is_lock_error,
    is_lock_time_out,
    is_read_only,
)

T = TypeVar("T")

MAX_COLLISIONS = 2
"""New attempts after an IntegrityError. Each finds the rows of the other request at once."""

MAX_RECONNECTIONS = 2
"""New attempts on a new connection. There are few, because the query itself may cause the loss."""

LOCK_SECONDS = 5.0
"""Seconds in which attempts begin again after a lock error, or to connect to a server that has no
connection left. This is SQLite's default as well. The time in which the database itself waits for a
lock counts."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5  # seconds


class Retries:
    """Decide whether database work runs again, and wait before it does.

    :param using: alias of the database.
    """

    def __init__(self, using: str) -> None:
        self._using = using
        self._collisions = self._reconnections = self._lock_errors = 0
        self._deadline: float | None = None
        self._began = 0.0
        self._opened: dict[Any, Any] = {}

    def connect(self) -> None:
        """Connect to the database. Call this before each attempt.

        A failure to connect is raised at once, because the server is down or misconfigured. Only a
        server that has no connection left is asked again: other requests will return theirs.
        """
        while connections[self._using].connection is None:
            try:
                connections[self._using].ensure_connection()
            except DatabaseError as error:
                if not has_no_free_connection(error) or not self._wait(time.monotonic()):
                    raise
        self._opened = _open_connections()
        self._began = time.monotonic()

    def lock(self) -> None:
        """Take SQLite's write lock after a lock error. Call this first in the transaction.

        SQLite waits for the lock then. A transaction that has read before it writes fails at once
        if another one holds the lock, so one of many logins could fail until its time is up.
        """
        if self._lock_errors and connections[self._using].vendor == "sqlite":
            connection = connections[self._using]
            table = connection.ops.quote_name(get_user_model()._meta.db_table)
            with connection.cursor() as cursor:
                cursor.execute(f"DELETE FROM {table} WHERE 0")  # noqa: S608 - a quoted name

    def allow(self, error: Exception, *, is_commit: bool = False) -> bool:
        """Return whether a rolled back attempt may run again, after a pause if that helps.

        :param is_commit: whether the COMMIT has failed. If the connection was lost then, it is
            unknown whether the database has committed.
        """
        failure = find_database_failure(error)
        if _has_collided(error, failure):
            self._collisions += 1
            return self._collisions <= MAX_COLLISIONS
        if failure is None:
            return False
        if is_lock_error(failure):
            return self._wait(self._began if is_lock_time_out(failure) else time.monotonic())
        if is_commit or self._reconnections >= MAX_RECONNECTIONS:
            return False
        self._reconnections += 1
        # An exception without a cause is the project's. It may hide a lock error.
        return _replace_dead_connections(self._opened, failure) or failure.__cause__ is None

    def _wait(self, since: float) -> bool:
        """Wait for other requests; return False if the time is up.

        The pauses are random, so that the same requests do not meet again, and grow.

        :param since: when the time begins, if this is the first pause.
        """
        if self._deadline is None:
            self._deadline = since + _lock_seconds(self._using)
        longest = min(_FIRST_PAUSE * 2**self._lock_errors, _LONGEST_PAUSE)
        pause = random.random() * longest  # noqa: S311 - not a secret
        self._lock_errors += 1
        if time.monotonic() + pause > self._deadline:
            return False
        time.sleep(pause)
        return True


def retry_query(using: str, work: Callable[[], T]) -> T:
    """Run a query, and repeat it after a lock error or on a new connection.

    Inside a transaction it runs once, because the transaction has to be rolled back first.
    """
    if connections[using].in_atomic_block:
        return work()
    retries = Retries(using)
    while True:
        retries.connect()
        try:
            return work()
        except IntegrityError:
            raise
        except Exception as error:
            if not retries.allow(error):
                raise


def retry_once(work: Callable[[], T]) -> T:
    """Run work that may run twice, and repeat it if its connection was lost before.

    It may use any databases, for example if it is code of the project.
    """
    try:
        return work()
    except Exception as error:
        failure = find_database_failure(error)
        if failure is None or not _replace_dead_connections(_open_connections(), failure):
            raise
    return work()


def _has_collided(error: Exception, failure: BaseException | None) -> bool:
    """Return whether an exception was caused by an IntegrityError, and not by a later failure.

    social-core and social_django raise exceptions of their own for some collisions.
    """
    for cause in causes(error):
        if cause is failure:
            return False
        if isinstance(cause, IntegrityError):
            return True
    return False


def _open_connections() -> dict[Any, Any]:
    """Return the open connections of Django with those of the drivers."""
    opened = {each: each.connection for each in connections.all(initialized_only=True)}
    return {each: inner for each, inner in opened.items() if inner is not None}


def _replace_dead_connections(opened: dict[Any, Any], failure: BaseException) -> bool:
    """Close the connections that were lost; return whether any was.

    A connection in a transaction is left alone, because the transaction belongs to the caller.
    A server that only reads may have become a replica. A new connection may reach the primary.
    """
    for connection in opened:
        # In a transaction, autocommit is off.
        is_idle = connection.connection is not None and connection.get_autocommit()
        if is_idle and (is_read_only(failure) or not connection.is_usable()):
            connection.close()
    # Django may have closed or replaced a connection when it rolled back.
    lost = [each for each, inner in opened.items() if each.connection is not inner]
    for connection in lost:
        # The other connections of a pool were lost as well. After a time-out, each of them would
        # take as long.
        check = getattr(getattr(connection, "pool", None), "check", None)
        if check is not None and "timed out" not in str(failure):
            check()
    return bool(lost)


def _lock_seconds(using: str) -> float:
    connection = connections[using]
    if connection.vendor != "sqlite":
        return LOCK_SECONDS
    return float(connection.settings_dict["OPTIONS"].get("timeout", LOCK_SECONDS))
