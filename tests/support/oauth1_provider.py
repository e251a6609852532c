"""X (Twitter) as an OAuth 1.0a provider on the simulated network."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import responses

URL = "https://api.twitter.com"


class Twitter:
    """An OAuth 1.0a provider."""

    def __init__(self, wire: responses.RequestsMock) -> None:
        self.wire = wire
        self.count = 0
        wire.add_callback("POST", f"{URL}/oauth/request_token", callback=self._request_token)
        wire.add_callback("POST", f"{URL}/oauth/access_token", callback=self._access_token)
        wire.get(
            f"{URL}/1.1/account/verify_credentials.json",
            json={"id": 7, "screen_name": "ada", "name": "Ada Lovelace"},
        )

    def authorize(self, authorization_url: str) -> dict[str, str]:
        """Sign in at the provider; return the parameters of the callback."""
        (token,) = parse_qs(urlsplit(authorization_url).query)["oauth_token"]
        return {"oauth_token": token, "oauth_verifier": f"verifier-of-{token}"}

    def sent(self, path: str) -> list[dict[str, str]]:
        """Return the OAuth parameters of the requests to a path."""
        return [
            dict(pair.split("=", 1) for pair in unquote(header.replace('"', "")).split(", "))
            for header in (
                str(call.request.headers["Authorization"], "utf-8").removeprefix("OAuth ")
                for call in self.wire.calls
                if urlsplit(str(call.request.url)).path == path
            )
        ]

    def _request_token(self, request: Any) -> tuple[int, dict[str, str], str]:
        self.count += 1
        token = f"token-{self.count}"
        body = f"oauth_token={token}&oauth_token_secret=secret-of-{token}"
        return 200, {}, f"{body}&oauth_callback_confirmed=true"

    def _access_token(self, request: Any) -> tuple[int, dict[str, str], str]:
        return 200, {}, "oauth_token=access&oauth_token_secret=secret"
