"""Which of python-social-auth's backends a project's backend is, or derives from.

By name, where importing the class would need a package that the project may not have,
or where a table of many is meant.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import Any, TypeAlias, cast

from social_core.backends.base import BaseAuth

GOOGLE_ONE_TAP = "social_core.backends.google_onetap.GoogleOneTap"
LIVEJOURNAL = "social_core.backends.livejournal.LiveJournalOpenId"
SAML = "social_core.backends.saml.SAMLAuth"
SHOPIFY = "social_core.backends.shopify.ShopifyOAuth2"

BackendClass: TypeAlias = "type[BaseAuth[Any]]"


def is_kind(backend: BackendClass, *paths: str) -> bool:
    """Say whether a backend's class is one that a dotted path names, or a subclass of it."""
    return not _paths(cast("Hashable", backend)).isdisjoint(paths)


def is_saml(backend: BackendClass) -> bool:
    """Say whether a backend is a SAMLAuth, which cannot be imported without python3-saml."""
    return hasattr(backend, "generate_saml_config")


@lru_cache(maxsize=256)
def _paths(backend: Any) -> frozenset[str]:
    return frozenset(f"{base.__module__}.{base.__qualname__}" for base in backend.__mro__)


def core_name(backend: BackendClass) -> str:
    """Return the name of the backend of social-core that a project's backend is, or derives from.

    A project may have it under another name, or several of them.
    """
    for base in backend.__mro__:
        name = vars(base).get("name")
        if name and base.__module__.startswith("social_core.backends."):
            return str(name)
    return ""
