"""Answers that a provider has posted to the server, until the frontend comes for them.

A provider's POST comes from another site, so it brings no cookie, and a page cannot read
it. What must be known of its login, and what it brings, is kept in Django's cache: any
server of a deployment may get the POST, and any other one the completion.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

from django.core.cache import cache

LIFETIME = 60
"""Seconds for which an answer waits."""

MAX_LENGTH = 250_000
"""Characters of an answer. The largest, a SAML response with certificates, has some
100,000; memcached keeps nothing above 1,000,000 bytes, and says nothing."""


def expect(provider: str, key: str, redirect_uri: str, seconds: int) -> None:
    """Remember where the browser goes once the provider has answered.

    :param key: what the answer will bring back (the state, say).
    :param redirect_uri: the one that the login began with.
    :param seconds: for how long the login can be completed.
    """
    cache.set(_name(provider, key), redirect_uri, seconds)


def expected_at(provider: str, key: str) -> str | None:
    """Return the redirect URI of a login that waits for an answer, or None."""
    redirect_uri: str | None = cache.get(_name(provider, key))
    return redirect_uri


def keep(provider: str, key: str, answer: Mapping[str, str]) -> str:
    """Keep an answer, and return the code that it is handed out for, once."""
    code = secrets.token_urlsafe(24)
    cache.set(_name(provider, key, code), dict(answer), LIFETIME)
    return code


def take(provider: str, key: str, code: str) -> dict[str, str] | None:
    """Return the answer that was kept for a login under a code, or None.

    Of two who ask at the same moment, one gets it: the one whose deletion counts.
    """
    name = _name(provider, key, code)
    answer: dict[str, str] | None = cache.get(name)
    return answer if answer is not None and cache.delete(name) else None


def _name(*parts: str) -> str:
    # A hash, because a cache's names are short, and a provider's state may hold anything.
    lengths = "".join(f"{len(part)}:{part}" for part in parts)
    return f"social_endpoints.handoff.{hashlib.sha256(lengths.encode()).hexdigest()}"
