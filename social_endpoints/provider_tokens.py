"""Access tokens of providers for the project's own requests, refreshed when they expire.

For code on the server. No endpoint returns a provider's token.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase
from requests.exceptions import UnrewindableBodyError
from requests.sessions import SessionRedirectMixin
from requests.utils import requote_uri, rewind_body
from requests_oauthlib import OAuth1
from urllib3.util import parse_url

from social_endpoints.exceptions import (
    ProviderError,
    ProviderTokenError,
    ProviderUnavailable,
    ReauthenticationRequired,
)
from social_endpoints.internal.connections.encryption import to_plain
from social_endpoints.internal.connections.stored_tokens import Credentials, NotRefreshable
from social_endpoints.types import AccessToken

__all__ = [
    "AccessToken",
    "ProviderAuth",
    "ProviderError",
    "ProviderTokenError",
    "ProviderUnavailable",
    "ReauthenticationRequired",
    "decrypt_extra_data",
    "get_access_token",
]

_AUTHORIZATION = "Authorization"
_PORTS = {"http": 80, "https": 443}
_KEEP_BODY = frozenset({307, 308})

Origin = tuple[str | None, str | None, int | None]


def get_access_token(
    user: Any, provider: str, *, uid: str | None = None, min_lifetime: float = 60
) -> AccessToken:
    """Return an access token of a user's connection. Refresh it if it is about to expire.

    Workers that need the token at the same time refresh it once. If the refresh fails because of an
    outage and the token has not expired, it is returned.

    :param user: the user, or an object with the primary key in ``pk``.
    :param provider: the name of the provider's backend.
    :param uid: the uid of the connection. Without it, the connection that was used last.
    :param min_lifetime: seconds. The token is refreshed if less time remains. A token that cannot
        be refreshed is returned until it expires.
    :raises ReauthenticationRequired: the user must connect the provider, perhaps again.
    :raises ProviderUnavailable: the provider did not respond, or other workers need too long for
        their refresh. The call can be repeated later.
    :raises ProviderError: the provider sent an unusable response, or does not accept the client id
        or the client secret.
    :raises ProviderNotSupported: no such provider, or it has no access tokens.
    :raises ConfigurationError: a setting is wrong.
    :raises StorageUnavailable: the project's database failed.
    """
    credentials = _get_credentials(user, provider, uid=uid, min_lifetime=min_lifetime)
    return credentials.access_token


def _get_credentials(user: Any, provider: str, **options: Any) -> Credentials:
    # Not at import time: it needs the models of social_django.
    from social_endpoints.internal.actions.provider_tokens import get_credentials

    return get_credentials(user, provider, **options)


def decrypt_extra_data(extra_data: Any) -> dict[str, Any]:
    """Return a copy of ``UserSocialAuth.extra_data`` with its tokens in clear.

    Use it for other tokens than the access token, for example that of a bot. Entries with a token
    whose key is lost are left out.
    """
    return to_plain(extra_data)


class ProviderAuth(AuthBase):
    """Adds the access token of a user's connection to requests of the library ``requests``.

    The token is refreshed if it is about to expire. After a 401, it is refreshed, and the request
    is sent once more if its body can be sent again. For OAuth 1.0a, requests are signed.

    The token is sent to one origin only, that of the first request, also after redirects. Requests
    to other origins are sent without it. Create an instance for each API.

    Instances can be shared by threads.

    See :func:`get_access_token` for the parameters, and for the exceptions that a request raises.
    """

    def __init__(self, user: Any, provider: str, *, uid: str | None = None) -> None:
        self._user, self._provider, self._uid = user, provider, uid

    def __call__(self, r: Any) -> Any:
        """Authorize a prepared request."""
        origin = _origin(str(r.url))
        # In one step, because threads may share this object.
        if origin is None or vars(self).setdefault("_origin", origin) != origin:
            return r
        exchange = _Exchange(self, origin)
        r.register_hook("response", exchange.handle)
        return exchange.authorize(r)

    def _get_credentials(self, rejected: Credentials | None = None) -> Credentials:
        """Return credentials, or others of the same connection in place of rejected ones."""
        if rejected is None:
            return _get_credentials(self._user, self._provider, uid=self._uid, min_lifetime=60)
        options = {"uid": rejected.uid, "rejected": rejected.identity}
        return _get_credentials(self._user, self._provider, min_lifetime=60, **options)


class _Exchange:
    """One request with its redirects and its repetition."""

    def __init__(self, auth: ProviderAuth, origin: Origin) -> None:
        self._auth, self._origin = auth, origin
        self._credentials = auth._get_credentials()
        self._has_repeated = False

    def authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._credentials.oauth1 is not None:
            return self._sign(request, *self._credentials.oauth1)
        request.headers[_AUTHORIZATION] = self._bearer()
        return request

    def _sign(
        self, request: requests.PreparedRequest, key: str, secret: str, token_secret: str
    ) -> requests.PreparedRequest:
        body: Any = request.body
        is_stream = body is not None and not isinstance(body, (bytes, str))
        if is_stream:  # It is not signed, but OAuth1 would read a part of it.
            request.body = None
        auth = OAuth1(key, secret, self._credentials.access_token.token, token_secret)
        signed: requests.PreparedRequest = auth(request)
        if is_stream:
            signed.body = body
        return signed

    def handle(self, response: requests.Response, **options: Any) -> requests.Response:
        """Repeat a request after a 401, and remove the token before a redirect to another origin.

        requests calls this for each response, and copies the request for the next redirect.
        """
        request = response.request
        if response.status_code == requests.codes.unauthorized:
            response = self._repeat(response, options)
        if response.is_redirect:
            url = _redirect_target(response)
            if _origin(url) != self._origin:
                request.headers.pop(_AUTHORIZATION, None)
            elif self._credentials.oauth1 is not None and _AUTHORIZATION in request.headers:
                self._sign_redirect(request, response, url)
        return response

    def _sign_redirect(
        self, request: requests.PreparedRequest, response: requests.Response, url: str
    ) -> None:
        """Sign the request that requests will send next, in place of the one that was sent."""
        following = request.copy()
        following.url = url
        SessionRedirectMixin().rebuild_method(following, response)
        if response.status_code not in _KEEP_BODY:
            following.body = None
            following.headers.pop("Content-Type", None)
        signed = self.authorize(following)
        request.headers[_AUTHORIZATION] = signed.headers[_AUTHORIZATION]

    def _repeat(self, response: requests.Response, options: dict[str, Any]) -> requests.Response:
        request = response.request
        is_ours = request.headers.get(_AUTHORIZATION) == self._bearer()
        if self._has_repeated or not is_ours or _origin(str(request.url)) != self._origin:
            return response
        if not _rewind(request):
            return response
        self._has_repeated = True
        try:
            self._credentials = self._auth._get_credentials(self._credentials)
        except NotRefreshable:
            return response
        except Exception:
            response.close()  # The caller does not receive it.
            raise
        if not options.get("stream"):
            with suppress(requests.RequestException):
                response.content  # noqa: B018 - reads the body, so that the connection is reused
        response.close()
        self.authorize(request)  # requests copies it for a redirect of the new response.
        repeated: requests.Response = response.connection.send(request.copy(), **options)
        repeated.history.append(response)
        return repeated

    def _bearer(self) -> str:
        return f"Bearer {self._credentials.access_token.token}"


def _redirect_target(response: requests.Response) -> str:
    """Return the URL that requests will follow; empty if it is malformed."""
    try:
        target = SessionRedirectMixin().get_redirect_target(response)
        return urljoin(response.url, requote_uri(target or ""))
    except ValueError:
        return ""


def _rewind(request: requests.PreparedRequest) -> bool:
    """Rewind a file in the body of a request. Return whether the body can be sent again."""
    body: Any = request.body  # May be a file or a generator.
    if body is None or isinstance(body, (bytes, str)):
        return True
    try:
        rewind_body(request)
    except (UnrewindableBodyError, ValueError):  # A generator or a closed file.
        return False
    return True


def _origin(url: str) -> Origin | None:
    """Return scheme, host and port; None if the parsers of Python and urllib3 disagree."""
    try:
        parts, other = urlsplit(url), parse_url(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:  # urllib3 raises the subclass LocationParseError.
        return None
    origin = parts.scheme, parts.hostname, port
    host = (other.host or "").strip("[]")
    same = origin == (other.scheme, host, other.port or _PORTS.get(str(other.scheme)))
    return origin if same and parts.hostname and port else None
