"""Database errors in the n-th statement of a request, raised by the server itself where it can."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.db import Error, connection

_END = {
    "postgresql": "SELECT pg_terminate_backend(pg_backend_pid())",
    "mysql": "KILL CONNECTION_ID()",
}

WRITES = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True)
class Fault:
    """One kind of error.

    :param sqlstate: of PostgreSQL; None if the connection is cut.
    :param number: of MariaDB.
    :param sqlite: class, code and name in Python's module. SQLite has no connection to cut.
    :param is_permanent: whether all later statements fail as well.
    :param only_writes: whether only writing statements can fail so.
    """

    name: str
    sqlstate: str | None
    number: int
    sqlite: tuple[type[sqlite3.Error], int, str]
    is_permanent: bool = False
    only_writes: bool = False

    def execute(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Fail in place of a statement."""
        if connection.vendor == "sqlite":
            with connection.wrap_database_errors:
                self._raise()
        if self.sqlstate is None:
            with suppress(Error):
                execute(_END[connection.vendor], None, False, context)
            return execute(sql, params, many, context)
        if connection.vendor == "postgresql":
            code = f"RAISE EXCEPTION 'simulated' USING ERRCODE = '{self.sqlstate}'"
            return execute(f"DO $$ BEGIN {code}; END $$", None, False, context)
        if self.name.startswith("lock"):  # InnoDB rolls the transaction back.
            execute("ROLLBACK", None, False, context)
        text = f"SET MYSQL_ERRNO = {self.number}, MESSAGE_TEXT = 'simulated'"
        return execute(f"SIGNAL SQLSTATE '45000' {text}", None, False, context)

    def _raise(self) -> None:
        error_type, code, name = self.sqlite
        error = error_type("simulated")
        error.sqlite_errorcode, error.sqlite_errorname = code, name
        raise error


def end_connection() -> None:
    """Let the server end the connection."""
    with suppress(Error), connection.cursor() as cursor:
        cursor.execute(_END[connection.vendor])


LOCK = Fault("lock", "40P01", 1213, (sqlite3.OperationalError, 5, "SQLITE_BUSY"))
CUT = Fault("cut", None, 0, (sqlite3.OperationalError, 10, "SQLITE_IOERR"))
DOWN = Fault("down", None, 0, (sqlite3.OperationalError, 10, "SQLITE_IOERR"), is_permanent=True)
FULL = Fault(
    *("full", "53100", 1114, (sqlite3.OperationalError, 13, "SQLITE_FULL")),
    is_permanent=True,
    only_writes=True,
)
COLLISION = Fault(
    *("collision", "23505", 1062, (sqlite3.IntegrityError, 2067, "SQLITE_CONSTRAINT_UNIQUE")),
    only_writes=True,
)
FAULTS = [LOCK, CUT, DOWN, FULL, COLLISION]


@dataclass
class Statements:
    """Counts the statements inside ``with connection.execute_wrapper(…)``, and lets one fail.

    :param fail_at: number of the statement, from 1; 0 for none.
    """

    fault: Fault | None = None
    fail_at: int = 0
    seen: list[str] = field(default_factory=list)
    has_failed: bool = False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.seen.append(sql)
        if self.fault is None or len(self.seen) < self.fail_at:
            return execute(sql, params, many, context)
        is_due = len(self.seen) == self.fail_at or self.fault.is_permanent
        if not is_due or (self.fault.only_writes and not sql.startswith(WRITES)):
            return execute(sql, params, many, context)
        self.has_failed = True
        return self.fault.execute(execute, sql, params, many, context)
