"""Check redirect URIs, and add query parameters to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from social_endpoints.conf import import_setting, settings
from social_endpoints.exceptions import logger

# RFC 8252 section 7.3: a native app listens on any free port. "localhost" is excluded, because
# it may resolve to another interface (section 8.3).
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))((?:[/?#].*)?)", re.DOTALL)


def is_allowed(uri: str, *, provider: str, request: HttpRequest) -> bool:
    """Return whether ``ALLOWED_REDIRECT_URIS`` allows a redirect URI for a provider.

    :param uri: the redirect URI as the client sent it.
    :raises ImproperlyConfigured: the setting is neither a list nor the path of a callable.
    """
    allowed = settings.ALLOWED_REDIRECT_URIS
    if isinstance(allowed, str):
        return _policy_allows(uri, provider, request)
    if not isinstance(allowed, (list, tuple, set, frozenset)):
        raise ImproperlyConfigured("ALLOWED_REDIRECT_URIS must be a list of strings.")
    return any(_matches(entry, uri) for entry in allowed if isinstance(entry, str))


def _policy_allows(uri: str, provider: str, request: HttpRequest) -> bool:
    policy = import_setting("ALLOWED_REDIRECT_URIS")
    try:
        return bool(policy(uri, provider=provider, request=request))
    except ImproperlyConfigured:
        raise
    except Exception:  # noqa: BLE001 - a project's policy may raise any exception
        logger.exception("The policy of ALLOWED_REDIRECT_URIS raised an exception; URI refused.")
        return False


def is_loopback(uri: str) -> bool:
    """Return whether the host of a redirect URI is a loopback IP address."""
    return re.match(r"http://(127\.0\.0\.1|\[::1\])([:/?#]|$)", uri) is not None


def with_parameters(uri: str, parameters: Mapping[str, str]) -> str:
    """Append query parameters to a redirect URI without changing anything else in it."""
    if not parameters:  # As with OpenID 2.0 of social-core 6.
        return uri
    before, hash_sign, fragment = uri.partition("#")
    separator = "&" if "?" in before else "?"
    return f"{before}{separator}{urlencode(parameters)}{hash_sign}{fragment}"


def _matches(entry: str, uri: str) -> bool:
    if entry == uri:
        return True
    loopback = _LOOPBACK.fullmatch(entry)
    if loopback is None:
        return False
    host, rest = map(re.escape, loopback.groups())
    port = re.fullmatch(f"{host}:([1-9][0-9]{{0,4}}){rest}", uri)
    return port is not None and int(port[1]) <= 65_535
