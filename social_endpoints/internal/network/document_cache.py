"""Documents that providers publish, stored in Django's cache ``default``.

OpenID Connect discovery and signing keys are the same for every login and rarely change. If the
cache does not work (``DummyCache``, or a server that is down), each process stores them itself.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from social_core.backends.base import BaseAuth

from social_endpoints.internal.cache import CLOCK_SKEW, CacheUnavailable, optional_cache
from social_endpoints.internal.network import substitutes
from social_endpoints.internal.translation import log_failure

MIN_LIFETIME = 300
"""Shortest time, in seconds, for which a document is not requested again."""

MAX_LIFETIME = 3_600
"""Longest time, in seconds, for which a document is not requested again. It also applies to a
response without a ``max-age``. A begin cannot notice that the endpoint to which it sends the
browser has moved."""

GRACE = 86_400
"""Seconds for which an expired document is still used while the provider fails."""

PAUSE = 60
"""Minimum time, in seconds, between two requests for a stored document that cannot be used."""

BURST = 5
"""Requests that anonymous clients can cause at once. Later, they can cause one in each
:data:`REFILL`."""

REFILL = PAUSE // BURST
"""Seconds after which anonymous clients can cause one more request for a document."""

MAX_LENGTH = 200_000
"""Maximum characters of a stored document. Memcached stores at most a megabyte."""

process_cache = LocMemCache("social_endpoints.documents", {})
"""Used if the cache ``default`` does not work. Django limits it to 300 entries."""

Fetch = Callable[[], tuple[Any, str]]
"""Requests a document. Returns it with the ``Cache-Control`` header of the response."""

Check = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A stored document. Times are in seconds since the epoch."""

    document: Any
    fetched: float
    expires: float


