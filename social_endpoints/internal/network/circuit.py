"""A circuit breaker: a provider that does not respond is not asked for a while.

After several time-outs in a row, a circuit opens: logins that would send the same request are
refused at once. After a pause, one login of all processes is the probe, and a response to it
closes the circuit. The state is stored in the cache ``default`` or, if that does not work, in each
process.
"""

from __future__ import annotations

import hashlib
import logging
import math
import re
import secrets
import time
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

import requests
from django.core.cache.backends.base import BaseCache
from urllib3 import exceptions

from social_endpoints import signals
from social_endpoints.conf import get_limit, get_seconds
from social_endpoints.exceptions import AuthProviderUnavailable
from social_endpoints.internal.cache import CLOCK_SKEW
from social_endpoints.internal.errors.failures import nested_exceptions
from social_endpoints.internal.log.events import log_event
from social_endpoints.internal.network import document_cache, substitutes
from social_endpoints.internal.network.document_cache import run_in_cache, store_in_cache

MEMORY = 3_600
"""Seconds after which time-outs are forgotten."""

PROBE_MARGIN = 10
"""Seconds, in addition to ``LOGIN_TIMEOUT``, after which another login becomes the probe. The
worker of the first probe may have been killed."""

PAUSE_RATIO = 9
"""A pause after a failed probe is at least this many times as long as the probe. So the probes take
at most a tenth of the time of one worker."""

_TIMEOUTS = (requests.Timeout, exceptions.TimeoutError, TimeoutError)

Send = Callable[[], requests.Response]


class Outcome(IntEnum):
    """The outcome of a request. That of a login is the highest one of its requests."""

    NOT_SENT = 0
    """The URL or a header is invalid, perhaps because of a value from the browser."""
    FAILURE = 1
    """No response, but no time-out either. It does not show how long a login would wait."""
    RESPONSE = 2
    TIMEOUT = 3


