"""Redirect URIs and callbacks of logins with a handoff, in Django's cache.

A provider's POST comes from another site, so it contains no cookie, and the frontend cannot read
its body. All servers of a deployment share the cache.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

from django.core.cache import cache

LIFETIME = 60
"""Seconds for which a callback is stored."""

MAX_LENGTH = 250_000
"""Maximum characters of a callback. A SAML response with certificates has about 100,000.
Memcached silently drops values above 1,000,000 bytes."""


def store_redirect_uri(provider: str, state: str, redirect_uri: str, seconds: int) -> None:
    """Store the frontend's redirect URI of a login with a handoff.

    :param state: the value that the callback will bring back.
    :param seconds: lifetime of the login's flow.
    """
    cache.set(_cache_key(provider, state), redirect_uri, seconds)


def find_redirect_uri(provider: str, state: str) -> str | None:
    """Return the redirect URI of a login that waits for a handoff, or None."""
    redirect_uri: str | None = cache.get(_cache_key(provider, state))
    return redirect_uri


def store_callback(provider: str, state: str, params: Mapping[str, str]) -> str:
    """Store a callback's parameters and return the one-time code for them."""
    code = secrets.token_urlsafe(24)
    cache.set(_cache_key(provider, state, code), dict(params), LIFETIME)
    return code


def take_callback(provider: str, state: str, code: str) -> dict[str, str] | None:
    """Remove a stored callback and return its parameters, or None if there is none.

    If calls are simultaneous, only the one whose deletion succeeds gets them.
    """
    key = _cache_key(provider, state, code)
    params: dict[str, str] | None = cache.get(key)
    return params if params is not None and cache.delete(key) else None


def _cache_key(*parts: str) -> str:
    # Hashed, because cache keys are short and a provider's state may contain any character.
    lengths = "".join(f"{len(part)}:{part}" for part in parts)
    return f"social_endpoints.handoff.{hashlib.sha256(lengths.encode()).hexdigest()}"
