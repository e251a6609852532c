"""Connections with stored tokens."""

from __future__ import annotations

import time
from typing import Any

from social_endpoints.internal.connections.encryption import STATE
from social_endpoints.internal.connections.token_state import TokenState, describe

LOGIN = 1_700_000_000
"""``auth_time`` of the connections."""


def connect(
    user: Any,
    provider: str = "token-server",
    *,
    uid: str = "1",
    token: Any = "access-0",
    expires_in: int | None = -1,
    scopes: tuple[str, ...] = ("read",),
    **extra_data: Any,
) -> Any:
    """Create a connection whose access token expires after some seconds; None for never."""
    expires_at = None if expires_in is None else int(time.time()) + expires_in
    state = TokenState(expires_at=expires_at, scopes=scopes)
    stored = {
        "access_token": token,
        "refresh_token": "refresh-0",
        "token_type": "bearer",
        "auth_time": LOGIN,
        STATE: describe(token, state),
        **extra_data,
    }
    stored = {name: value for name, value in stored.items() if value is not None}
    return user.social_auth.create(provider=provider, uid=uid, extra_data=stored)
