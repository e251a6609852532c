"""The expiry and the scopes in a provider's token response (RFC 6749 section 5.1)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.http import parse_http_date_safe

from social_endpoints.internal.connections.token_state import LATEST, LONGEST_LIFETIME, TokenState

# Names of the lifetime of an access token: in seconds, as a time, or as either of them. Case and
# separators are ignored. A name that also contains "refresh", "id" or "ext" is not matched.
_SECONDS = ("expiresinsec", "expiresinseconds", "expiresin", "expirein", "accesstokenexpiresin")
_TIMES = ("expireson", "expiresat", "expiredat", "accesstokenexpiresat")
_EITHER = (
    *("expires", "expire", "expiry", "expiration", "accesstokenexpires", "accesstokenexpirein"),
    *("expireat", "expiretime", "expirationtime", "expirydate", "accesstokenexpiry"),
)

# A larger number is a time in milliseconds, as in ``expires_in`` of Chatwork.
_LATEST_IN_SECONDS = 10**11

_NUMBER = re.compile(r"[0-9]{1,16}(\.[0-9]{1,16})?")
_LETTERS = re.compile("[^a-z]")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_MAX_SCOPES = 500


def read_token_response(
    response: Mapping[str, Any], *, asked: Iterable[str], separator: str, now: float
) -> TokenState:
    """Return the expiry and the scopes of the access token in a token response.

    :param response: the token response alone. A profile may contain ``scope`` or ``expires``.
    :param asked: the scopes to return if the response does not contain any (section 5.1): those
        of the authorization request or, for a refresh, those granted before (section 6).
    :param separator: the backend's ``SCOPE_SEPARATOR``. Scopes that are separated by spaces are
        always accepted.
    :param now: when the response was received, in seconds since the epoch.
    """
    token = response.get("access_token")
    if isinstance(token, Mapping):  # Yammer describes the token in an object.
        response = {**token, **response}
    scopes = response.get("scope", response.get("scopes"))
    return TokenState(
        expires_at=_read_expiry(response, now),
        scopes=as_scopes(scopes if isinstance(scopes, (str, list)) else asked, separator),
    )


def is_scope(text: object) -> bool:
    """Return whether a value is one scope (RFC 6749 section 3.3)."""
    return isinstance(text, str) and _SCOPE.fullmatch(text) is not None


def as_scopes(value: str | Iterable[Any], separator: str) -> tuple[str, ...]:
    """Return the scopes in a text or a list, in their order. Malformed scopes are left out.

    Providers separate scopes by spaces, by the separator of their requests, or by commas.
    """
    texts = [value] if isinstance(value, str) else value
    found = (scope for text in texts if isinstance(text, str) for scope in _split(text, separator))
    return tuple(dict.fromkeys(filter(is_scope, found)))[:_MAX_SCOPES]


def _split(text: str, separator: str) -> Iterator[str]:
    parts = text.replace(separator or " ", " ").split()
    if len(parts) == 1:  # LinkedIn uses spaces in requests and commas in responses.
        parts = parts[0].split(",")
    return (part.strip(",") for part in parts)


def _read_expiry(response: Mapping[str, Any], now: float) -> int | None:
    """Return when the access token expires, or None if this is unknown or never."""
    values = {_LETTERS.sub("", str(name).lower()): value for name, value in response.items()}
    for name in (*_SECONDS, *_TIMES, *_EITHER):
        seconds = _as_lifetime(name, values.get(name), now)
        if seconds > 0 and now + seconds < LATEST:
            return int(now + seconds)
    return None


def _as_lifetime(name: str, value: Any, now: float) -> float:
    """Return the remaining seconds, or 0 if the value is not a number or a time."""
    number = _as_number(value)
    if number is None:
        return _as_time(value) - now
    if number > _LATEST_IN_SECONDS:
        return number / 1000 - now
    is_lifetime = name in _SECONDS or (name in _EITHER and number <= LONGEST_LIFETIME)
    return number if is_lifetime else number - now


def _as_number(value: Any) -> float | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 10**16 and math.isfinite(value) else None


def _as_time(value: Any) -> float:
    """Return an ISO 8601 or HTTP date in seconds since the epoch; 0 for another value."""
    if not isinstance(value, str):
        return 0
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return parse_http_date_safe(value) or 0
