"""Which of python-social-auth's backends a project's backend is, or derives from.

By name, where importing the class would need a package that the project may not have,
or where a table of many is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from social_core.backends.base import BaseAuth

SAML = "social_core.backends.saml.SAMLAuth"
SHOPIFY = "social_core.backends.shopify.ShopifyOAuth2"

BackendClass = type[BaseAuth[Any]]


def is_kind(backend: BackendClass, *paths: str) -> bool:
    """Say whether a backend's class is one that a dotted path names, or a subclass of it."""
    return any(f"{base.__module__}.{base.__qualname__}" in paths for base in backend.__mro__)


def names(backend: BackendClass) -> Iterator[str]:
    """Return the name of a backend's class, and those of the classes that it derives from."""
    for base in backend.__mro__:
        name = vars(base).get("name")
        if isinstance(name, str) and name:
            yield name
