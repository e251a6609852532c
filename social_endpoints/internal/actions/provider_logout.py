"""Sign the user out at the provider (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any
from urllib.parse import unquote_plus, urlencode

from django.conf import settings as django_settings
from django.http import HttpRequest
from django.utils.translation import get_language, to_locale
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthConfigurationError, AuthResponseError

from social_endpoints.exceptions import LogoutNotSupported
from social_endpoints.internal.backends import config, loading
from social_endpoints.internal.backends.extensions.discovery import find_discovery, is_web_url
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.backends.setting_types import require_valid_settings
from social_endpoints.internal.connections.encryption import to_plain
from social_endpoints.internal.connections.stored_tokens import find_last_used, read_connections
from social_endpoints.internal.flows.flow import LOGIN, Flow
from social_endpoints.internal.log.events import log_completed
from social_endpoints.internal.network import substitutes
from social_endpoints.internal.network.fake_providers import LOGOUT
from social_endpoints.internal.network.sessions import ProviderRequests
from social_endpoints.internal.translation import translate_errors

END_SESSION_ENDPOINT = "end_session_endpoint"
END_SESSION_URL = "END_SESSION_URL"

MAX_HINT = 6_000
"""Characters of an ID token in the URL. Many servers accept request lines of 8,000 characters."""


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """Where to send the browser, and the value that the provider sends back."""

    logout_url: str = field(repr=False)
    state: str = field(repr=False)


def load_logout_backend(provider: Provider, request: HttpRequest) -> BaseAuth[Any]:
    """Return the backend of a provider that may have a logout endpoint. Sends no request.

    :raises LogoutNotSupported: the provider does not use discovery, and the setting
        ``END_SESSION_URL`` is not set.
    :raises ConfigurationError: the project's settings for the provider are wrong.
    """
    with translate_errors("begin"):
        flow = Flow(provider.name, LOGIN, "")
        _, backend = loading.load(provider, request=request, data={}, flow=flow)
        if not may_have_endpoint(backend):
            raise LogoutNotSupported(provider.name)
        config.require_credentials(backend)
        require_valid_settings(backend, "begin")
        return backend


def begin_provider_logout(
    *, backend: BaseAuth[Any], post_logout_redirect_uri: str, user: Any
) -> LogoutRequest:
    """Build the URL to which the browser is sent. The local login does not end.

    :param backend: result of :func:`load_logout_backend`.
    :param post_logout_redirect_uri: an allowed URI, to which the provider sends the browser.
    :param user: the current user.
    :raises LogoutNotSupported: the provider has no such endpoint.
    :raises EndpointError: the provider cannot be reached, for example.
    """
    with translate_errors("begin"), ProviderRequests():
        endpoint = _find_endpoint(backend)
        if endpoint is None:
            raise LogoutNotSupported(backend.name)
        state = token_urlsafe(32)
        parameters = {
            **_identification(backend, user),
            "post_logout_redirect_uri": post_logout_redirect_uri,
            "state": state,
            **_locales(),
        }
        url = _build_url(endpoint, parameters)
        url = substitutes.browser_url(backend.name, LOGOUT, url)
    log_completed("provider logout")
    return LogoutRequest(url, state)


def may_have_endpoint(backend: BaseAuth[Any]) -> bool:
    """Return whether a provider may have the endpoint. Sends no request."""
    return bool(backend.setting(END_SESSION_URL)) or find_discovery(backend) is not None


def _find_endpoint(backend: BaseAuth[Any]) -> str | None:
    """Return the setting ``END_SESSION_URL``, or the endpoint in the provider's discovery, if any.

    :raises AuthConfigurationError: the setting is not an HTTP URL.
    :raises SocialAuthBaseException: the provider fails, or the endpoint is not an HTTP URL.
    """
    url = backend.setting(END_SESSION_URL)
    if url:
        if not is_web_url(url):
            raise AuthConfigurationError(
                backend, code="invalid_setting", parameter=END_SESSION_URL, stage="begin"
            )
        return str(url)
    read_document = find_discovery(backend)
    url = read_document().get(END_SESSION_ENDPOINT) if read_document is not None else None
    if url in (None, ""):
        return None
    if not is_web_url(url):
        raise AuthResponseError(
            backend, code="malformed_response", claim=END_SESSION_ENDPOINT, stage="begin"
        )
    return str(url)


def _build_url(endpoint: str, parameters: Mapping[str, str]) -> str:
    """Add parameters to the query of an endpoint, in place of those with the same names."""
    before, hash_sign, fragment = endpoint.partition("#")
    path, _, query = before.partition("?")
    fields = [
        each
        for each in query.split("&")
        if each and unquote_plus(each.partition("=")[0]) not in parameters
    ]
    return f"{path}?{'&'.join([*fields, urlencode(parameters)])}{hash_sign}{fragment}"


def _identification(backend: BaseAuth[Any], user: Any) -> dict[str, str]:
    """Return the ID token of the connection that was used last, or the client id.

    Either of them names the client for which the redirect URI is registered (section 2).
    """
    social = find_last_used(read_connections(loading.users(), user, backend.name))
    id_token = to_plain(social.extra_data).get("id_token") if social is not None else None
    if isinstance(id_token, str) and id_token.isascii() and 0 < len(id_token) <= MAX_HINT:
        return {"id_token_hint": id_token}
    return {"client_id": str(backend.get_key_and_secret()[0])}


def _locales() -> dict[str, str]:
    """Return the active language as a BCP 47 tag. Django writes ``zh-hans`` and ``sr@latin``."""
    language = (get_language() or "").partition("@")[0]
    if not django_settings.USE_I18N or not language:
        return {}
    return {"ui_locales": to_locale(language).replace("_", "-")}
