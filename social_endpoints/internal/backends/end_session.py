"""The logout endpoint of a provider (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus, urlencode

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthConfigurationError, AuthResponseError

from social_endpoints.internal.backends.extensions.discovery import find_discovery, is_web_url

CLAIM = "end_session_endpoint"
SETTING = "END_SESSION_URL"


def may_have_endpoint(backend: BaseAuth[Any]) -> bool:
    """Return whether a provider may have the endpoint. Sends no request."""
    return bool(backend.setting(SETTING)) or find_discovery(backend) is not None


def find_endpoint(backend: BaseAuth[Any]) -> str | None:
    """Return the setting ``END_SESSION_URL``, or the endpoint in the provider's discovery, if any.

    :raises AuthConfigurationError: the setting is not an HTTP URL.
    :raises SocialAuthBaseException: the provider fails, or the endpoint is not an HTTP URL.
    """
    url = backend.setting(SETTING)
    if url:
        if not is_web_url(url):
            raise AuthConfigurationError(
                backend, code="invalid_setting", parameter=SETTING, stage="begin"
            )
        return str(url)
    read_document = find_discovery(backend)
    url = read_document().get(CLAIM) if read_document is not None else None
    if url in (None, ""):
        return None
    if not is_web_url(url):
        raise AuthResponseError(backend, code="malformed_response", claim=CLAIM, stage="begin")
    return str(url)


def build_url(endpoint: str, parameters: Mapping[str, str]) -> str:
    """Add parameters to the query of an endpoint, in place of those with the same names."""
    before, hash_sign, fragment = endpoint.partition("#")
    path, _, query = before.partition("?")
    kept = [
        each
        for each in query.split("&")
        if each and unquote_plus(each.partition("=")[0]) not in parameters
    ]
    return f"{path}?{'&'.join([*kept, urlencode(parameters)])}{hash_sign}{fragment}"
