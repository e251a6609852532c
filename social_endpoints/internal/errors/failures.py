"""Classify an exception by its type and traceback: a failure of storage, of code or of data."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Iterator
from itertools import islice
from pickle import PickleError
from types import ModuleType

from django.conf import Settings, UserSettingsHolder
from django.contrib.sessions.backends.base import SessionBase
from django.core.cache.backends.base import BaseCache
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch
from social_core.backends.base import BaseAuth
from social_core.strategy import BaseStrategy

MAX_CAUSES = 8
_MAX_NESTED = 32

_DATABASE_FAILURES = (OperationalError, InterfaceError, InternalError)

# Some databases report a mistake in a query as an OperationalError, InterfaceError or
# InternalError. SQLite does so with its general error and for a wrong call. These are the errors
# of MySQL and MariaDB whose SQLSTATE has class 21, 22 or 42, as far as queries cause them: an
# unknown column or function, a missing privilege, or a text that the column does not support.
_MYSQL_MISTAKES = frozenset(
    {1052, 1054, 1055, 1066, 1093, 1109, 1136, 1140, 1142, 1143, 1222, 1241, 1242, 1247, 1248}
    | {1264, 1267, 1270, 1271, 1292, 1305, 1318, 1364, 1365, 1366, 1370, 1411, 1582, 1630, 1690}
    | {3140, 3141, 3143, 3144}
)

# PostgreSQL: the classes "invalid transaction state" and "PL/pgSQL error" are mistakes, such as a
# query after a failed one. This excludes time limits and a server that only reads.
_SQLSTATE_MISTAKES = ("25", "P0")

_SQLITE_MISTAKES = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_RANGE})

_READ_ONLY = frozenset({"25006", "1290", "1792", "1836"})

# The server or its user has the maximum number of connections: PostgreSQL, and
# ER_CON_COUNT_ERROR, ER_TOO_MANY_USER_CONNECTIONS and ER_USER_LIMIT_REACHED.
_TOO_MANY_CONNECTIONS = frozenset({"53300", "1040", "1203", "1226"})
_TIME_LIMITS = frozenset({"25P03", "25P04"})

# Deadlocks, and transactions that others have overtaken: serialization failures of PostgreSQL, and
# ER_CHECKREAD, ER_LOCK_DEADLOCK, ER_LOCK_NOWAIT.
_LOCK_ERRORS = frozenset({"40001", "40P01", "1020", "1213", "3572"})
_LOCK_TIME_OUTS = frozenset({"55P03", "1205"})

# A table, a column or a privilege is missing: migrations have not run, for example.
_SCHEMA_MISTAKES = frozenset({"3F000", "42501", "42703", "42P01", "1054", "1142", "1143", "1146"})

# libpq reports no SQLSTATE if it cannot connect, but PostgreSQL's message.
_CONNECT_MESSAGES = {
    "too many": "53300",
    "connection slots": "53300",
    "no more connections": "53300",  # PgBouncer's max_client_conn
    "starting up": "57P03",
    "shutting down": "57P03",
    "recovery mode": "57P03",
    "authentication failed": "28P01",
}

CACHE_MISTAKES = (
    AttributeError,
    ImportError,
    ImproperlyConfigured,
    LookupError,
    NameError,
    PickleError,
    TypeError,
    ValueError,
)
"""The exceptions that a cache raises if its caller or its settings are wrong."""

_DATA_ERRORS = (
    AttributeError,
    LookupError,
    OverflowError,
    RecursionError,
    StopIteration,
    TypeError,
    ValueError,
)
_CODE_ERRORS = (ImportError, NameError, NoReverseMatch, NotImplementedError)

# The types of JSON's values. An attribute that all of them lack is misspelled.
_JSON = (dict, list, str, int, float, bool)

# Objects that no response contains. If one lacks an attribute, its name is misspelled, or a setting
# is missing.
_PROJECT_OBJECTS = (
    BaseAuth,
    BaseStrategy,
    HttpRequest,
    Model,
    ModuleType,
    Settings,
    UserSettingsHolder,
    type,
)


class CacheUnavailable(Exception):
    """The cache ``default`` has failed, or is not used because it has failed."""


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and its causes, up to a limit: an exception can be its own cause."""
    for _ in range(MAX_CAUSES):
        if error is not None:
            yield error
            cause = error.__cause__
            error = error.__context__ if cause is None else cause


def nested_exceptions(error: BaseException) -> list[BaseException]:
    """Return an exception and those in its arguments, its reason and its causes, up to a limit.

    requests and urllib3 nest exceptions in these ways, and they may refer to one another.
    """
    chain = [error]
    for current in islice(chain, _MAX_NESTED):  # The list grows.
        related = *current.args, getattr(current, "reason", None), current.__cause__
        chain += [each for each in related if isinstance(each, BaseException)][:MAX_CAUSES]
    return chain


