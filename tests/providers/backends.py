"""The backends of the installed social-core and their protocols."""

from __future__ import annotations

import inspect
import pkgutil
from functools import cache
from importlib import import_module
from typing import Any

import social_core.backends
from social_core.backends.base import BaseAuth
from social_core.backends.legacy import LegacyAuth
from social_core.backends.oauth import BaseOAuth1, BaseOAuth2
from social_core.backends.open_id import OpenIdAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.saml import SAMLAuth

# The first match counts: OpenIdConnectAuth is a subclass of BaseOAuth2.
PROTOCOLS = {
    SAMLAuth: "SAML 2.0",
    OpenIdAuth: "OpenID 2.0",
    OpenIdConnectAuth: "OpenID Connect",
    BaseOAuth2: "OAuth 2.0",
    BaseOAuth1: "OAuth 1.0a",
    LegacyAuth: "form",
}


@cache
def shipped() -> dict[str, type[Any]]:
    """Return the backends of social-core by name, sorted.

    :raises ImportError: a backend needs a package that is not installed.
    """
    found = {}
    for info in pkgutil.iter_modules(social_core.backends.__path__):
        module = import_module(f"social_core.backends.{info.name}")
        for value in vars(module).values():
            if _is_backend(value, module):
                found[value.name] = value
    return dict(sorted(found.items()))


def _is_backend(value: object, module: Any) -> bool:
    return (
        inspect.isclass(value)
        and issubclass(value, BaseAuth)
        and value.__module__ == module.__name__
        and bool(value.name)
    )


def path_of(backend: type[Any]) -> str:
    return f"{backend.__module__}.{backend.__qualname__}"


def protocol_of(backend: type[Any]) -> str:
    fitting = (name for kind, name in PROTOCOLS.items() if issubclass(backend, kind))
    return next(fitting, "its own")