class Circuit:
    """The circuit for logins that begin with the same request.

    Tenants may use different endpoints, proxies and time-outs, and a browser may name a host. So
    all of these identify the circuit. The query does not, because it contains values of one login.

    :param options: the arguments of ``requests.request()``.
    """

    def __init__(self, provider: str, url: str, options: Mapping[str, Any]) -> None:
        endpoint = re.split("[?#]", str(url), maxsplit=1)[0]
        identity = [provider, endpoint, *map(options.get, ("timeout", "proxies", "verify"))]
        identity += substitutes.identity(provider)
        digest = hashlib.sha256(repr(identity).encode()).hexdigest()
        self._count_name = f"social_endpoints.circuit.{digest}"
        self._pause_name = f"{self._count_name}.pause"
        self._provider = provider
        self._host = endpoint.partition("://")[2].partition("/")[0].rpartition("@")[2]
        timeout = options.get("timeout")
        timeouts = timeout if isinstance(timeout, tuple) else (timeout,)
        seconds = (each for each in timeouts if isinstance(each, (int, float)))
        self._timeout = min(seconds, default=math.inf)
        self._limit: int | None = None
        self._pause = 0.0
        self._count = 0
        self._is_probe = False
        self._outcome = Outcome.NOT_SENT
        self._seconds = 0.0

    def begin(self) -> None:
        """Require that the circuit is closed, or become the probe.

        A login costs one read of the cache if the provider is healthy.

        :raises AuthProviderUnavailable: the circuit is open.
        """
        self._limit = get_limit("PROVIDER_TIMEOUTS")
        if self._limit is None:
            return
        self._pause = max(get_seconds("PROVIDER_PAUSE"), 1)  # Caches store whole seconds.
        self._count = self._stored_count()
        if self._count < self._limit:
            return
        login_timeout = get_seconds("LOGIN_TIMEOUT")
        own = _pause_value(min(self._timeout, login_timeout))
        current = self._reserve_pause(own, min(login_timeout, MEMORY) + PROBE_MARGIN)
        if current != own:
            raise AuthProviderUnavailable(_remaining(current), cause="circuit_open")
        self._is_probe = True

    def _stored_count(self) -> int:
        count = run_in_cache(lambda target: target.get(self._count_name))
        return count if isinstance(count, int) else 0

    def ask(self, send: Send) -> requests.Response:
        """Send a request and record its outcome."""
        started = time.monotonic()
        error: BaseException | None = None
        try:
            return send()
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._seconds += time.monotonic() - started
            self._outcome = max(self._outcome, self._outcome_of(error))

    def _outcome_of(self, error: BaseException | None) -> Outcome:
        if error is None:
            return Outcome.RESPONSE
        if is_timeout_error(error):
            # A slow database can use up the time budget of a login, so that little time is left.
            is_budget = not isinstance(error, (requests.ConnectionError, requests.ReadTimeout))
            limit = min(self._timeout, get_seconds("LOGIN_TIMEOUT"))
            is_early = is_budget and self._seconds < limit / 2
            return Outcome.FAILURE if is_early else Outcome.TIMEOUT
        if isinstance(error, ValueError):
            return Outcome.NOT_SENT
        has_failed = isinstance(error, requests.ConnectionError)
        is_response = isinstance(error, requests.RequestException) and not has_failed
        return Outcome.RESPONSE if is_response else Outcome.FAILURE

    def end(self) -> None:
        """Count a login with a time-out. After a login with responses only, forget earlier ones."""
        if self._limit is None:
            return
        if self._outcome == Outcome.TIMEOUT:
            self._count_timeout(self._limit)
        elif self._outcome == Outcome.RESPONSE:
            self._close(self._limit)
        elif self._is_probe and self._outcome == Outcome.FAILURE:
            self._pause_again(self._count)
        elif self._is_probe:
            _delete(self._pause_name)

    def _count_timeout(self, limit: int) -> None:
        count = run_in_cache(self._increase) or 1
        if self._is_probe:
            self._pause_again(count)
        elif count >= limit:
            own = _pause_value(self._pause)
            if self._reserve_pause(own, self._pause) == own:
                store_in_cache(self._count_name, count, MEMORY + self._pause)
            # The others have begun before the circuit opened. One of them may have set the pause.
            if count == limit:
                self._report(is_available=False, retry_after=math.ceil(self._pause))

    def _increase(self, target: BaseCache) -> int | None:
        target.add(self._count_name, 0, MEMORY)
        try:
            return target.incr(self._count_name)
        except ValueError:  # The cache has not stored it.
            return None

    def _pause_again(self, count: int) -> None:
        seconds = max(self._pause, PAUSE_RATIO * self._seconds)
        store_in_cache(self._count_name, count, MEMORY + seconds)
        store_in_cache(self._pause_name, _pause_value(seconds), seconds)

    def _close(self, limit: int) -> None:
        if not self._count:
            return
        was_open = self._stored_count() >= limit
        is_first = _delete(self._count_name)
        _delete(self._pause_name)
        if was_open and is_first:
            self._report(is_available=True)

    def _reserve_pause(self, own: str, seconds: float) -> Any:
        """Return the current pause, which is ``own`` if there was none."""

        def reserve(target: BaseCache) -> Any:
            current = target.get(self._pause_name)
            if current is not None and _start(current) > time.time() + CLOCK_SKEW:
                target.delete(self._pause_name)  # The clock was set back.
                current = None
            if current is None:
                target.add(self._pause_name, own, math.ceil(seconds))
            return target.get(self._pause_name)

        return run_in_cache(reserve)

    def _report(self, *, is_available: bool, retry_after: int | None = None) -> None:
        event = "provider available" if is_available else "provider unavailable"
        level = logging.INFO if is_available else logging.WARNING
        log_event(event, level, provider=self._provider, host=self._host, retry_after=retry_after)
        signals.provider_availability_changed.send_robust(
            sender=None, provider=self._provider, host=self._host, is_available=is_available
        )


def is_timeout_error(error: BaseException) -> bool:
    """Return whether a time-out has caused an exception of requests."""
    # urllib3's error for a refused connection is derived from that for a time-out.
    return any(
        isinstance(each, _TIMEOUTS) and not isinstance(each, exceptions.NewConnectionError)
        for each in nested_exceptions(error)
    )


def _pause_value(seconds: float) -> str:
    """Return the end of a pause, which begins now, with a random value and its length."""
    return f"{time.time() + seconds} {secrets.token_hex(8)} {seconds}"


def _remaining(pause: Any) -> int:
    """Return the remaining seconds of a pause."""
    # The clock of another server may differ.
    return math.ceil(min(max(1, _end(pause) - time.time()), MEMORY))


def _end(pause: Any) -> float:
    return _number(str(pause).partition(" ")[0])


def _start(pause: Any) -> float:
    return _end(pause) - _number(str(pause).rpartition(" ")[2])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0


def _delete(name: str) -> bool:
    """Delete an entry from both caches, and return whether there was one."""
    was_stored = document_cache.process_cache.delete(name)
    return bool(run_in_cache(lambda target: target.delete(name))) or was_stored
