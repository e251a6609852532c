"""A frontend of the endpoints: a browser, and how it sends flows back."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from rest_framework.test import APIClient

REDIRECT_URI = "https://app.example.com/login/callback"

# Neither databases nor versions change what a transport does, so some environments test only one.
TRANSPORTS = os.environ.get("TEST_TRANSPORTS", "cookie body").split()


def authorization_params(begun: Any) -> dict[str, str]:
    """Return the query parameters of the authorization URL in a begin's response."""
    assert begun.status_code == 200, begun.data
    return dict(parse_qsl(urlsplit(begun.data["authorization_url"]).query, keep_blank_values=True))


def error(response: Any) -> tuple[int, str | None]:
    return response.status_code, response.data.get("error_code")


def details(response: Any) -> dict[str, Any]:
    """Return an error body without the keys that every error has."""
    body = dict(response.data)
    for name in ("error_code", "error_recovery", "error_id"):
        assert isinstance(body.pop(name), str)
    return body


def browser(**settings: Any) -> APIClient:
    """Return a client that receives a 500 as a browser does, in place of its exception."""
    return APIClient(raise_request_exception=False, **settings)


@dataclass
class Frontend:
    """A page in its own browser, which sends flows back in one transport.

    :param below: the endpoint below the provider's path, for example ``connect/``.
    """

    transport: str = "cookie"
    client: APIClient = field(default_factory=browser)
    format: str = "json"
    below: str = ""

    def begin(
        self, provider: str = "oidc", *, redirect_uri: str = REDIRECT_URI, **query: str
    ) -> Any:
        return self.client.get(
            f"/auth/o/{provider}/{self.below}", {"redirect_uri": redirect_uri, **query}, secure=True
        )

    def authorize(self, openid: Any) -> tuple[Any, dict[str, str]]:
        """Begin with the OpenID provider and sign in there; return response and callback."""
        begun = self.begin()
        return begun, openid.authorize(begun.data["authorization_url"])

    def complete(self, begun: Any, callback: dict[str, Any], provider: str = "oidc") -> Any:
        """Post the parameters of a callback with the flow of this begin."""
        body = dict(callback)
        if self.transport == "body":
            body["flow"] = begun.data["flow"]
        return self.post(body, provider)

    def post(self, body: Any, provider: str = "oidc", **extra: Any) -> Any:
        extra.setdefault("format", self.format)
        return self.client.post(f"/auth/o/{provider}/{self.below}", body, secure=True, **extra)

    def resume(self, paused: Any, provider: str = "oidc", **params: Any) -> Any:
        """Resume a paused login with what its step has asked for."""
        body = {"partial_token": paused.data["partial_token"], **params}
        return self.complete(paused, body, provider)

    def log_in(self, openid: Any) -> Any:
        """Log in with the OpenID provider, or connect; return the last response."""
        begun = self.begin()
        if begun.status_code != 200:
            return begun
        return self.complete(begun, openid.authorize(begun.data["authorization_url"]))
