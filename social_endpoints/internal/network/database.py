"""The database connections of a request, which it does not need while a provider is asked."""

from __future__ import annotations

from typing import Any

from django.db import connections, transaction

from social_endpoints.conf import settings


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
