"""Which providers the project has configured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from social_core.backends.base import BaseAuth
from social_core.backends.legacy import LegacyAuth

from social_endpoints.conf import import_path
from social_endpoints.exceptions import ProviderNotSupported


@dataclass(frozen=True, slots=True)
class Provider:
    """A configured provider: its backend's class, and the path that the project wrote.

    ``path`` is the entry of ``AUTHENTICATION_BACKENDS``, which Django remembers
    beside the user of a session.
    """

    name: str
    path: str
    backend: type[BaseAuth[Any]]


def configured() -> dict[str, Provider]:
    """Return the providers of ``AUTHENTICATION_BACKENDS`` by name, in their order.

    Backends of other kinds are left out, and so are those that prove nothing by
    themselves (``email``, ``username``): whoever posts the name would be in. So are names
    that no path can hold. Of two under one name the last one counts, as in social-core.

    :raises ImproperlyConfigured: one of them cannot be imported.
    """
    return _configured(tuple(settings.AUTHENTICATION_BACKENDS))


def find(name: str) -> Provider:
    """Return a configured provider.

    :raises ProviderNotSupported: there is none of this name.
    """
    try:
        return configured()[name]
    except KeyError:
        raise ProviderNotSupported(name) from None


@lru_cache(maxsize=8)
def _configured(paths: tuple[str, ...]) -> dict[str, Provider]:
    found: dict[str, Provider] = {}
    for path in paths:
        backend = import_path(path, "AUTHENTICATION_BACKENDS")
        if _is_provider(backend):
            found.pop(backend.name, None)
            found[backend.name] = Provider(backend.name, path, backend)
    return found


def _is_provider(backend: object) -> bool:
    return (
        isinstance(backend, type)
        and issubclass(backend, BaseAuth)
        and not issubclass(backend, LegacyAuth)
        and bool(backend.name)
        and "/" not in backend.name
    )
