"""The URLs of the handoff, in whatever namespace the project includes the endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin

from django.core.management.base import CommandError
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from social_endpoints.internal.flows.redirect_uris import origin_of

URL_NAME = "provider-callback"

_ORIGIN = re.compile(r"https?://[^\s/?#@\\]+/?", re.IGNORECASE)


def callback_paths(provider: str) -> list[str]:
    """Return the paths to which a provider can post its response, usually one.

    A path that depends on another parameter, such as a tenant, cannot be built and is left out.
    """
    paths = []
    for name in dict.fromkeys(_names(get_resolver())):
        try:
            paths.append(reverse(name, args=[provider]))
        except NoReverseMatch:
            continue
    return paths


def absolute(origin: str, path: str) -> str:
    """Return the absolute URL of a path.

    :raises CommandError: the origin is not one.
    """
    if not _ORIGIN.fullmatch(origin) or origin_of(origin) is None:
        raise CommandError(
            "The base URL is not an origin. Write a scheme and a host name, and neither a user"
            " name nor a path, as in https://api.example.com."
        )
    return urljoin(origin, path)


def _names(resolver: URLResolver, namespaces: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the full names of the patterns that are named ``provider-callback``."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            below = (pattern.namespace,) if pattern.namespace else ()
            yield from _names(pattern, (*namespaces, *below))
        elif isinstance(pattern, URLPattern) and pattern.name == URL_NAME:
            yield ":".join((*namespaces, URL_NAME))
