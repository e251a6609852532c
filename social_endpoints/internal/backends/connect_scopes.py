"""The setting ``CONNECT_SCOPES``: the scopes that a connect may ask for in addition."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.core.exceptions import ImproperlyConfigured
from social_core.backends.oauth import BaseOAuth2

from social_endpoints.conf import NAME, settings
from social_endpoints.internal.backends.registry import BackendClass

SETTING = "CONNECT_SCOPES"


def connect_scopes(provider: str) -> Collection[str]:
    """Return the scopes that ``CONNECT_SCOPES`` lists for a provider.

    :raises ImproperlyConfigured: the setting is not a dictionary of lists.
    """
    scopes = settings.CONNECT_SCOPES or {}
    if not isinstance(scopes, Mapping):
        raise ImproperlyConfigured(f"{NAME}[{SETTING!r}] must be a dictionary.")
    listed = scopes.get(provider, ())
    # A string is refused, because `in` would find substrings of it.
    if not isinstance(listed, (list, tuple, set, frozenset)):
        raise ImproperlyConfigured(f"{NAME}[{SETTING!r}][{provider!r}] must be a list of scopes.")
    return listed


def require_scopes(backend: BackendClass) -> None:
    """Require a backend to have scopes.

    :raises ImproperlyConfigured: its protocol is not OAuth 2.0.
    """
    if not has_scopes(backend):
        raise ImproperlyConfigured(
            f"{NAME}[{SETTING!r}] contains {backend.name!r}, which does not use OAuth 2.0."
        )


def has_scopes(backend: BackendClass) -> bool:
    """Return whether the protocol of a backend has scopes: OAuth 2.0 or OpenID Connect."""
    return issubclass(backend, BaseOAuth2)
