"""The URLs of the handoff, in whatever namespace the project includes the endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from django.core.management.base import CommandError
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

URL_NAME = "provider-callback"


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

    :raises CommandError: the origin is not the beginning of a URL.
    """
    if urlsplit(origin).scheme not in {"http", "https"} or not urlsplit(origin).netloc:
        raise CommandError(f"{origin!r} is not an origin. Write https:// before the host name.")
    return urljoin(origin, path)


def _names(resolver: URLResolver, namespaces: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the full names of the patterns that are named ``provider-callback``."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            below = (pattern.namespace,) if pattern.namespace else ()
            yield from _names(pattern, (*namespaces, *below))
        elif isinstance(pattern, URLPattern) and pattern.name == URL_NAME:
            yield ":".join((*namespaces, URL_NAME))
