"""Signals as a test receives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.dispatch import Signal


@contextmanager
def connected(receiver: Callable[..., Any], *signals: Signal) -> Iterator[None]:
    """Connect a receiver to signals inside the ``with``."""
    with ExitStack() as stack:
        for signal in signals:
            signal.connect(receiver, weak=False)
            stack.callback(signal.disconnect, receiver)
        yield


@contextmanager
def received(*signals: Signal) -> Iterator[list[dict[str, Any]]]:
    """Collect the keyword arguments of each signal sent inside the ``with``."""
    calls: list[dict[str, Any]] = []

    def receive(**kwargs: Any) -> None:
        calls.append(kwargs)

    with connected(receive, *signals):
        yield calls
