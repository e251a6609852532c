"""Failures of the tests' database: real ones, and its own errors raised on request."""

from __future__ import annotations

from typing import Any

from django.db import connection


def execute(query: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query, params or None)  # With parameters, "%" has a meaning.


def kill_connection() -> None:
    """Have the server end the connection of this thread, as at its restart."""
    inner: Any = connection.connection
    if inner is None:
        return
    postgresql = connection.vendor == "postgresql"
    identifier = inner.info.backend_pid if postgresql else inner.thread_id()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            if postgresql:  # The milliseconds are the longest time to wait for its end.
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [identifier])
            else:
                cursor.execute(f"KILL {identifier}")
    finally:
        other.close()


def raise_database_error(code: str) -> None:
    """Have the server raise one of its own errors.

    :param code: an SQLSTATE of PostgreSQL, or a number of MariaDB.
    """
    if connection.vendor == "postgresql":
        execute(f"DO $$ BEGIN RAISE EXCEPTION 'as requested' USING ERRCODE = '{code}'; END $$")
    else:
        execute(f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'as requested'")


class FailingStep:
    """A pipeline step that meets the errors of the database in its first calls.

    :ivar errors: functions that raise one.
    """

    errors: list[Any] = []
    calls = 0

    @classmethod
    def expect(cls, *errors: Any) -> None:
        cls.errors, cls.calls = list(errors), 0

    @classmethod
    def run(cls, *args: Any, **kwargs: Any) -> None:
        cls.calls += 1
        if cls.errors:
            cls.errors.pop(0)()


fail = FailingStep.run
