"""Providers that the project has no longer, but whose identities its users still have."""

from __future__ import annotations

from functools import lru_cache

from social_core.backends.base import BaseAuth

from social_endpoints.internal.backends.registry import Provider, configured


def find_or_recall(name: str) -> Provider:
    """Return a configured provider, or what stands for one that is no longer configured."""
    return configured().get(name) or _recalled(name)


@lru_cache(maxsize=64)
def _recalled(name: str) -> Provider:
    return Provider(name, "", type("Removed", (_Removed,), {"name": name}))


class _Removed(BaseAuth):  # type: ignore[type-arg]  # generic in social-core 7 alone
    """Knows nothing of the provider but the name, and so revokes no token."""
