"""Database work that commits although the caller's transaction is open."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


def on_own_connection(work: Callable[[], T]) -> T:
    """Run work in a thread, which has its own database connections, and close them.

    The caller waits meanwhile, so locks of the caller's transaction block the work.
    """

    def run() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(copy_context().run, run).result()
