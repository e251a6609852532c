"""Which redirect URIs a login may begin with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from social_endpoints.conf import import_setting, settings
from social_endpoints.exceptions import logger

# RFC 8252 section 7.3: a native app listens on whatever port is free. Not
# "localhost", which a machine may resolve to somewhere else (section 8.3).
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))((?:[/?#].*)?)", re.DOTALL)


def is_allowed(uri: str, *, provider: str, request: HttpRequest) -> bool:
    """Say whether ``ALLOWED_REDIRECT_URIS`` allows a redirect URI for a provider.

    :param uri: the redirect URI as the client sent it.
    :raises ImproperlyConfigured: the setting is neither a list nor a callable's path.
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
    except Exception:  # noqa: BLE001 - the policy is the project's, and parses what anyone sends
        logger.exception("The policy of ALLOWED_REDIRECT_URIS failed, and has refused.")
        return False


def is_loopback(uri: str) -> bool:
    """Say whether a redirect URI leads to the user's own machine."""
    return re.match(r"http://(127\.0\.0\.1|\[::1\])([:/?#]|$)", uri) is not None


def with_parameters(uri: str, parameters: Mapping[str, str]) -> str:
    """Return a redirect URI with parameters in its query; it stays as it is byte for byte."""
    if not parameters:
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
