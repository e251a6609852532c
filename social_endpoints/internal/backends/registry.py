"""The configured providers and the classes of their backends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from social_core.backends.base import BaseAuth
from social_core.backends.google import BaseGoogleAuth
from social_core.backends.legacy import LegacyAuth
from social_core.backends.oauth import BaseOAuth1, BaseOAuth2, OAuthAuth
from social_core.backends.open_id import OpenIdAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth

from social_endpoints.conf import import_path
from social_endpoints.exceptions import ProviderNotSupported
from social_endpoints.internal.backends.extensions.bases import Backend

BackendClass: TypeAlias = "type[BaseAuth[Any]]"

OPENID_CONNECT = "openid_connect"

# The first match counts: OpenIdConnectAuth is a subclass of BaseOAuth2.
_PROTOCOL_CLASSES = {
    OpenIdConnectAuth: OPENID_CONNECT,
    BaseOAuth2: "oauth2",
    BaseOAuth1: "oauth1",
    OpenIdAuth: "openid2",
}
_OTHER_PROTOCOL = "other"

_SETTING = "AUTHENTICATION_BACKENDS"

PROTOCOLS = (*_PROTOCOL_CLASSES.values(), "saml", _OTHER_PROTOCOL)


@dataclass(frozen=True, slots=True)
class Provider:
    """A configured provider.

    :ivar path: the entry of ``AUTHENTICATION_BACKENDS``, which Django stores in sessions.
    :ivar backend: the class at ``path``.
    """

    name: str
    path: str
    backend: BackendClass


def all_providers() -> dict[str, Provider]:
    """Return the providers of ``AUTHENTICATION_BACKENDS`` by name, in their order.

    The backends ``email`` and ``username`` are left out, because they accept the name that a
    client sends without a proof. Backends with a slash in their name are left out, because our
    URL patterns do not match it. The last backend with a name counts, as in social-core.

    :raises ImproperlyConfigured: a backend cannot be imported.
    """
    return _import_providers(_paths())


def providers_and_errors() -> tuple[dict[str, Provider], dict[str, str]]:
    """Return the providers that can be imported, and the errors of the other paths."""
    errors: dict[str, str] = {}
    for path in _paths():
        try:
            import_path(path, _SETTING)
        except ImproperlyConfigured as error:
            errors[path] = str(error)
    return _import_providers(tuple(path for path in _paths() if path not in errors)), errors


def overridden_paths() -> list[tuple[str, str]]:
    """Return path and name of each unused backend: a later one has the same name."""
    backends = [(path, import_path(path, _SETTING)) for path in _paths()]
    found = [(path, each.name) for path, each in backends if _is_provider(each)]
    names = [name for _, name in found]
    return [each for index, each in enumerate(found) if each[1] in names[index + 1 :]]


def _paths() -> tuple[str, ...]:
    paths: Any = settings.AUTHENTICATION_BACKENDS
    if not isinstance(paths, (list, tuple)) or not all(isinstance(path, str) for path in paths):
        raise ImproperlyConfigured(f"{_SETTING} must be a list of dotted paths.")
    return tuple(paths)


def find(name: str) -> Provider:
    """Return a configured provider.

    :raises ProviderNotSupported: no configured provider has this name.
    """
    try:
        return all_providers()[name]
    except KeyError:
        raise ProviderNotSupported(name) from None


def find_or_substitute(name: str) -> Provider:
    """Return a configured provider, or a substitute for one that is no longer configured.

    Users may still have connections to it. The substitute does not revoke tokens.
    """
    return all_providers().get(name) or _substitute(name)


def protocol(backend: BackendClass) -> str:
    """Return the protocol of a backend, one of ``PROTOCOLS``."""
    if is_saml(backend):
        return "saml"
    matches = (name for base, name in _PROTOCOL_CLASSES.items() if issubclass(backend, base))
    return next(matches, _OTHER_PROTOCOL)


def is_saml(backend: BackendClass) -> bool:
    """Return whether a class is a ``SAMLAuth``, which cannot be imported without python3-saml."""
    return hasattr(backend, "generate_saml_config")


def is_google_one_tap(backend: BackendClass) -> bool:
    """Return whether a class is a ``GoogleOneTap``, which cannot be imported without google-auth.

    It is the only backend for Google without OAuth.
    """
    return issubclass(backend, BaseGoogleAuth) and not issubclass(backend, OAuthAuth)


@lru_cache(maxsize=8)
def _import_providers(paths: tuple[str, ...]) -> dict[str, Provider]:
    providers: dict[str, Provider] = {}
    for path in paths:
        backend = import_path(path, _SETTING)
        if _is_provider(backend):
            providers.pop(backend.name, None)
            providers[backend.name] = Provider(backend.name, path, backend)
    return providers


def _is_provider(backend: object) -> bool:
    return (
        isinstance(backend, type)
        and issubclass(backend, BaseAuth)
        and not issubclass(backend, LegacyAuth)
        and bool(backend.name)
        and "/" not in backend.name
    )


@lru_cache(maxsize=64)
def _substitute(name: str) -> Provider:
    return Provider(name, "", type("Substitute", (Backend,), {"name": name}))
