"""What the provider answers: discovery, keys, tokens, profiles."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm


class Answers:
    """Gives out codes, and takes them for tokens once."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._codes: dict[str, dict[str, str]] = {}

    def authorize(self, asked: dict[str, str]) -> str:
        """Return a code.

        :param asked: the query of the authorization URL, and as ``user`` who signs in.
        """
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return code

    def to(self, method: str, path: str, issuer: str, body: str, bearer: str) -> Any:
        """Return what is answered to a request, as JSON is made from it; None is a 404."""
        match method, path:
            case "GET", "/.well-known/openid-configuration":
                return self._discovery(issuer)
            case "GET", "/jwks":
                return {"keys": [self._public_key()]}
            case "POST", "/token":
                return self._tokens(issuer, {k: v[-1] for k, v in parse_qs(body).items()})
            case "GET", "/userinfo":
                user = _user_of(bearer)
                return {"sub": user, "preferred_username": user, **_person(user)}
            case "GET", "/user":
                user = _user_of(bearer)
                return {"id": user, "login": user, **_person(user)}
        return None

    def _discovery(self, issuer: str) -> dict[str, Any]:
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "jwks_uri": f"{issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def _public_key(self) -> dict[str, str]:
        key = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        return {**key, "kid": "1", "alg": "RS256", "use": "sig"}

    def _tokens(self, issuer: str, posted: dict[str, str]) -> dict[str, Any] | None:
        asked = self._codes.pop(posted.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != posted["redirect_uri"]:
            return None
        user = asked["user"]
        tokens = {
            "access_token": f"{user}.{secrets.token_urlsafe(16)}",
            "token_type": "Bearer",
            "expires_in": 3600,
        }
        if "openid" not in asked.get("scope", "").split():
            return tokens
        now = int(time.time())
        claims = {"iss": issuer, "aud": asked["client_id"], "sub": user, "iat": now}
        claims |= {"exp": now + 300, "nonce": asked["nonce"]}
        return {**tokens, "id_token": jwt.encode(claims, self._key, "RS256", headers={"kid": "1"})}


def _user_of(bearer: str) -> str:
    """Return whom an ``Authorization`` header is for: our access tokens begin with that."""
    return bearer.rpartition(" ")[2].partition(".")[0]


def _person(user: str) -> dict[str, Any]:
    return {"name": "Ada Lovelace", "email": f"{user}@example.com", "email_verified": True}