def is_storage_failure(error: BaseException) -> bool:
    """Return whether the project's database or cache has failed, so that a retry can succeed."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        if is_database_failure(cause) or _is_cache_failure(cause):
            return True
        seen.append(cause)
        cause = cause.__cause__
    return False


def is_database_failure(error: BaseException) -> bool:
    """Return whether the database has failed. A wrong query is an error of the project instead."""
    if isinstance(error, _DATABASE_FAILURES):
        return not _is_query_mistake(error.__cause__)
    # Django raises it itself if ``save(force_update=True)`` finds no row. The driver raises it
    # for a damaged file, for example, and is then its cause.
    return type(error) is DatabaseError and error.__cause__ is not None


def find_database_failure(error: BaseException) -> BaseException | None:
    """Return the failure of the database that has led to an exception, or None.

    An exception that was raised while a failure was handled counts, unless it was raised with
    ``from None``.
    """
    for cause in causes(error):
        if is_database_failure(cause):
            return cause
        if cause.__cause__ is None and cause.__suppress_context__:
            break
    return None


def database_code(failure: BaseException) -> str:
    """Return the database's own code of a failure, for example ``53100`` or ``SQLITE_FULL``.

    That is the SQLSTATE of PostgreSQL, the number of MySQL and MariaDB, or the name of SQLite.
    Without a code, it is the type of the driver's exception.
    """
    cause = failure.__cause__ or failure
    for name in ("sqlstate", "pgcode", "sqlite_errorname"):
        if code := getattr(cause, name, None):
            return str(code)
    number = cause.args[0] if cause.args else None
    if isinstance(number, int):
        return str(number)
    text = str(number)
    found = (code for message, code in _CONNECT_MESSAGES.items() if message in text)
    return next(found, type(cause).__name__) if "FATAL" in text else type(cause).__name__


def is_lock_error(failure: BaseException) -> bool:
    """Return whether another transaction has caused a failure, so that a new one may succeed."""
    return database_code(failure) in _LOCK_ERRORS or is_lock_time_out(failure)


def is_lock_time_out(failure: BaseException) -> bool:
    """Return whether the database may have waited for the lock, for as long as its settings say."""
    code = database_code(failure)
    return code in _LOCK_TIME_OUTS or code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def has_no_free_connection(failure: BaseException) -> bool:
    """Return whether the server accepts no further connection at the moment."""
    return database_code(failure) in _TOO_MANY_CONNECTIONS


def is_read_only(failure: BaseException) -> bool:
    """Return whether the server or the file does not accept writes."""
    code = database_code(failure)
    return code in _READ_ONLY or code.startswith("SQLITE_READONLY")


def is_code_error(error: Exception) -> bool:
    """Return whether only a mistake in the code raises this exception, whatever the data is."""
    if isinstance(error, DatabaseError):
        code = database_code(error)
        return code in _SCHEMA_MISTAKES or (code == "SQLITE_ERROR" and "no such " in str(error))
    if not isinstance(error, AttributeError):
        return isinstance(error, _CODE_ERRORS)
    if type(error.obj) in _JSON:  # Not None, which may stand for an object of any type.
        return not any(hasattr(each, str(error.name)) for each in _JSON)
    return isinstance(error.obj, _PROJECT_OBJECTS)


def is_data_error(error: Exception) -> bool:
    """Return whether data of an unexpected type or form can raise this exception."""
    return isinstance(error, _DATA_ERRORS) and not is_code_error(error)


def _is_query_mistake(cause: BaseException | None) -> bool:
    if getattr(cause, "sqlite_errorcode", -1) & 0xFF in _SQLITE_MISTAKES:  # The primary code.
        return True
    if cause is None:
        return False
    code = database_code(cause)
    if code.startswith(_SQLSTATE_MISTAKES) and code not in _READ_ONLY | _TIME_LIMITS:
        return bool(getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None))
    return code.isdecimal() and cause.args[:1] in {(number,) for number in _MYSQL_MISTAKES}


def _is_cache_failure(error: BaseException) -> bool:
    """Return whether a method of a cache or of a session has raised the exception.

    Each backend raises its own exceptions, so the traceback is examined.
    """
    if isinstance(error, CacheUnavailable):
        return True
    if isinstance(error, CACHE_MISTAKES):
        return False
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    # ``get_or_set()`` also calls a function of the project.
    return any(
        isinstance(frame.f_locals.get("self"), (BaseCache, SessionBase))
        and not frame.f_code.co_name.endswith("get_or_set")
        for frame in frames
    )
