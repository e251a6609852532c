"""Backends that push or sign the authorization request."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from social_core.backends.open_id_connect import OpenIdConnectAuth


def parameters_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


class PushedRequests(OpenIdConnectAuth):
    """Push the request to the provider (RFC 9126)."""

    name = "pushed"
    title = "Example"

    def auth_url(self) -> str:
        request = parameters_of(super().auth_url())
        key, secret = self.get_key_and_secret()
        pushed: Any = self.get_json(
            self.oidc_config()["pushed_authorization_request_endpoint"],
            method="POST",
            data=request,
            auth=(key, secret),
        )
        query = urlencode({"client_id": key, "request_uri": pushed["request_uri"]})
        return f"{self.authorization_url()}?{query}"


class SignedRequests(OpenIdConnectAuth):
    """Send the request as a signed JWT (RFC 9101)."""

    name = "signed"
    title = "Example"

    def auth_url(self) -> str:
        request = parameters_of(super().auth_url())
        key, _ = self.get_key_and_secret()
        now = int(time.time())
        claims = {"iss": key, "aud": self.id_token_issuer(), "iat": now, "exp": now + 300}
        signed = jwt.encode({**request, **claims}, self.setting("REQUEST_KEY"), "RS256")
        return f"{self.authorization_url()}?{urlencode({'client_id': key, 'request': signed})}"
