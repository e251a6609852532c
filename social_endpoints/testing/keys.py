"""The signing keys of fake providers."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode, urlsafe_b64encode
from threading import Lock
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

ALGORITHM = "RS256"

# All fakes of a process share them, because the generation of a key takes a tenth of a second.
_keys: list[rsa.RSAPrivateKey] = []
_lock = Lock()


class SigningKey:
    """A private key for RS256.

    :param number: a number from 0. The key of each number is generated once in a process.
    """

    def __init__(self, number: int = 0) -> None:
        with _lock:
            while len(_keys) <= number:
                _keys.append(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        self._key = _keys[number]
        modulus = str(self._key.public_key().public_numbers().n)
        self.kid = base64url(hashlib.sha256(modulus.encode()).digest()[:9])

    def sign(self, claims: dict[str, Any], headers: dict[str, Any] | None = None) -> str:
        """Return a signed JWT."""
        return jwt.encode(
            claims, self._key, ALGORITHM, headers={"kid": self.kid, **(headers or {})}
        )

    def public(self) -> dict[str, Any]:
        """Return the public key as a JWK (RFC 7517)."""
        key: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        key.pop("key_ops", None)  # Not together with "use" (section 4.3).
        return {**key, "kid": self.kid, "use": "sig", "alg": ALGORITHM}

    def public_der(self) -> str:
        """Return the public key in base64, as the console of Keycloak shows it."""
        encoded = self._key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        return b64encode(encoded).decode()


def token_hash(token: str) -> str:
    """Return the value of ``at_hash`` for RS256 (OpenID Connect Core section 3.1.3.6)."""
    return base64url(hashlib.sha256(token.encode()).digest()[:16])


def base64url(content: bytes) -> str:
    """Return the content in base64url without padding."""
    return urlsafe_b64encode(content).decode().rstrip("=")


def code_challenge(verifier: str, method: str) -> str:
    """Return the challenge of a PKCE verifier (RFC 7636 section 4.2)."""
    if method.upper() == "S256":
        return base64url(hashlib.sha256(verifier.encode()).digest())
    return verifier
