"""Django's cache ``default``, which is not used for a few seconds after a failure.

A cache server that hangs costs its client's time-out for each operation. So after a failure, the
request does not use the cache again, and the process does not use it for :data:`PAUSE` seconds.
Then one operation tries the cache, and the others do not wait for it. An operation that has not
ended after :data:`MAX_WAIT` seconds is a failure: a client may have no time-out, or hide errors.

Use :data:`cache` as Django's ``cache``. All its methods raise :class:`CacheUnavailable`, a 503 if
it is not caught, in place of the exceptions of the backend. Mistakes of the caller, such as an
invalid key, pass unchanged. Use :data:`optional_cache` if a result is not worth waiting for: a
request that has spent :data:`MAX_SECONDS` with the cache gets :class:`CacheUnavailable` from it.
A backend that hides its errors is used again, unless an operation takes that long.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any, cast

from django.conf import settings as django_settings
from django.core.cache import cache as default_cache
from django.core.cache.backends.base import BaseCache

from social_endpoints.internal.errors.failures import CACHE_MISTAKES, CacheUnavailable
from social_endpoints.internal.retries import retry_once
from social_endpoints.internal.translation import log_failure

__all__ = ["CLOCK_SKEW", "CacheUnavailable", "cache", "limit_cache_use", "optional_cache"]

PAUSE = 5.0
"""Seconds after a failure for which the process does not use the cache."""

MAX_WAIT = 3.0
"""Seconds after which an operation is a failure, even while it still runs."""

TRIAL = 60.0
"""Seconds after which an operation that tries the cache again counts as failed."""

MAX_SECONDS = 1.0
"""Seconds of one request after which :data:`optional_cache` is not used."""

CLOCK_SKEW = 60
"""Seconds by which the clock of another server that uses the cache may be ahead."""


@dataclass(frozen=True, slots=True, eq=False)
class _Status:
    """Whether the cache works, by its last operations.

    :param caches: the setting ``CACHES``. Another one has a status of its own.
    :param retry_at: when the cache may be tried, by ``time.monotonic()``; None if it works.
    :param operations: those that have begun with this status and not ended, with their start, the
        oldest one first.
    """

    caches: Any
    retry_at: float | None = None
    operations: dict[object, float] = field(default_factory=dict)


class _Process:
    """The status of the cache in this process."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget the status. A thread that a forked child does not have may hold the old lock."""
        self._lock = Lock()
        self._status = _Status(None)

    def begin(self, operation: object) -> _Status | None:
        """Return the status to begin an operation with, or None if the cache is not used now."""
        now = time.monotonic()
        with self._lock:
            status = self._status
            if status.caches is not django_settings.CACHES:
                status = self._status = _Status(django_settings.CACHES)
            oldest = next(iter(status.operations.values()), now)
            is_hanging = status.retry_at is None and now - oldest >= MAX_WAIT
            if is_hanging:
                self._status = _Status(status.caches, now + PAUSE)
            elif status.retry_at is None or now >= status.retry_at:
                if status.retry_at is not None:
                    status = self._status = _Status(status.caches, now + TRIAL)
                status.operations[operation] = now
                return status
        if is_hanging:
            log_failure("cache failed", TimeoutError())
        return None

    def end(self, operation: object, status: _Status, *, is_failure: bool) -> bool:
        """End an operation. Return whether it is the first that failed."""
        with self._lock:
            del status.operations[operation]
            is_current = self._status is status
            if is_current and is_failure:
                self._status = _Status(status.caches, time.monotonic() + PAUSE)
            elif is_current and status.retry_at is not None:
                self._status = _Status(status.caches)
        return is_current and is_failure


_process = _Process()
with suppress(AttributeError):  # Windows has no fork.
    os.register_at_fork(after_in_child=_process.clear)


@dataclass(slots=True)
class _Request:
    """The use of the cache by one request."""

    has_failed: bool = False
    seconds: float = 0.0


_request: ContextVar[_Request | None] = ContextVar("social_endpoints_cache", default=None)


@contextmanager
def limit_cache_use() -> Iterator[None]:
    """Treat the ``with`` block as one request, which does not use the cache after a failure."""
    token = _request.set(_Request())
    try:
        yield
    finally:
        _request.reset(token)


class _GuardedCache:
    """The methods of the cache ``default``, each of which is one operation.

    :param is_optional: whether to limit the time that one request spends with the cache.
    """

    def __init__(self, *, is_optional: bool = False) -> None:
        self._is_optional = is_optional

    def __getattr__(self, method: str) -> Any:
        return partial(self._ask, method)

    def _ask(self, method: str, *args: Any, **kwargs: Any) -> Any:
        request = _request.get() or _Request()
        is_slow = self._is_optional and request.seconds >= MAX_SECONDS
        operation = object()
        status = None if request.has_failed or is_slow else _process.begin(operation)
        if status is None:
            raise CacheUnavailable("The cache has failed or is slow, and is not used at present.")
        failure: BaseException | None = None
        try:
            # The cache may be a table of a database.
            return retry_once(partial(getattr(default_cache, method), *args, **kwargs))
        except CACHE_MISTAKES:
            raise
        except Exception as error:
            failure = error
            raise CacheUnavailable(f"The cache has failed: {type(error).__name__}") from error
        except BaseException as error:  # A time limit of the server, for example.
            failure = error
            raise
        finally:
            seconds = time.monotonic() - status.operations[operation]
            if failure is None and seconds >= MAX_WAIT:  # The backend may hide its errors.
                failure = TimeoutError()
            request.seconds += seconds
            request.has_failed = failure is not None
            is_first = _process.end(operation, status, is_failure=request.has_failed)
            if is_first and isinstance(failure, Exception):
                log_failure("cache failed", failure)


cache = cast("BaseCache", _GuardedCache())
optional_cache = cast("BaseCache", _GuardedCache(is_optional=True))
