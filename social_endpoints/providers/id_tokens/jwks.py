"""The keys that a provider signs its ID tokens with (RFC 7517), kept in Django's cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from django.core.cache import cache
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthResponseError

LIFETIME = 86_400
"""Seconds for which a provider's keys are kept."""

PAUSE = 60
"""Seconds between two requests where a token is signed with none of the keys that are kept:
providers change their keys, and anybody can sign with one that there is not."""


def key_sets(backend: BaseAuth[Any], uri: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the keys at a URI that are kept, and after these those that are there now.

    Whoever finds the right key among the first goes no further. Who does not has them fetched
    again: a provider may have a new key, under a new name, the old one, or none.

    :raises SocialAuthBaseException: the provider cannot be asked, or answers with no keys.
    """
    name = f"social_endpoints.jwks.{hashlib.sha256(uri.encode()).hexdigest()}"
    kept: list[dict[str, Any]] | None = cache.get(name)
    if kept is not None:
        yield kept
    # The pause begins before the request: of many threads, one asks.
    if cache.add(f"{name}.asked", 1, PAUSE) or kept is None:
        fetched = _fetched(backend, uri)
        cache.set(name, fetched, LIFETIME)
        yield fetched


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
