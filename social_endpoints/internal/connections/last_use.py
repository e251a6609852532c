"""When a connection was used last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from social_endpoints.internal.connections.token_state import LATEST


def stored_time(extra_data: Any) -> int | None:
    """Return the time of the last login that social-core stores, in seconds since the epoch.

    :param extra_data: the value of the column. Old rows of social_django can contain text.
    """
    at = extra_data.get("auth_time") if isinstance(extra_data, dict) else None
    return at if isinstance(at, int) and 0 < at < LATEST else None


def find_last_used(connections: Iterable[Any]) -> Any:
    """Return the connection with which its user has signed in last, or None if there is none."""
    return max(connections, key=_last_use, default=None)


def _last_use(social: Any) -> tuple[float, Any]:
    return stored_time(social.extra_data) or social.modified.timestamp(), social.pk
