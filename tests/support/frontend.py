"""A frontend as it stands in front of the endpoints: a browser and how it keeps flows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rest_framework.test import APIClient

REDIRECT_URI = "https://app.example.com/login/callback"


@dataclass
class Frontend:
    """A page in a browser of its own, which sends flows back in one transport.

    With ``below`` it works with what lies below a provider's path, ``connect/`` say.
    """

    transport: str = "cookie"
    client: APIClient = field(default_factory=APIClient)
    format: str = "json"
    below: str = ""

    def begin(
        self, provider: str = "oidc", *, redirect_uri: str = REDIRECT_URI, **query: str
    ) -> Any:
        """Begin a login and return the answer."""
        return self.client.get(
            f"/auth/o/{provider}/{self.below}", {"redirect_uri": redirect_uri, **query}, secure=True
        )

    def complete(self, begun: Any, callback: dict[str, Any], provider: str = "oidc") -> Any:
        """Post what the provider sent back, with the flow of this begin."""
        body = dict(callback)
        if self.transport == "body":
            body["flow"] = begun.data["flow"]
        return self.post(body, provider)

    def post(self, body: Any, provider: str = "oidc", **extra: Any) -> Any:
        """Post a body."""
        extra.setdefault("format", self.format)
        return self.client.post(f"/auth/o/{provider}/{self.below}", body, secure=True, **extra)

    def resume(self, paused: Any, provider: str = "oidc", **params: Any) -> Any:
        """Resume a paused login with what its step has asked for."""
        body = {"partial_token": paused.data["partial_token"], **params}
        return self.complete(paused, body, provider)

    def log_in(self, provider: Any) -> Any:
        """Log in with the OpenID provider of the tests, or connect; return the last answer."""
        begun = self.begin()
        if begun.status_code != 200:
            return begun
        return self.complete(begun, provider.authorize(begun.data["authorization_url"]))
