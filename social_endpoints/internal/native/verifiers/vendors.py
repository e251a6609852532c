"""Verifiers for the endpoints of Google, Facebook and GitHub."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote, urljoin

from social_core.backends.facebook import API_VERSION
from social_core.exceptions import AuthProviderError, SocialAuthBaseException

from social_endpoints.internal.connections.token_response import read_token_response
from social_endpoints.internal.native.verifiers.base import (
    TokenInfo,
    TokenVerifier,
    VerifierResponse,
)

_GOOGLE_URL = "https://oauth2.googleapis.com/tokeninfo"
_FACEBOOK_URL = "https://graph.facebook.com/v{version}/debug_token"

# Facebook's error codes ("Graph API, Error Handling").
_OTHER_APP = 100  # The token does not belong to this app.
_APP_REFUSED = frozenset({101, 190})  # The app access token is not valid.


class GoogleTokenInfo(TokenVerifier):
    """Google's endpoint ``tokeninfo``, which needs no client secret.

    Like Google's library google-auth-library (``OAuth2Client.getTokenInfo()``), this sends the
    token in a header, not in the URL.
    """

    token_refused = frozenset({400, 401, 403})

    def verify(self, access_token: str) -> TokenInfo:
        """Ask for ``aud`` (audience), ``azp`` (presenter, may be missing), owner and scopes."""
        headers = {
            "Authorization": f"Bearer {access_token}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        response = self.ask(_GOOGLE_URL, method="POST", headers=headers)
        clients = {response.identifier("aud")}
        if response.has("azp"):
            clients.add(response.identifier("azp"))
        lifetime = response.number("expires_in")  # A string of seconds.
        if lifetime <= 0:
            raise self.expired()
        subject, scopes = response.identifier("sub"), response.scopes("scope")
        return TokenInfo(frozenset(clients), subject, int(lifetime), scopes)


class FacebookDebugToken(TokenVerifier):
    """Facebook's endpoint ``debug_token`` ("Graph API Reference, /debug_token").

    The app access token in the request is written as ``{app-id}|{app-secret}`` ("Access Tokens,
    App Access Tokens"). Facebook only reports on tokens of the same app.
    """

    subject_key = "id"

    def verify(self, access_token: str) -> TokenInfo:
        """Ask for ``app_id``, the only client id of an app, for the owner and the scopes."""
        version = self.backend.setting("API_VERSION", API_VERSION)
        params = {"input_token": access_token, "access_token": "|".join(self.client())}
        data = self.ask(_FACEBOOK_URL.format(version=version), params=params).part("data")
        if data.content.get("is_valid") is not True or data.content.get("type") != "USER":
            raise self.rejected()
        lifetime = self._lifetime(data)
        clients = frozenset({data.identifier("app_id")})
        return TokenInfo(clients, data.identifier("user_id"), lifetime, data.scopes("scopes"))

    def own_clients(self) -> frozenset[str]:
        """Return the app that authenticates the request."""
        return frozenset({self.client()[0]})

    def translate_error(self, error: SocialAuthBaseException) -> SocialAuthBaseException:
        """Return the exception for Facebook's error code. The status is usually 400."""
        if error.provider_code == _OTHER_APP:
            return self.rejected()
        if error.provider_code in _APP_REFUSED:
            return self.misconfigured()
        return error

    def _lifetime(self, data: VerifierResponse) -> int | None:
        """Return the seconds until ``expires_at``, or None for never (0).

        :raises AuthResponseError: the token or its access to the profile has expired.
        """
        now, lifetime = time.time(), None
        for name in ("data_access_expires_at", "expires_at"):
            expires = data.number(name) if data.has(name) else 0
            if expires and expires <= now:
                raise self.expired()
            lifetime = int(expires - now) if expires else None
        return lifetime


class GithubToken(TokenVerifier):
    """The token check of GitHub and GitHub Enterprise Server ("REST API, Check a token").

    It needs the app's client id and client secret, and only finds tokens of the same app.
    """

    subject_key = "id"
    # 404: the token is unknown or was issued to another app; 422: it is malformed.
    token_refused = frozenset({404, 422})
    client_refused = frozenset({401})

    def verify(self, access_token: str) -> TokenInfo:
        """Ask for the client id of the app, for the owner, the expiry and the scopes."""
        key, secret = self.client()
        api: str = cast("Any", self.backend).api_url()
        response = self.ask(
            urljoin(api, f"applications/{quote(key, safe='')}/token"),
            method="POST",
            headers={"Accept": "application/vnd.github+json"},
            json={"access_token": access_token},
            auth=(key, secret),
        )
        clients = frozenset({response.part("app").identifier("client_id")})
        subject, now = response.part("user").identifier("id"), time.time()
        state = read_token_response(response.content, asked=(), separator=",", now=now)
        lifetime = None if state.expires_at is None else int(state.expires_at - now)
        return TokenInfo(clients, subject, lifetime, state.scopes)

    def own_clients(self) -> frozenset[str]:
        """Return the app that authenticates the request."""
        return frozenset({self.client()[0]})

    def translate_error(self, error: SocialAuthBaseException) -> SocialAuthBaseException:
        """Return ``rate_limited`` for a 403 with ``Retry-After`` ("REST API, Rate limits")."""
        if error.status_code == HTTPStatus.FORBIDDEN and error.retry_after:
            code, delay = "rate_limited", error.retry_after
            return AuthProviderError(
                self.backend, code=code, stage="token_validation", retry_after=delay
            )
        return super().translate_error(error)
