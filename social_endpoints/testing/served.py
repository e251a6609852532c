"""The fake providers of a server, and what goes wrong with them for one person."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import jwt

from social_endpoints.internal.backends.registry import find
from social_endpoints.testing.endpoints import find_endpoint
from social_endpoints.testing.keys import SigningKey
from social_endpoints.testing.messages import ProviderRequest, ProviderResponse
from social_endpoints.testing.provider import FakeProvider

REQUEST_URI = "urn:ietf:params:oauth:request_uri:"
_TOKENS = ("access_token", "refresh_token")


@dataclass(frozen=True)
class Trouble:
    """The failures after a person has approved.

    :param failure: one of :data:`social_endpoints.testing.pages.FAILURES`, or an empty text.
    :param delay: seconds before each response to the server.
    """

    failure: str = ""
    delay: float = 0

    def response(self, endpoint: str) -> ProviderResponse | None:
        """Return the response that replaces that of an endpoint, or None."""
        if (self.failure, endpoint) == ("code", "token"):
            return ProviderResponse(400, {"error": "invalid_grant"})
        if (self.failure, endpoint) == ("token_unavailable", "token"):
            return ProviderResponse(503, {"error": "temporarily_unavailable"})
        if (self.failure, endpoint) == ("profile", "userinfo"):
            return ProviderResponse(403, {"error": "insufficient_scope"})
        return None


class ServedProviders:
    """The fakes of this process. All have the same signing key."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._fakes: dict[tuple[str, ...], FakeProvider] = {}
        self._troubles: dict[str, Trouble] = {}
        self._pushed: dict[str, dict[str, str]] = {}
        self._rotations = 0

    def provider(self, name: str) -> FakeProvider:
        """Return the fake that stands in for a provider.

        :raises ProviderNotSupported: no configured backend has this name.
        :raises ProviderNotFakeable: the backend does not use OAuth 2 or OpenID Connect.
        """
        return self._get((name, find(name).path), lambda: FakeProvider(name))

    def issuer(self, base_url: str) -> FakeProvider:
        """Return the fake that is an issuer for all configured clients."""
        return self._get((base_url,), lambda: FakeProvider(base_url=base_url))

    def _get(self, key: tuple[str, ...], create: Any) -> FakeProvider:
        with self._lock:
            fake: FakeProvider | None = self._fakes.get(key)
            if fake is None:
                fake = self._fakes[key] = create()
                for _ in range(self._rotations):
                    fake.rotate_keys()
            return fake

    def rotate_keys(self) -> None:
        """Replace the signing key of all fakes."""
        with self._lock:
            self._rotations += 1
            for fake in self._fakes.values():
                fake.rotate_keys()

    def revoke_everything(self) -> None:
        """Revoke all codes and tokens."""
        with self._lock:
            self._fakes.clear()
            self._troubles.clear()

    # Requests

    def remember(self, code: str, trouble: Trouble) -> None:
        """Let something go wrong for the person to whom a code belongs."""
        if trouble != Trouble():
            self._troubles[code] = trouble

    def respond(self, fake: FakeProvider, request: ProviderRequest) -> ProviderResponse:
        """Return the response of a fake, after its delay."""
        if pushed := self._push(fake, request):
            return pushed
        endpoint = find_endpoint(fake, request)
        trouble = self._trouble(request.values())
        response = trouble.response(endpoint) or fake.respond(request)
        fake.requests.clear()  # A server may run for days.
        if endpoint == "token" and trouble != Trouble():
            response = self._follow(fake, trouble, response)
        time.sleep(trouble.delay + response.delay)
        return response

    def holder(self, request: ProviderRequest) -> FakeProvider | None:
        """Return the fake that has issued the token of a request, or None."""
        with self._lock:
            fakes = list(self._fakes.values())
        return next((each for each in fakes if each.grants.find_any(request.values())), None)

    def _trouble(self, values: Iterable[str]) -> Trouble:
        return next((self._troubles[each] for each in values if each in self._troubles), Trouble())

    def _follow(
        self, fake: FakeProvider, trouble: Trouble, response: ProviderResponse
    ) -> ProviderResponse:
        """Apply the trouble of a code to the tokens for which it was redeemed."""
        content = response.content
        if response.status != 200 or not isinstance(content, dict):
            return response
        for token in filter(None, map(content.get, _TOKENS)):
            self._troubles[token] = trouble
        if trouble.failure == "signature" and "id_token" in content:
            id_token = self._forge(fake, content["id_token"])
            return replace(response, content={**content, "id_token": id_token})
        return response

    def _forge(self, fake: FakeProvider, id_token: str) -> str:
        """Return the ID token, signed with a key that the fake does not publish."""
        claims = jwt.decode(id_token, options={"verify_signature": False})
        return SigningKey(self._rotations + 1).sign(claims, {"kid": fake.key.kid})

    # Pushed authorization requests (RFC 9126)

    def _push(self, fake: FakeProvider, request: ProviderRequest) -> ProviderResponse | None:
        is_pushed = {"response_type", "redirect_uri"} <= request.params.keys()
        if request.method != "POST" or not is_pushed or "grant_type" in request.params:
            return None
        if not fake.authenticates(request):
            return ProviderResponse(401, {"error": "invalid_client"})
        # The second pair is decoded, if there are two.
        params = {"client_id": request.client_credentials[-1][0], **request.params}
        uri = REQUEST_URI + secrets.token_urlsafe(16)
        self._pushed[uri] = params
        return ProviderResponse(201, {"request_uri": uri, "expires_in": 600})

    def with_pushed_params(self, params: dict[str, str]) -> dict[str, str]:
        """Return the parameters of an authorization request, including those that were pushed."""
        pushed = self._pushed.get(params.get("request_uri", ""), {})
        client_id = params.get("client_id")
        # Another client cannot use them (RFC 9126 section 2.2).
        return params if pushed.get("client_id", client_id) != client_id else {**params, **pushed}
