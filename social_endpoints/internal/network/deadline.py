"""When a provider must have answered all that it is asked in the course of a login."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import requests

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


class TimeIsUp(requests.Timeout, TimeoutError):
    """A time limit of requests', and one of a socket's: it is looked at in both places."""


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Have what is asked inside end by a deadline, in seconds of ``time.monotonic()``."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def within(seconds: float) -> float:
    """Return for how many seconds to wait: no longer than wanted, and than there is time.

    :raises TimeIsUp: there is none.
    """
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise TimeIsUp("The time for this login is up.")
    return min(left, seconds)