class CachedDocument:
    """One document of a provider.

    :param content_type: ``"discovery"`` or ``"jwks"``; part of the name in the cache.
    :param backend: its class and ``VERIFY_SSL`` are part of the name. A document that was
        requested without verifying the certificate must not be used with verification.
    :param is_complete: checks a value of any type. Only complete documents are stored and used
        from the cache.
    :param max_lifetime: replaces :data:`MAX_LIFETIME`.
    :param grace: replaces :data:`GRACE`.
    :ivar is_over_limit: whether :meth:`versions` could not request the current document, because
        anonymous clients have caused too many requests.
    """

    def __init__(
        self,
        content_type: str,
        backend: BaseAuth[Any],
        url: str,
        fetch: Fetch,
        is_complete: Check,
        *,
        max_lifetime: int = MAX_LIFETIME,
        grace: int = GRACE,
    ) -> None:
        path = f"{type(backend).__module__}.{type(backend).__qualname__}"
        parts = [path, url, str(backend.setting("VERIFY_SSL", True))]
        parts += substitutes.identity(backend.name)
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        self._name = f"social_endpoints.{content_type}.{digest}"
        self._provider = backend.name
        self._fetch = fetch
        self._is_complete = is_complete
        self._max_lifetime, self._grace = max_lifetime, grace
        self._entry: _Entry | None = None  # The stored document in use.
        self.is_over_limit = False

    def get(self) -> Any:
        """Return the stored document, or request it.

        An expired document is requested again, at most once in :data:`PAUSE`, and is still
        used if the provider fails or sends an incomplete one. Without a stored document, the
        exceptions of ``fetch`` are raised.
        """
        entry = self._entry = self._read()
        if entry is None:
            return self._request()
        if time.time() < entry.expires or not self._may_request():
            return entry.document
        return self._request_or_log() or entry.document

    def versions(self, *, rate_limited: bool) -> Iterator[Any]:
        """Yield the stored document and then the provider's current one.

        :param rate_limited: request it once in :data:`REFILL`, up to :data:`BURST` times at once.
            Required if anonymous clients can cause the request.
        """
        yield self.get()
        if self._entry is None:
            return
        if self._has_newer():
            yield self._entry.document
        if not rate_limited or self._take_request():
            yield self._request()
        else:
            self.is_over_limit = True

    def renew(self) -> Any:
        """Return the provider's current document, because the one in use does not work.

        It is requested at most once in :data:`PAUSE`. If this login may not request it or the
        provider fails, the result is None, and the next login requests it.
        """
        if self._entry is None:  # This login has requested it.
            return None
        if self._has_newer():
            return self._entry.document
        document = self._request_or_log() if self._may_request() else None
        if document is None:
            self.expire()
        return document

    def expire(self) -> None:
        """Have the next login request the document again, if this login used a stored one."""
        entry, now = self._entry, time.time()
        if entry is not None and now < entry.expires and self._read() == entry:
            self._write(_Entry(entry.document, entry.fetched, now))

    def _has_newer(self) -> bool:
        """Return whether another login has requested the document. If so, use that one."""
        used, stored = self._entry, self._read()
        if used is None or stored is None or stored.fetched <= used.fetched:
            return False
        self._entry = stored
        return True

    def _request_or_log(self) -> Any:
        """Return the provider's document, or None if the request fails or it is incomplete."""
        try:
            document = self._request()
        except Exception as error:  # noqa: BLE001 - the stored document is used after any failure
            log_failure("expired document used", error, provider=self._provider)
            return None
        return document if self._is_complete(document) else None

    def _request(self) -> Any:
        fetched = time.time()
        document, cache_control = self._fetch()
        if self._is_complete(document):
            self._entry = None
            lifetime = min(_lifetime(cache_control), self._max_lifetime)
            self._write(_Entry(document, fetched, fetched + lifetime))
        return document

    def _may_request(self) -> bool:
        """Return whether the caller may request: one caller in each period of :data:`PAUSE`."""
        return _reserve([f"{self._name}.request"])

    def _take_request(self) -> bool:
        """Return whether an anonymous client may cause a request now.

        Each period of :data:`REFILL` allows one, now or during the next :data:`BURST` periods. The
        document that an attacker causes to be requested is also the one that others need.
        """
        period = int(time.time() // REFILL)
        return _reserve([f"{self._name}.{period - age}" for age in reversed(range(BURST))])

    def _write(self, entry: _Entry) -> None:
        with suppress(RecursionError):  # The document is nested too deeply.
            text = json.dumps([entry.fetched, entry.expires, entry.document])
            if len(text) <= MAX_LENGTH:
                store_in_cache(self._name, text, entry.expires - time.time() + self._grace)

    def _read(self) -> _Entry | None:
        """Return the stored document if it is well formed, complete and not too old."""
        text = run_in_cache(lambda target: target.get(self._name))
        if not isinstance(text, str) or len(text) > MAX_LENGTH:
            return None
        try:
            fetched, expires, document = json.loads(text)
            entry = _Entry(document, float(fetched), float(expires))
        except (ValueError, TypeError, OverflowError, RecursionError):
            return None
        is_usable = (
            entry.fetched <= time.time() + CLOCK_SKEW  # False for NaN.
            and entry.expires <= entry.fetched + self._max_lifetime
            and time.time() < entry.expires + self._grace
        )
        return entry if is_usable and self._is_complete(document) else None


def _lifetime(cache_control: str) -> int:
    """Return the ``max-age`` of a response in seconds, within limits (RFC 9111 section 5.2.2)."""
    parts = (part.strip().partition("=") for part in cache_control.lower().split(","))
    directives = {name: value.strip('"') for name, _, value in parts}
    if not directives.keys().isdisjoint({"no-store", "no-cache"}):
        return MIN_LIFETIME
    max_age = directives.get("max-age", str(MAX_LIFETIME))
    seconds = int(max_age[:10]) if max_age.isascii() and max_age.isdigit() else 0
    return min(max(seconds, MIN_LIFETIME), MAX_LIFETIME)


def _reserve(names: list[str]) -> bool:
    """Return whether one of these names is free, and reserve the first one for :data:`PAUSE`.

    A reservation in the future is ignored: after the clock was set back, it would last for hours.
    """

    def reserve(target: BaseCache) -> bool | None:
        now, reserved = time.time(), target.get_many(names)
        for name in [name for name, made in reserved.items() if made > now + CLOCK_SKEW]:
            target.delete(name)
            del reserved[name]
        is_free = any(target.add(name, now, PAUSE) for name in names if name not in reserved)
        return is_free if target.get_many(names) else None

    return bool(run_in_cache(reserve))


def store_in_cache(name: str, value: Any, seconds: float) -> None:
    """Store a value in the cache ``default``, or in the process's if that does not keep it."""

    def store(target: BaseCache) -> Any:
        target.set(name, value, math.ceil(seconds))
        return target.get(name)

    run_in_cache(store)


def run_in_cache(operation: Callable[[BaseCache], Any]) -> Any:
    """Run an operation in the cache ``default``, or in the process's if the result is None."""
    try:
        result = operation(optional_cache)
    except CacheUnavailable:  # Logged by the cache.
        result = None
    except Exception as error:  # noqa: BLE001 - each cache has its own exceptions
        log_failure("cache failed", error)
        result = None
    return operation(process_cache) if result is None else result
