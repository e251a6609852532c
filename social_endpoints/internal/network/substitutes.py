"""Substitutes for the network of single providers, for tests and for development.

There are none in production: :mod:`social_endpoints.testing`, which registers them, and the setting
``FAKE_PROVIDERS`` cannot be used there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from social_endpoints.internal.network.fake_providers import ForwardingAdapter, base_url, fake_url


@dataclass(frozen=True)
class Substitute:
    """The replacement for the network of one provider.

    :param identity: a text that no other substitute has. Cached documents and the state of the
        circuit breaker belong to one substitute, and not to the real provider.
    :param create_adapter: returns an adapter of requests, a ``ProviderAdapter``, which sends the
        requests of one login.
    """

    identity: str
    create_adapter: Callable[[], Any]


_substitutes: dict[str, Substitute] = {}


def find(provider: str) -> Substitute | None:
    """Return the substitute of a provider, or None if it is the real one."""
    substitute = _substitutes.get(provider)
    if substitute is None and (base := base_url(provider)):
        return Substitute(base, lambda: ForwardingAdapter(base, provider))
    return substitute


def browser_url(provider: str, endpoint: str, url: str) -> str:
    """Return the URL to which the browser is sent in place of a URL of the provider.

    :param endpoint: ``AUTHORIZE`` or ``LOGOUT``.
    """
    base = None if provider in _substitutes else base_url(provider)
    return url if base is None else fake_url(base, provider, endpoint, url)


def identity(provider: str) -> list[str]:
    """Return the parts to add to a name in a cache; an empty list for a real provider."""
    substitute = find(provider)
    return [substitute.identity] if substitute else []


def replace(provider: str, substitute: Substitute | None) -> Substitute | None:
    """Set or remove the substitute of a provider in all threads. Return the previous one."""
    previous = _substitutes.pop(provider, None)
    if substitute is not None:
        _substitutes[provider] = substitute
    return previous
