"""The keys that a provider signs its ID tokens with (RFC 7517), kept in Django's cache."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.cache import cache
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthResponseError

LIFETIME = 86_400
"""Seconds for which a provider's keys are kept."""

PAUSE = 60
"""Seconds between two requests for a key that is not among those that are kept: providers
change their keys, and anybody can name one that there is not."""


def keys(backend: BaseAuth[Any], uri: str, kid: str | None) -> list[dict[str, Any]]:
    """Return the keys at a URI, fetched again where a key is wanted that was not there.

    :param kid: the identifier of the key that a token says it is signed with.
    :raises SocialAuthBaseException: the provider cannot be asked, or answers with no keys.
    """
    name = f"social_endpoints.jwks.{hashlib.sha256(uri.encode()).hexdigest()}"
    kept: list[dict[str, Any]] | None = cache.get(name)
    known = kept is not None and (kid is None or any(key.get("kid") == kid for key in kept))
    # The pause begins before the request: of many threads, one asks.
    may_ask = not known and cache.add(f"{name}.asked", 1, PAUSE)
    if kept is not None and not may_ask:
        return kept
    fetched = _fetched(backend, uri)
    cache.set(name, fetched, LIFETIME)
    return fetched


def _fetched(backend: BaseAuth[Any], uri: str) -> list[dict[str, Any]]:
    try:
        answer = backend.get_json(uri, stage="token_validation")
    except RecursionError:
        answer = None
    fetched = answer.get("keys") if isinstance(answer, dict) else None
    if not isinstance(fetched, list) or not all(isinstance(key, dict) for key in fetched):
        code = "malformed_response"
        raise AuthResponseError(backend, code=code, claim="keys", stage="token_validation")
    return fetched
