"""An OpenID Connect provider whose answers come over a faked wire, really signed."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
import responses
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://id.example.com"


@lru_cache
def signing_key() -> rsa.RSAPrivateKey:
    """Return the key that the provider signs with; making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class OpenIDProvider:
    """What a provider knows: its user, and the codes that it has given out.

    ``claims`` and ``userinfo`` are what it says of the user; tests change them.
    ``requests`` are the paths it was asked for. ``key``, ``kid`` and
    ``algorithm`` are what it signs with, and ``said`` is what it says besides of its key.
    """

    wire: responses.RequestsMock
    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "user-1"})
    userinfo: dict[str, Any] = field(
        default_factory=lambda: {
            "sub": "user-1",
            "preferred_username": "ada",
            "email": "ada@example.com",
            "given_name": "Ada",
            "family_name": "Lovelace",
        }
    )
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    endpoints: dict[str, Any] = field(default_factory=dict)
    before_userinfo: Callable[[], object] = lambda: None
    key: rsa.RSAPrivateKey = field(default_factory=signing_key)
    kid: str | None = "1"
    algorithm: str = "RS256"
    said: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256"})
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for method, path, answer in (
            ("GET", "/.well-known/openid-configuration", self._discovery),
            ("GET", "/jwks", self._jwks),
            ("POST", "/token", self._token),
            ("GET", "/userinfo", self._userinfo),
        ):
            self.wire.add_callback(method, ISSUER + path, callback=answer)

    def authorize(self, authorization_url: str) -> dict[str, str]:
        """Do what the user does at the provider; return the callback's parameters."""
        asked = dict(parse_qsl(urlsplit(authorization_url).query))
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def _discovery(self, request: Any) -> tuple[int, dict[str, str], str]:
        return self._json(
            request,
            {
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/authorize",
                "token_endpoint": f"{ISSUER}/token",
                "userinfo_endpoint": f"{ISSUER}/userinfo",
                "jwks_uri": f"{ISSUER}/jwks",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                **self.endpoints,
            },
        )

    def _jwks(self, request: Any) -> tuple[int, dict[str, str], str]:
        key = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        return self._json(request, {"keys": [{**key, **self._name(), **self.said, "use": "sig"}]})

    def _token(self, request: Any) -> tuple[int, dict[str, str], str]:
        posted = {name: values[0] for name, values in parse_qs(request.body).items()}
        asked = self.codes.pop(posted["code"], None)
        if asked is None or not self._verifies(asked, posted):
            return self._json(request, {"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": asked["client_id"],
            "iat": now,
            "exp": now + 300,
            **({"nonce": asked["nonce"]} if "nonce" in asked else {}),
            **self.claims,
        }
        id_token = jwt.encode(claims, self.key, self.algorithm, headers=self._name())
        tokens = {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer"}
        return self._json(request, {**tokens, "id_token": id_token})

    def _name(self) -> dict[str, Any]:
        return {} if self.kid is None else {"kid": self.kid}

    def _verifies(self, asked: dict[str, str], posted: dict[str, str]) -> bool:
        digest = hashlib.sha256(posted.get("code_verifier", "").encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        same_uri = asked["redirect_uri"] == posted["redirect_uri"]
        return same_uri and asked.get("code_challenge", challenge) == challenge

    def _userinfo(self, request: Any) -> tuple[int, dict[str, str], str]:
        self.before_userinfo()
        return self._json(request, self.userinfo)

    def _json(
        self, request: Any, content: Any, *, status: int = 200
    ) -> tuple[int, dict[str, str], str]:
        self.requests.append(urlsplit(request.url).path)
        headers = {"Content-Type": "application/json", **self.headers}
        return status, headers, json.dumps(content)
