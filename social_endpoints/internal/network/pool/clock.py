"""Seconds that pass, also while the machine sleeps: a provider closes connections meanwhile."""

from __future__ import annotations

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", None)  # Linux


def now() -> float:
    """Return seconds since some moment, which no change of the time of day moves."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)
