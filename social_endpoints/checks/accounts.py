"""System checks of how accounts are made."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Warning
from django.db import connections, router

from social_endpoints.conf import NAME, settings


def check_isolation(**kwargs: Any) -> list[CheckMessage]:
    """Find that one login could not see the account that another one has just made."""
    if not settings.UNIQUE_EMAIL or not _reads_snapshots():
        return []
    return [
        Warning(
            f'{NAME}["UNIQUE_EMAIL"]: two first logins with one address at the same moment would'
            " not see each other at the isolation level REPEATABLE READ.",
            hint="Take 'isolation_level' out of the OPTIONS in DATABASES: Django sets READ"
            " COMMITTED.",
            id="social_endpoints.W012",
        )
    ]


def _reads_snapshots() -> bool:
    connection = connections[router.db_for_write(get_user_model())]
    level = connection.settings_dict["OPTIONS"].get("isolation_level")
    # An enumeration of psycopg's. MySQL and MariaDB are read with locks at this level.
    return connection.vendor == "postgresql" and getattr(level, "name", "") == "REPEATABLE_READ"
