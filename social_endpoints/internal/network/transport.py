"""The method ``request()`` of all backends, which sends requests to providers.

``BaseAuth.request()`` of social-core 6.2 and 7.0 calls ``requests.request()``, which parses
the CA bundle and opens a connection each time, and limits neither total time nor size.
Remove :class:`Transport` when social-core sends with a ``requests.Session`` that a subclass or a
strategy can provide, for example with ``self.get_session().request(...)``, and when the errors
that :func:`translate_request_error` adds are raised there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from json import loads
from socket import gaierror
from ssl import SSLEOFError, SSLZeroReturnError
from typing import Any, Literal
from urllib.parse import unquote_plus, urlsplit

import requests
from requests import Response, exceptions
from requests.auth import AuthBase
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.base import BaseAuth
from social_core.backends.utils import OIDCDiscoveryMixin
from social_core.exceptions import (
    AuthConfigurationError,
    AuthProviderError,
    AuthResponseError,
    ErrorStage,
    SocialAuthBaseException,
)
from social_core.utils import http_error, redact_request_error, user_agent
from urllib3.exceptions import NameResolutionError

from social_endpoints.internal.errors.failures import nested_exceptions
from social_endpoints.internal.network import sessions
from social_endpoints.internal.network.adapter import MalformedResponse
from social_endpoints.internal.network.options import request_options

MAX_MESSAGE = 1_000
"""Maximum characters of each message of an exception."""

# A repeated request could redeem a code or a refresh token twice.
_ONCE = frozenset({"refresh", "token_exchange"})

_URL_ERRORS = (exceptions.InvalidURL, exceptions.InvalidSchema, exceptions.MissingSchema)
_CODES = {"tls": "tls_error", "deadline": "timeout", "timeout": "timeout"} | dict.fromkeys(
    ("dns", "proxy", "refused", "connection_failed"), "connection_failed"
)
"""Error codes by the causes of failed requests."""

_CAUSES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    # The first match counts. The provider may close the connection during the TLS handshake.
    ((SSLEOFError, SSLZeroReturnError), "connection_failed"),
    (exceptions.SSLError, "tls"),
    (sessions.DeadlineExceeded, "deadline"),
    (exceptions.Timeout, "timeout"),
    ((NameResolutionError, gaierror), "dns"),
    # urllib3 reports a ProxyError as well if the provider closes a connection through a proxy.
    ((BrokenPipeError, ConnectionAbortedError, ConnectionResetError), "connection_failed"),
    (exceptions.ProxyError, "proxy"),
    (ConnectionRefusedError, "refused"),
    (MalformedResponse, "malformed_response"),
    (_URL_ERRORS, "invalid_url"),
    ((requests.ConnectionError, exceptions.ChunkedEncodingError), "connection_failed"),
)


class Transport(BaseAuth):  # type: ignore[type-arg]  # generic in social-core 7, but not in 6
    """A mixin directly above ``BaseAuth``, below a backend's own ``request()``."""

    _last_body = b"{}"

    def request(
        self,
        url: str,
        *,
        method: Literal["GET", "POST", "DELETE"] = "GET",
        headers: Mapping[str, str | bytes] | None = None,
        data: dict | None = None,  # type: ignore[type-arg]  # the signature is social-core's
        json: dict | None = None,  # type: ignore[type-arg]  # the same
        auth: tuple[str, str] | AuthBase | None = None,
        params: dict | None = None,  # type: ignore[type-arg]  # the same
        timeout: float | None = None,
        stage: ErrorStage = "user_info",
    ) -> Response:
        """Send a request with the settings of the backend, and return a successful response.

        :raises SocialAuthBaseException: as in social-core, and if a limit is exceeded.
        """
        headers = {} if headers is None else dict(headers)
        if self.SEND_USER_AGENT and "User-Agent" not in headers:
            headers["User-Agent"] = self.setting("USER_AGENT") or user_agent()
        try:
            response = sessions.send(
                self.name,
                method,
                url,
                own_circuit=stage == "begin",
                repeats_get=stage not in _ONCE and not self._has_callback_value(url, params),
                headers=headers,
                data=data,
                json=json,
                auth=auth,
                params=params,
                **request_options(self, timeout, stage=stage),
            )
            _require_whole_body(response, stage)
            response.raise_for_status()
        except requests.RequestException as error:
            raise translate_request_error(self, error, url=url, stage=stage) from error
        self._last_body = response.content
        return response

    def has_received(self, url: object) -> bool:
        """Return whether a URL contains a value of the last response.

        Some token endpoints return the URL of the profile, for example that of Salesforce.
        """
        try:
            pending = [loads(self._last_body)]
        except (ValueError, RecursionError):
            return False
        while pending:
            value = pending.pop()
            if isinstance(value, dict):
                pending += value.values()
            elif str(value) in str(url):
                return True
        return False

    def _has_callback_value(self, url: str, params: dict[str, Any] | None) -> bool:
        """Return whether a request contains a value of the callback, such as its code."""
        values = {unquote_plus(part) for part in re.split("[/?&=]", str(url))}
        values.update(map(str, (params or {}).values()))
        return not values.isdisjoint(map(str, self.data.values()))


