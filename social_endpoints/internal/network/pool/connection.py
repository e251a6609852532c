"""What a connection does besides: it keeps to the deadline, and knows how long it is kept."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from http.client import HTTPMessage, HTTPResponse
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection

from social_endpoints.conf import get_seconds
from social_endpoints.internal.network.deadline import within
from social_endpoints.internal.network.pool.answer import Answer, Unprocessed
from social_endpoints.internal.network.pool.clock import now

MAX_AGE = 600
"""Seconds after which a connection is opened anew: the provider's address and certificate
are looked at then."""

# Not what would be days, nor what no number of Python's is.
_KEEP_ALIVE = re.compile(r"\btimeout\s*=\s*(\d{1,6})\b", re.IGNORECASE)

if TYPE_CHECKING:
    _Connection = HTTPConnection
else:
    _Connection = object


class KeptConnection(_Connection):
    """A mixin above one of urllib3's classes for a connection."""

    is_reused = False
    """Whether a request has been answered on it before."""

    ends = 0.0
    """When it is to be closed if it is idle, by :func:`now`."""

    def connect(self) -> None:
        """Connect, by the deadline of this login."""
        self.is_reused = False
        self._opened = now()
        self.timeout = within(self.timeout or math.inf)
        super().connect()

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request, by the deadline of this login.

        :raises Unprocessed: not all of it could be sent.
        """
        self.timeout = within(self.timeout or math.inf)
        try:
            # In two parts, head and body, as http.client does it: see good_once().
            super().request(*args, **kwargs)
        except TimeoutError:
            raise
        except OSError as error:
            if self.is_reused:
                raise Unprocessed from error
            raise

    def response_class(  # type: ignore[override]  # a class there; http.client only calls it
        self, *args: Any, **kwargs: Any
    ) -> HTTPResponse:
        """Return what reads an answer."""
        return Answer(self, *args, **kwargs)

    def keep_as(self, headers: HTTPMessage) -> None:
        """Note how long to keep the connection that an answer came on.

        A provider may say for how long it does (``Keep-Alive``, RFC 2068 section 19.7.1). Ours
        ends first: what is sent to a connection while it closes is lost.
        """
        idle = get_seconds("HTTP_POOL_IDLE")
        told = _KEEP_ALIVE.search(headers.get("Keep-Alive", ""))
        if told:
            idle = min(idle, int(told[1]) - min(1, int(told[1]) / 2))
        self.ends = min(now() + idle, self._opened + MAX_AGE)


@lru_cache
def kept(kind: type[Any]) -> Any:
    """Return a class of urllib3's for connections (to a provider, or to a proxy) as one of ours."""
    return type(kind.__name__, (KeptConnection, kind), {})
