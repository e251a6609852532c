"""Callbacks of logins with a handoff, in Django's cache.

A provider's POST comes from another site, so it contains no cookie, and the frontend cannot read
its body. All servers of a deployment share the cache.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from contextlib import suppress

from django.utils.crypto import constant_time_compare

from social_endpoints.internal.cache import CacheUnavailable, cache

LIFETIME = 60
"""Seconds for which a callback is stored."""

MAX_LENGTH = 250_000
"""Maximum characters of a callback. A SAML response with certificates has about 100,000.
Memcached silently drops values above 1,000,000 bytes."""


FIRST_SLOTS = "01"
LAST_SLOTS = "23"
"""Slots for the callbacks of one state. The first callbacks stay; each later one replaces
another later one."""


class CallbackTooLong(ValueError):
    """The parameters of a callback have more than :data:`MAX_LENGTH` characters."""


def require_length(params: Mapping[str, str]) -> None:
    """Limit the length of a callback.

    :raises CallbackTooLong: the callback is too long.
    """
    if sum(len(name) + len(text) for name, text in params.items()) > MAX_LENGTH:
        raise CallbackTooLong


def store_callback(provider: str, state: str, params: Mapping[str, str]) -> str:
    """Store a callback's parameters and return the one-time code for them.

    Anyone who knows the state of a login can post callbacks. They do not fill the cache, and they
    neither replace an earlier callback of the provider nor block a later one.

    :raises CallbackTooLong: the callback is too long.
    :raises CacheUnavailable: the cache has failed.
    """
    require_length(params)
    secret = secrets.token_urlsafe(24)
    for slot in FIRST_SLOTS:
        callback = (slot + secret, dict(params))
        if cache.add(_cache_key(provider, state, slot), callback, LIFETIME):
            return slot + secret
    slot = secrets.choice(LAST_SLOTS)
    key = _cache_key(provider, state, slot)
    cache.set(key, (slot + secret, dict(params)), LIFETIME)
    if cache.get(key) is None:  # The client of a cache may hide its errors.
        raise CacheUnavailable("The cache has not stored a callback.")
    return slot + secret


def take_callback(provider: str, state: str, code: str) -> dict[str, str] | None:
    """Remove a stored callback and return its parameters, or None if there is none.

    If calls are simultaneous, only the one whose deletion succeeds gets them. If the cache fails
    then, all of them do: the server may delete the callback later, and the flow is claimed once.

    :raises CacheUnavailable: the cache has failed.
    """
    key = _cache_key(provider, state, code[:1])
    stored: tuple[str, dict[str, str]] | None = cache.get(key)
    if stored is None or not constant_time_compare(stored[0], code):
        return None
    with suppress(CacheUnavailable):
        if not cache.delete(key):
            return None
    return stored[1]


def restore_callback(
    provider: str, state: str, code: str, params: Mapping[str, str], *, seconds: int
) -> None:
    """Store a callback again under its code, because its login will be completed later.

    :param seconds: the time until the login can be completed, at least.
    :raises CacheUnavailable: the cache has failed.
    """
    cache.add(_cache_key(provider, state, code[:1]), (code, dict(params)), seconds + LIFETIME)


def _cache_key(*parts: str) -> str:
    # Hashed, because cache keys are short and a provider's state may contain any character.
    lengths = "".join(f"{len(part)}:{part}" for part in parts)
    return f"social_endpoints.handoff.{hashlib.sha256(lengths.encode()).hexdigest()}"
