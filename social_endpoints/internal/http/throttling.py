"""How often the endpoints may be called: by one address, and by one user."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from ipaddress import IPv4Address, ip_address
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from social_endpoints.conf import NAME, settings
from social_endpoints.exceptions import log_failure

# What DRF documents. It looks at the first letter alone, and takes a month for a minute.
_RATE = re.compile(r"[1-9][0-9]*/(s|sec|second|m|min|minute|h|hour|d|day)")


class EndpointThrottle(SimpleRateThrottle):
    """The base of both. All endpoints count together.

    Without a rate nothing is counted. Where the cache cannot be reached, the request goes
    on, and the log says so.
    """

    scope = "social_endpoints"
    kind: ClassVar[str]

    num_requests: int
    duration: int

    def get_rate(self) -> str | None:
        """Return the rate of ``THROTTLE_RATES``, read now.

        :raises ImproperlyConfigured: the setting is wrong.
        """
        for wrong in wrong_rates():
            raise ImproperlyConfigured(wrong)
        return (settings.THROTTLE_RATES or {}).get(self.kind)

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Say whether the request may go on, and count it if so."""
        try:
            return super().allow_request(request, view)
        except Exception as error:  # noqa: BLE001 - each cache has its own
            log_failure("Requests cannot be counted", error)
            return True

    def key_of(self, client: Any) -> str:
        """Return under which key a client is counted."""
        # A hash: a header may be too long for a key, and addresses are nobody's business.
        ident = sha256(f"{self.kind} {client}".encode()).hexdigest()
        return self.cache_format % {"scope": self.scope, "ident": ident}

    def wait(self) -> float:
        """Return the seconds until the next request may go on.

        DRF's own knows none where the rate has been lowered.
        """
        return float(self.duration - (self.now - self.history[self.num_requests - 1]))


class AnonThrottle(EndpointThrottle):
    """Counts those who are nobody yet, by address, which ``NUM_PROXIES`` says where to find."""

    kind = "anon"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        """Return the key of the address, or None for who is logged in."""
        return None if _is_known(request) else self.key_of(_host(self.get_ident(request)))


class UserThrottle(EndpointThrottle):
    """Counts those who are logged in, wherever they call from."""

    kind = "user"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        """Return the key of the user, or None for who is not logged in."""
        return self.key_of(request.user.pk) if _is_known(request) else None


THROTTLES = (AnonThrottle, UserThrottle)


def wrong_rates() -> Iterator[str]:
    """Return what is wrong with ``THROTTLE_RATES``, in words."""
    rates: Any = settings.THROTTLE_RATES or {}
    if not isinstance(rates, Mapping):
        yield f"{NAME}['THROTTLE_RATES'] is not a dictionary."
        return
    kinds = [throttle.kind for throttle in THROTTLES]
    for kind, rate in rates.items():
        if kind not in kinds:
            yield f"{NAME}['THROTTLE_RATES'] names {kind!r}: there are 'anon' and 'user'."
        elif rate is not None and not (isinstance(rate, str) and _RATE.fullmatch(rate)):
            yield f"{NAME}['THROTTLE_RATES'][{kind!r}] is {rate!r}, which is no rate."


def _host(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or an IPv6 network of 64 bits.

    Of an IPv6 address a host chooses the lower half as it likes, and anew for each request
    (RFC 4291 section 2.5.1, RFC 8981). What is no address counts as it is.
    """
    try:
        host = ip_address(address)
    except ValueError:
        return address
    if isinstance(host, IPv4Address):
        return str(host)
    # A socket for both writes an IPv4 address as "::ffff:192.0.2.1" (RFC 4291 section 2.5.5.2).
    return str(host.ipv4_mapped or f"{int(host) >> 64:x}/64")


def _is_known(request: Request) -> bool:
    return bool(request.user and request.user.is_authenticated)
