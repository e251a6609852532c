"""The URLs that a provider requests. The project may include the endpoints in a namespace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin

from django.core.management.base import CommandError
from django.urls import (
    NoReverseMatch,
    URLPattern,
    URLResolver,
    get_resolver,
    get_script_prefix,
    reverse,
)

from social_endpoints.internal.flows.redirect_uris import origin_of

HANDOFF, BACKCHANNEL_LOGOUT = "provider-callback", "provider-backchannel-logout"

_ORIGIN = re.compile(r"https?://[^\s/?#@\\]+/?", re.IGNORECASE)


def callback_paths(provider: str, url_name: str = HANDOFF, **parameters: str) -> list[str]:
    """Return the paths to which a provider can post, usually one.

    A parameter before the endpoints, such as a version, is written as in the pattern of the URL:
    ``/<str:version>/auth/``.

    :param parameters: values of such parameters.
    """
    prefix = get_script_prefix()
    routes = dict(_routes(get_resolver(), url_name))
    return [
        _reverse(name, provider=provider)
        or _reverse(name, provider=provider, **parameters)
        or prefix + route.replace("<str:provider>", provider)
        for name, route in routes.items()
    ]


def has_parameter(path: str) -> bool:
    """Return whether a path contains a parameter of a pattern."""
    return "<" in path


def _reverse(name: str, **parameters: str) -> str | None:
    try:
        return reverse(name, kwargs=parameters)
    except NoReverseMatch:
        return None


def absolute(origin: str, path: str) -> str:
    """Return the absolute URL of a path.

    :raises CommandError: the value is not an origin.
    """
    if not _ORIGIN.fullmatch(origin) or origin_of(origin) is None:
        raise CommandError(
            "The base URL is not an origin. Write a scheme and a host name, and neither a user"
            " name nor a path, as in https://api.example.com."
        )
    return urljoin(origin, path)


def _routes(
    resolver: URLResolver, url_name: str, namespaces: tuple[str, ...] = (), route: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield full name and route of the patterns with a name."""
    for pattern in resolver.url_patterns:
        below = f"{route}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            namespace = (pattern.namespace,) if pattern.namespace else ()
            yield from _routes(pattern, url_name, (*namespaces, *namespace), below)
        elif isinstance(pattern, URLPattern) and pattern.name == url_name:
            yield ":".join((*namespaces, url_name)), below