def translate_request_error(
    backend: BaseAuth[Any], error: requests.RequestException, *, url: str, stage: ErrorStage
) -> SocialAuthBaseException:
    """Return social-core's error for a failed request, without the URL in the messages.

    Its ``context`` has the host and the cause, for the log.
    """
    _shorten_messages(error)
    redact_request_error(error, request_url=url)
    social_error = _to_social_error(backend, error, url, stage)
    # After redirects, the failed request has another host.
    failed_url = getattr(error.request, "url", None) or url
    social_error.context |= {"host": _host(str(failed_url)), "cause": failure_cause(error)}
    return social_error


def _require_whole_body(response: Response, stage: ErrorStage) -> None:
    """Refuse an empty body and incomplete JSON, if only the end of the connection ends the body.

    The body of a revocation has no meaning (RFC 7009 section 2.2).
    """
    if stage == "disconnect" or not getattr(response.raw, "ends_with_connection", False):
        return
    text = response.content.strip()
    if text.startswith((b"{", b"[")) or (response.ok and not text):
        try:
            loads(text)
        except ValueError as error:
            raise requests.ConnectionError("The body was cut off.") from error
        except RecursionError:  # The backend reports it.
            return


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or None
    except ValueError:
        return None


def _to_social_error(
    backend: BaseAuth[Any], error: requests.RequestException, url: str, stage: ErrorStage
) -> SocialAuthBaseException:
    if isinstance(error, requests.HTTPError):
        return http_error(backend, error, stage=stage)
    is_about_url = isinstance(error, _URL_ERRORS)
    if is_about_url and not _is_discovered(backend, url, stage):
        return AuthConfigurationError(backend, parameter="url", stage=stage)
    if is_about_url or isinstance(error, MalformedResponse):
        return AuthResponseError(backend, code="malformed_response", stage=stage)
    code = _CODES.get(failure_cause(error), "http_error")
    return AuthProviderError(backend, code=code, stage=stage)


def failure_cause(error: BaseException) -> str:
    """Return why a request failed: one word, such as ``"dns"``, for logs and reports.

    :param error: an exception of :meth:`Transport.request`.
    """
    chain = nested_exceptions(error)
    for current in chain:
        if isinstance(current, requests.HTTPError) and current.response is not None:
            return f"http_{current.response.status_code}"
    causes = (cause for cls, cause in _CAUSES if any(isinstance(each, cls) for each in chain))
    return next(causes, "unknown")


def _is_discovered(backend: Any, url: str, stage: ErrorStage) -> bool:
    """Return whether a URL comes from the provider and not from the project's settings."""
    if isinstance(backend, AzureADOAuth2):  # It discovers only the URL of the keys.
        configured = {backend.openid_configuration_url(), backend.setting("JWKS_URI")}
        return stage == "token_validation" and url not in configured
    if isinstance(backend, OIDCDiscoveryMixin):
        return url != backend.oidc_config_url()
    return bool(backend.has_received(url))


def _shorten_messages(error: object, depth: int = 8) -> None:
    """Cut the messages of an exception and of its causes.

    ``redact_request_error()`` needs 13 seconds for a message with a status line of 64 KB.
    """
    if not isinstance(error, BaseException) or not depth:
        return
    error.args = tuple(
        arg[:MAX_MESSAGE] if isinstance(arg, (str, bytes)) else arg for arg in error.args
    )
    for each in (*error.args, error.__cause__, error.__context__):
        _shorten_messages(each, depth - 1)
