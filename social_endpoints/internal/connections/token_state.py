"""The state of the access token of a connection: its expiry, its scopes, its failure.

It is stored in ``extra_data`` under a name of its own, with a digest of the access token that it
describes. If other code, such as a view of social_django, stores another access token, the state of
that one is unknown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time
from typing import Any

from django.conf import settings
from django.utils import timezone

from social_endpoints.internal.connections.encryption import STATE, to_plain

LATEST = 253_370_764_800
"""The year 9999, in seconds since the epoch. ``datetime`` represents no later year."""

_TOKEN, _REFRESH_TOKEN = "access_token", "refresh_token"

LIFETIMES = ("expires_in", "expires_on", "expires")
"""The names in ``extra_data`` that ``social.access_token_expired()`` of social-core reads."""

LONGEST_LIFETIME = 63_072_000
"""The largest ``expires`` that social-core reads as a number of seconds, not as a time."""


@dataclass(frozen=True, slots=True)
class TokenState:
    """The state of the access token of a connection.

    :param expires_at: seconds since the epoch; None if it is unknown or the token never expires.
    :param scopes: the granted scopes; empty if they are unknown.
    :param needs_reconnect: whether only a new login or connect can bring a new access token.
    """

    expires_at: int | None = None
    scopes: tuple[str, ...] = ()
    needs_reconnect: bool = False


def describe(access_token: Any, state: TokenState) -> dict[str, Any]:
    """Return the entry to store under ``STATE``.

    :param access_token: the token in clear: a text or, for OAuth 1.0a, a dictionary.
    """
    entry = {
        "token": digest(access_token),
        "expires_at": state.expires_at,
        "scopes": [*state.scopes],
    }
    return entry | {"needs_reconnect": True} if state.needs_reconnect else entry


def read_state(extra_data: Any) -> TokenState:
    """Return the state of the access token in ``extra_data``, encrypted or not.

    If the token cannot be decrypted, the connection has to be connected again. The same is true for
    the refresh token, as soon as the access token has expired.
    """
    stored = extra_data if isinstance(extra_data, Mapping) else {}
    tokens = {name: stored[name] for name in (_TOKEN, _REFRESH_TOKEN) if stored.get(name)}
    plain = to_plain(tokens)
    entry, lost = stored.get(STATE), tokens.keys() - plain.keys()
    if _TOKEN in lost:
        return TokenState(needs_reconnect=True)
    if not isinstance(entry, Mapping) or entry.get("token") != digest(plain.get(_TOKEN)):
        return TokenState()
    expires_at, scopes = entry.get("expires_at"), entry.get("scopes")
    if not isinstance(expires_at, int) or expires_at >= LATEST:
        expires_at = None
    has_expired = expires_at is not None and expires_at <= time()
    return TokenState(
        expires_at=expires_at,
        scopes=tuple(scopes) if isinstance(scopes, list) else (),
        needs_reconnect=entry.get("needs_reconnect") is True or (bool(lost) and has_expired),
    )


def as_datetime(seconds: int) -> datetime:
    """Return a time: aware, or in the time zone of the project with ``USE_TZ = False``.

    :param seconds: since the epoch, before :data:`LATEST`.
    """
    moment = datetime.fromtimestamp(seconds, UTC)
    if settings.USE_TZ:
        return moment
    return timezone.make_naive(moment, timezone.get_default_timezone())


def read_auth_time(extra_data: Any) -> int | None:
    """Return the time of the last login that social-core stores, in seconds since the epoch.

    :param extra_data: the value of the column. Old rows of social_django can contain text.
    """
    at = extra_data.get("auth_time") if isinstance(extra_data, Mapping) else None
    return at if isinstance(at, int) and 0 < at < LATEST else None


def with_auth_time(extra_data: Mapping[str, Any], auth_time: int) -> dict[str, Any]:
    """Return a copy of ``extra_data`` with another ``auth_time``.

    social-core counts ``expires_in`` and a short ``expires`` from ``auth_time``. They are changed,
    so that ``social.access_token_expired()`` returns the same result as before.

    :param auth_time: seconds since the epoch.
    """
    converted = {**extra_data, "auth_time": auth_time}
    old = _as_seconds(extra_data.get("auth_time"))
    expires_in, expires = (_as_seconds(extra_data.get(name)) for name in ("expires_in", "expires"))
    if old and expires_in:
        converted["expires_in"] = old + expires_in - auth_time
    if old and 0 < expires <= LONGEST_LIFETIME:
        converted["expires"] = old + expires
    return converted


def _as_seconds(value: Any) -> int:
    """Return a number as social-core reads it, or 0."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def digest(access_token: Any) -> str:
    """Return a digest that identifies an access token."""
    content = json.dumps(access_token, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()[:32]
