"""Check redirect URIs, and add query parameters to them.

The rules of ``ALLOWED_REDIRECT_URIS`` also apply to ``ALLOWED_LOGOUT_REDIRECT_URIS``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from social_endpoints.conf import NAME, import_setting, settings
from social_endpoints.internal.errors.failures import is_data_error
from social_endpoints.internal.errors.redaction import replacement
from social_endpoints.internal.log.events import log_event

_DEFAULT_PORTS = {"http": 80, "https": 443}

# RFC 8252 section 7.3: a native app listens on any free port. "localhost" is excluded, because
# it may resolve to another interface (section 8.3).
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))((?:[/?#].*)?)", re.DOTALL)


def is_allowed(
    uri: str, *, provider: str, request: HttpRequest, setting: str = "ALLOWED_REDIRECT_URIS"
) -> bool:
    """Return whether ``ALLOWED_REDIRECT_URIS`` allows a redirect URI for a provider.

    :param uri: the redirect URI as the client sent it.
    :param setting: name of the setting that is read instead.
    :raises ImproperlyConfigured: the setting is neither a list nor the path of a callable.
    """
    if isinstance(getattr(settings, setting), str):
        return _policy_allows(uri, provider, request, setting)
    return any(_matches(entry, uri) for entry in _entries(setting))


def listed_uris() -> list[str]:
    """Return the entries of ``ALLOWED_REDIRECT_URIS``; none if it names a policy.

    :raises ImproperlyConfigured: the setting is neither a list nor the path of a callable.
    """
    return [] if isinstance(settings.ALLOWED_REDIRECT_URIS, str) else _entries()


def _entries(setting: str = "ALLOWED_REDIRECT_URIS") -> list[str]:
    allowed = getattr(settings, setting)
    if not isinstance(allowed, (list, tuple, set, frozenset)):
        raise ImproperlyConfigured(
            f"{NAME}[{setting!r}] must be a list of URIs, or the dotted path of a callable."
        )
    return [entry for entry in allowed if isinstance(entry, str)]


def _policy_allows(uri: str, provider: str, request: HttpRequest, setting: str) -> bool:
    policy = import_setting(setting)
    try:
        return bool(policy(uri, provider=provider, request=request))
    except Exception as error:
        # The client sends the URI, and a policy may fail to parse it.
        if not is_data_error(error):
            raise
        # The message may quote the URI, which can contain line breaks.
        log_event("redirect policy failed", logging.ERROR, exc_info=replacement(error, [uri]))
        return False


def is_loopback(uri: str) -> bool:
    """Return whether the host of a redirect URI is a loopback IP address."""
    pattern = r"http://(127\.0\.0\.1|\[::1\])([:/?#]|$)"
    return re.match(pattern, uri, re.IGNORECASE) is not None


def origin_of(url: str) -> str | None:
    """Return the origin of a URL in the form of an ``Origin`` header, or None if it has none.

    A private-use scheme without a host, as in ``com.example.app:/callback``, has none.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        # Browsers send the ASCII form of an internationalized domain name.
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        return None
    if not parts.scheme or not host:
        return None
    host = f"[{host}]" if ":" in host else host
    is_default = port in {None, _DEFAULT_PORTS.get(parts.scheme)}
    return f"{parts.scheme}://{host}" + ("" if is_default else f":{port}")


def is_allowed_origin(origin: str, *, redirect_uri: str | None) -> bool:
    """Return whether an origin is that of an allowed redirect URI.

    :param origin: result of :func:`origin_of`.
    :param redirect_uri: the redirect URI of this login. If a policy decides which URIs are
        allowed, only this one is known. None if it is not known either.
    """
    if isinstance(settings.ALLOWED_REDIRECT_URIS, str):
        return redirect_uri is None or origin_of(redirect_uri) == origin
    return any(_has_origin(entry, origin) for entry in _entries())


def _has_origin(entry: str, origin: str) -> bool:
    if origin_of(entry) == origin:
        return True
    any_port = _LOOPBACK.fullmatch(entry)
    return any_port is not None and origin.startswith(f"{any_port[1]}:")


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
