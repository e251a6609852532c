"""The throttles that the setting ``THROTTLE_RATES`` adds to every endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from ipaddress import IPv4Address, ip_address
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle, UserRateThrottle
from rest_framework.views import APIView

from social_endpoints.conf import NAME, settings
from social_endpoints.internal.cache import CLOCK_SKEW, CacheUnavailable, cache
from social_endpoints.internal.translation import log_failure

# The rates that DRF documents. DRF itself reads only the first letter of the period, so it
# takes "10/month" for "10/minute".
_RATE = re.compile(r"[1-9][0-9]*/(s|sec|second|m|min|minute|h|hour|d|day)")


class EndpointThrottle(SimpleRateThrottle):
    """Adapts a throttle of DRF to our settings. All endpoints share one limit.

    If the cache fails, requests are allowed and the failure is logged.
    """

    cache = cache

    scope: str
    num_requests: int
    duration: int
    history: list[float]
    now: float

    def get_rate(self) -> str | None:
        """Return the current rate in ``THROTTLE_RATES``, or None for no limit.

        :raises ImproperlyConfigured: the setting is invalid.
        """
        for problem in find_invalid_rates():
            raise ImproperlyConfigured(problem)
        return (settings.THROTTLE_RATES or {}).get(self.scope)

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        """Return DRF's key as a hash, or None if this throttle does not apply.

        The client's header may be too long for a cache key. The prefix separates our counters
        from DRF's.
        """
        key = super().get_cache_key(request, view)
        return key and f"social_endpoints_{sha256(key.encode()).hexdigest()}"

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Return whether the request is within the limit; if so, count it."""
        try:
            return super().allow_request(request, view)
        except CacheUnavailable:  # Logged by the cache.
            return True
        except Exception as error:  # noqa: BLE001 - each cache backend has its own exceptions
            log_failure("throttle cache failed", error)
            return True

    def throttle_failure(self) -> bool:
        """Return whether requests in the future have caused the failure; if so, count this one.

        After the clock was set back, DRF would count them until they are in the past.
        """
        self.history = [each for each in self.history if each <= self.now + CLOCK_SKEW]
        return len(self.history) < self.num_requests and self.throttle_success()

    def wait(self) -> float:
        """Return the seconds until the next request is allowed.

        DRF's method returns None if the rate has been lowered; then ``Retry-After`` is missing.
        """
        return float(self.duration - (self.now - self.history[self.num_requests - 1]))


class AnonThrottle(EndpointThrottle, AnonRateThrottle):
    """Limits anonymous requests by client address, as ``NUM_PROXIES`` of DRF determines it."""

    def get_ident(self, request: Request) -> str:
        """Return the client's IPv4 address, its IPv6 network of 64 bits, or the unparsed text.

        A host chooses the lower 64 bits of its IPv6 address and can change them for each request
        (RFC 4291 section 2.5.1, RFC 8981).
        """
        ident = super().get_ident(request)
        try:
            address = ip_address(ident)
        except ValueError:
            return str(ident)
        if isinstance(address, IPv4Address):
            return str(address)
        # Dual-stack sockets report IPv4 clients as "::ffff:192.0.2.1" (RFC 4291 section 2.5.5.2).
        return str(address.ipv4_mapped or f"{int(address) >> 64:x}/64")


class UserThrottle(EndpointThrottle, UserRateThrottle):
    """Limits the requests of a signed-in user from all addresses together."""

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        """Return the key of the user, or None for an anonymous request."""
        is_signed_in = request.user and request.user.is_authenticated
        return super().get_cache_key(request, view) if is_signed_in else None


THROTTLES = (AnonThrottle, UserThrottle)


def find_invalid_rates() -> Iterator[str]:
    """Yield a message for each mistake in ``THROTTLE_RATES``."""
    rates: Any = settings.THROTTLE_RATES or {}
    if not isinstance(rates, Mapping):
        yield f"{NAME}['THROTTLE_RATES'] must be a dictionary."
        return
    scopes = [throttle.scope for throttle in THROTTLES]
    for scope, rate in rates.items():
        entry = f"{NAME}['THROTTLE_RATES'][{scope!r}]"
        if scope not in scopes:
            yield f"{entry} is unknown; the keys are 'anon' and 'user'."
        elif rate is not None and not (isinstance(rate, str) and _RATE.fullmatch(rate)):
            yield f"{entry} is {rate!r}; a rate looks like '10/min'."
