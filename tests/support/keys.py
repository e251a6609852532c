"""Keys and certificates, generated once in a run because that is slow."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

_ALGORITHMS: Any = {
    rsa.RSAPrivateKey: RSAAlgorithm,
    ec.EllipticCurvePrivateKey: ECAlgorithm,
    ed25519.Ed25519PrivateKey: OKPAlgorithm,
}


def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def signing_key() -> rsa.RSAPrivateKey:
    """Return the key of the providers."""
    return _rsa_key()


@cache
def other_key() -> rsa.RSAPrivateKey:
    """Return a key that is not the providers'."""
    return _rsa_key()


@cache
def elliptic_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def edwards_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def public(key: Any, kid: str | None = "1", **members: Any) -> dict[str, Any]:
    """Return the public half of a key as a JWK."""
    algorithm = next(each for base, each in _ALGORITHMS.items() if isinstance(key, base))
    names = {} if kid is None else {"kid": kid}
    return {**json.loads(algorithm.to_jwk(key.public_key())), "use": "sig", **names, **members}


def private_pem(key: Any) -> str:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


@cache
def key_and_certificate(name: str) -> tuple[str, str]:
    """Return a key and its self-signed certificate, both as PEM."""
    key = _rsa_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .sign(key, hashes.SHA256())
    )
    return private_pem(key), certificate.public_bytes(Encoding.PEM).decode()


def at_hash(access_token: str) -> str:
    """Return the claim "at_hash" of an ID token that is signed with RS256."""
    digest = hashlib.sha256(access_token.encode()).digest()[:16]
    return urlsafe_b64encode(digest).decode().rstrip("=")
