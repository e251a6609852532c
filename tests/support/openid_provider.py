"""An OpenID Connect provider on a simulated network, with real signatures."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
import responses
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.keys import at_hash, public, signing_key

ISSUER = "https://id.example.com"


@dataclass
class OpenIDProvider:
    """A provider with one user, whose responses a test may change.

    :param claims: claims of the ID token, in addition to the ones that every ID token has.
    :param userinfo: the response of the UserInfo endpoint.
    :param codes: the parameters of the authorization request for each code.
    :param has_token_hash: whether ID tokens contain the hash of the access token.
    :param requests: the paths of the requests.
    :param secrets: the values of the logins that only client and server may know.
    :param endpoints: entries of the discovery document that replace the default ones.
    :param before_userinfo: is called before each UserInfo response.
    :param key: the private key of the signatures; ``kid`` and ``algorithm`` belong to it.
    :param jwk_fields: fields of the public key in the key set.
    :param headers: headers of every response.
    :param token_headers: additional headers of the ID token.
    :param token_params: parameters that the token endpoint adds to its response.
    """

    wire: responses.RequestsMock
    url: str = ISSUER
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
    has_token_hash: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    endpoints: dict[str, Any] = field(default_factory=dict)
    before_userinfo: Callable[[], object] = lambda: None
    key: rsa.RSAPrivateKey = field(default_factory=signing_key)
    kid: str | None = "1"
    algorithm: str = "RS256"
    jwk_fields: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256"})
    headers: dict[str, str] = field(default_factory=dict)
    token_headers: dict[str, Any] = field(default_factory=dict)
    token_params: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for method, path, callback in (
            ("GET", "/.well-known/openid-configuration", self._discovery),
            ("GET", "/jwks", self._jwks),
            ("POST", "/token", self._token),
            ("GET", "/userinfo", self._userinfo),
        ):
            self.wire.add_callback(method, self.url + path, callback=callback)

    def authorize(self, authorization_url: str) -> dict[str, str]:
        """Sign in at the provider; return the parameters of the callback."""
        params = dict(parse_qsl(urlsplit(authorization_url).query))
        code = secrets.token_urlsafe(16)
        self.codes[code] = params
        self.secrets += [code, *(params[name] for name in ("state", "nonce") if name in params)]
        return {"code": code, "state": params["state"]}

    def _discovery(self, request: Any) -> tuple[int, dict[str, str], str]:
        return self._json(
            request,
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/jwks",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                **self.endpoints,
            },
        )

    def _jwks(self, request: Any) -> tuple[int, dict[str, str], str]:
        return self._json(request, {"keys": [public(self.key, self.kid, **self.jwk_fields)]})

    def _token(self, request: Any) -> tuple[int, dict[str, str], str]:
        posted = {name: values[0] for name, values in parse_qs(request.body).items()}
        self.secrets += [
            posted[name] for name in ("client_secret", "code_verifier") if name in posted
        ]
        params = self.codes.pop(posted["code"], None)
        if params is None or not self._verifies(params, posted):
            return self._json(request, {"error": "invalid_grant"}, status=400)
        now, access_token = int(time.time()), secrets.token_urlsafe(16)
        claims = {
            "iss": self.url,
            "aud": params["client_id"],
            "iat": now,
            "exp": now + 300,
            **({"nonce": params["nonce"]} if "nonce" in params else {}),
            **self.claims,
            **({"at_hash": at_hash(access_token)} if self.has_token_hash else {}),
        }
        headers = {**({} if self.kid is None else {"kid": self.kid}), **self.token_headers}
        id_token = jwt.encode(claims, self.key, self.algorithm, headers=headers)
        tokens = {"access_token": access_token, "id_token": id_token}
        self.secrets += [*tokens.values()]
        return self._json(request, {**tokens, "token_type": "Bearer", **self.token_params})

    def _verifies(self, params: dict[str, str], posted: dict[str, str]) -> bool:
        digest = hashlib.sha256(posted.get("code_verifier", "").encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        same_uri = params["redirect_uri"] == posted["redirect_uri"]
        return same_uri and params.get("code_challenge", challenge) == challenge

    def _userinfo(self, request: Any) -> tuple[int, dict[str, str], str]:
        self.before_userinfo()
        return self._json(request, self.userinfo)

    def _json(
        self, request: Any, content: Any, *, status: int = 200
    ) -> tuple[int, dict[str, str], str]:
        self.requests.append(urlsplit(request.url).path)
        headers = {"Content-Type": "application/json", **self.headers}
        return status, headers, json.dumps(content)
