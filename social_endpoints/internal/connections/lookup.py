"""The connections of a user, and when they were used last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError

from social_endpoints.internal.retries import retry_query

_YEAR_9999 = 253_370_764_800  # seconds since the epoch; datetime represents no later year


def read_connections(users: Any, pk: Any, provider: str) -> list[Any]:
    """Return the connections of a user at a provider.

    :param users: the project's user storage.
    :param pk: the user's primary key. An authentication class may have read it from a token.
    """
    try:
        rows = users.get_social_auth_for_user(pk, provider)
        connections: list[Any] = retry_query(rows.db, lambda: [*rows])
    except (TypeError, ValueError, OverflowError, ValidationError):  # It has another type.
        return []
    # Some databases ignore case.
    return [social for social in connections if social.provider == provider]


def find_last_used(connections: Iterable[Any]) -> Any:
    """Return the connection with which its user has signed in last, or None if there is none."""
    return max(connections, key=_last_use, default=None)


def stored_time(extra_data: Any) -> int | None:
    """Return the time of the last login that social-core stores, in seconds since the epoch.

    :param extra_data: the value of the column. Old rows of social_django can contain text.
    """
    at = extra_data.get("auth_time") if isinstance(extra_data, dict) else None
    return at if isinstance(at, int) and 0 < at < _YEAR_9999 else None


def _last_use(social: Any) -> tuple[float, Any]:
    return stored_time(social.extra_data) or social.modified.timestamp(), social.pk
