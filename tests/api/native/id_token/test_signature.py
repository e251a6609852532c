"""The header and the signature of an ID token."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.cache import cache

from tests.support.id_token_providers import IdTokenProvider, signed
from tests.support.keys import edwards_key, elliptic_key, other_key, public, signing_key
from tests.support.native import assert_refused

pytestmark = [pytest.mark.django_db]


def encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).decode().rstrip("=")


def with_header(provider: IdTokenProvider, header: dict[str, Any], *, secret: Any = None) -> str:
    """Return an ID token with any header, signed with the provider's key or a secret (HS256)."""
    head = encoded(json.dumps(header).encode())
    message = f"{head}.{provider.token().split('.')[1]}"
    if secret is None:
        signature = jwt.get_algorithm_by_name("RS256").sign(message.encode(), signing_key())
    else:
        signature = hmac.new(secret, message.encode(), "sha256").digest()
    return f"{message}.{encoded(signature)}"


def public_secrets() -> list[bytes]:
    """Return what everybody knows about the provider's key, and nothing."""
    key = signing_key().public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return [pem, pem.strip(), der, json.dumps(public(signing_key())).encode(), b""]


@pytest.mark.parametrize(
    "algorithm", ["HS256", "hs256", "none", "NONE", None, 7, "RS256", ["RS256"], {"RS256": 1}]
)
def test_public_key_as_secret_is_refused(algorithm: Any, provider: IdTokenProvider) -> None:
    for secret in public_secrets():
        header = {"alg": algorithm, "typ": "JWT", "kid": "1"}
        assert_refused(provider.sign_in(with_header(provider, header, secret=secret)))


def test_unsigned_token_is_refused(provider: IdTokenProvider) -> None:
    claims = jwt.decode(provider.token(), options={"verify_signature": False})
    token = jwt.encode(claims, None, "none", headers={"kid": "1"})

    for each in (token, token + "x", token.rstrip(".")):
        assert_refused(provider.sign_in(each), "invalid_signature", "invalid_claim")


@pytest.mark.parametrize("part", [0, 1, 2])
def test_altered_token_is_refused(part: int, provider: IdTokenProvider) -> None:
    parts = provider.token().split(".")
    parts[part] = provider.token(sub="x", headers={"kid": "1", "x": "y"}).split(".")[part]

    assert_refused(provider.sign_in(".".join(parts)))


@pytest.mark.parametrize(
    "header",
    [
        *({"crit": ["exp"], "exp": 1}, {"b64": False}),
        *({"typ": value} for value in ("at+jwt", "logout+jwt", 7, None)),
    ],
)
def test_header_of_another_token_type_is_refused(
    header: dict[str, Any], oidc: IdTokenProvider
) -> None:
    token = with_header(oidc, {"alg": "RS256", "typ": "JWT", "kid": "1", **header})

    assert_refused(oidc.sign_in(token), "invalid_claim", "malformed_response")


@pytest.mark.parametrize("name", ["x", "jwk", "jku", "x5u", "x5c"])
def test_token_signed_with_a_foreign_key_is_refused(name: str, provider: IdTokenProvider) -> None:
    value = public(other_key()) if name == "jwk" else "https://evil.example.com/keys"
    token = provider.token(other_key(), headers={"kid": "1", name: value})

    assert_refused(provider.sign_in(token), "invalid_signature")


@pytest.mark.parametrize(
    "token",
    [
        *("x", "a.b.c", "..", "a.b.c.d.e", "{}", "null", "\u0131.b.c", "x" * 20_000, " "),
        encoded(b"[" * 12_000) + ".e30.e30",
        encoded(b'{"alg":"RS256","kid":7}') + ".e30.e30",
        encoded(b"\xff\xfe") + ".e30.e30",
    ],
)
def test_malformed_token_is_refused(token: str, provider: IdTokenProvider) -> None:
    assert_refused(provider.sign_in(token))


@pytest.mark.parametrize("payload", [b"[]", b"7", b"{", b"\xff", b"[" * 11_400, b'{"a":' * 2_000])
def test_payload_that_is_not_an_object_is_refused(payload: bytes, oidc: IdTokenProvider) -> None:
    assert_refused(oidc.sign_in(signed(payload, kid="1")))


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "PS256", "RS512"])
def test_algorithm_is_accepted_if_the_setting_lists_it(
    algorithm: str, oidc: IdTokenProvider, settings: Any
) -> None:
    key = {"ES256": elliptic_key, "EdDSA": edwards_key}.get(algorithm, signing_key)()
    oidc.keys = [public(signing_key(), "0", alg="RS256"), public(key, alg=algorithm)]
    refused = oidc.sign_in(oidc.token(key, algorithm))
    assert_refused(refused, "invalid_signature")
    settings.SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = [algorithm]

    assert oidc.sign_in(oidc.token(key, algorithm)).status_code == 201


@pytest.mark.parametrize(
    "members", [{"use": "enc"}, {"alg": "RS512"}, {"kty": "EC"}, {"kty": None}, {"use": None}]
)
def test_key_for_another_purpose_is_not_used(
    members: dict[str, Any], oidc: IdTokenProvider
) -> None:
    oidc.keys = [public(signing_key(), **members)]

    assert_refused(oidc.sign_in(), "invalid_signature")


def test_token_without_key_id_is_accepted_if_there_is_one_key(oidc: IdTokenProvider) -> None:
    oidc.keys = [public(signing_key()), public(other_key(), "2")]
    assert_refused(oidc.sign_in(oidc.token(headers={})), "invalid_signature")
    cache.clear()
    oidc.keys = [public(signing_key(), None), public(other_key(), "2", use="enc")]

    assert oidc.sign_in(oidc.token(headers={})).status_code == 201


def test_all_keys_with_the_same_id_are_tried(oidc: IdTokenProvider) -> None:
    oidc.keys = [public(other_key()), public(signing_key())]

    assert oidc.sign_in().status_code == 201
