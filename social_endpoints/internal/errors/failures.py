"""Classify an exception by its type and traceback: a failure of storage, of code or of data."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Iterator
from pickle import PickleError
from types import ModuleType

from django.conf import Settings, UserSettingsHolder
from django.core.cache.backends.base import BaseCache
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch
from social_core.backends.base import BaseAuth
from social_core.strategy import BaseStrategy

MAX_CAUSES = 8

_DATABASE_FAILURES = (OperationalError, InterfaceError, InternalError)

# Some databases report a mistake in a query as an OperationalError or InternalError. SQLite does
# so with its general error, MySQL and MariaDB for an unknown column or function, a missing
# default, and a text that the collation or the column does not support.
_MYSQL_MISTAKES = frozenset({1054, 1267, 1305, 1364, 1366, 3140})

# PostgreSQL: a query after a failed one in the same transaction, or without a required transaction.
_SQLSTATE_MISTAKES = frozenset({"25P01", "25P02"})

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

# The types of JSON's values. An attribute that none of them has is misspelled.
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


def is_code_error(error: Exception) -> bool:
    """Return whether only a mistake in the code raises this exception, whatever the data is."""
    if not isinstance(error, AttributeError):
        return isinstance(error, _CODE_ERRORS)
    if type(error.obj) in _JSON:  # Not None, which may stand for an object of any type.
        return not any(hasattr(each, str(error.name)) for each in _JSON)
    return isinstance(error.obj, _PROJECT_OBJECTS)


def is_data_error(error: Exception) -> bool:
    """Return whether data of an unexpected type or form can raise this exception."""
    return isinstance(error, _DATA_ERRORS) and not is_code_error(error)


def _is_query_mistake(cause: BaseException | None) -> bool:
    if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        return True
    if (getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)) in _SQLSTATE_MISTAKES:
        return True
    return isinstance(cause, Exception) and cause.args[:1] in {(code,) for code in _MYSQL_MISTAKES}


def _is_cache_failure(error: BaseException) -> bool:
    """Return whether a method of a cache has raised the exception.

    Each cache backend raises its own exceptions, so the traceback is examined.
    """
    if isinstance(error, CacheUnavailable):
        return True
    if isinstance(error, CACHE_MISTAKES):
        return False
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    # ``get_or_set()`` also calls a function of the project.
    return any(
        isinstance(frame.f_locals.get("self"), BaseCache)
        and not frame.f_code.co_name.endswith("get_or_set")
        for frame in frames
    )
