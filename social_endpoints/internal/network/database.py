"""Database connections: those released while a provider is asked, and one beside a transaction."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from django.db import connections, transaction

from social_endpoints.conf import settings

T = TypeVar("T")


def release_connections() -> None:
    """Return this thread's database connections to their pools, or close them.

    ``RELEASE_DATABASE_CONNECTIONS`` decides which of them. Django opens a connection again for the
    next query.
    """
    for connection in connections.all(initialized_only=True):
        # An open transaction keeps its connection: atomic() turns autocommit off. Django itself
        # keeps an SQLite database in memory.
        is_open = connection.connection is not None
        if is_open and _is_chosen(connection) and transaction.get_autocommit(connection.alias):
            connection.close()


def _is_chosen(connection: Any) -> bool:
    choice = settings.RELEASE_DATABASE_CONNECTIONS
    is_pooled = bool(connection.settings_dict["OPTIONS"].get("pool"))
    return choice is True or (choice == "auto" and is_pooled)


def on_own_connection(work: Callable[[], T]) -> T:
    """Run work that commits although the caller's transaction is open.

    It runs in a thread, which has its own database connections and closes them. They are in
    autocommit mode, also if ``AUTOCOMMIT`` is off. They do not come from Django's pools, whose
    connections may all belong to callers that wait. The caller waits meanwhile, so locks of the
    caller's transaction block the work.
    """

    def run() -> T:
        try:
            _replace_connections()
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(copy_context().run, run).result()


def _replace_connections() -> None:
    """Use connections without a pool and with autocommit in this thread."""
    for connection in connections.all():
        changed = {**connection.settings_dict, "AUTOCOMMIT": True}
        options = connection.settings_dict["OPTIONS"]
        if options.get("pool"):
            changed["OPTIONS"] = {**options, "pool": False}
        connections[connection.alias] = type(connection)(changed, connection.alias)
