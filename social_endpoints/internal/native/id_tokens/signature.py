"""The signature of an ID token, and what is signed (RFC 7515, RFC 7517, RFC 7519)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt
from social_core.backends.utils import jwt_error
from social_core.exceptions import AuthResponseError

from social_endpoints.internal.native.id_tokens import jwks
from social_endpoints.internal.native.id_tokens.issuers import Issuer

_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}

# Tokens of access (RFC 9068 section 2.1) and of logout (Back-Channel Logout section 2.4) say
# so, which the same issuer may have signed for the same client.
_TYPES = frozenset({"jwt", "application/jwt", "id_token+jwt"})

# Of the claims, others judge: PyJWT stumbles over some that are no numbers.
_CLAIMS = ("aud", "exp", "iat", "iss", "jti", "nbf", "sub")
_OPTIONS: Any = {"verify_signature": True, **{f"verify_{claim}": False for claim in _CLAIMS}}


def signed(issuer: Issuer, id_token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return the claims of a token, the key that they are signed with, and the algorithm.

    :raises SocialAuthBaseException: it is no token, or none that this issuer has signed; or
        the issuer's keys cannot be fetched.
    """
    header = _header(issuer, id_token)
    if header["alg"] not in issuer.algorithms():
        raise issuer.error("invalid_signature")
    failure = issuer.error("invalid_signature")
    for keys in jwks.key_sets(issuer.backend, issuer.jwks_uri()):
        try:
            return _verified(issuer, id_token, keys, header["alg"], header.get("kid"))
        except AuthResponseError as error:  # Keys that are kept may be old.
            failure = error
    raise failure


def _header(issuer: Issuer, id_token: str) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(id_token)
    except jwt.PyJWTError as error:
        raise jwt_error(issuer.backend, error) from error
    kind = header.get("typ", "JWT")
    is_id_token = isinstance(kind, str) and kind.lower() in _TYPES
    # What a token says to be critical must be understood (RFC 7515 section 4.1.11).
    if "crit" in header or "b64" in header or not is_id_token:
        raise issuer.error("invalid_claim")
    if not isinstance(header.get("alg"), str):
        raise issuer.error("invalid_signature")
    return header


def _verified(
    issuer: Issuer, id_token: str, keys: list[dict[str, Any]], algorithm: str, kid: str | None
) -> tuple[dict[str, Any], dict[str, Any], str]:
    candidates = [key for key in keys if _is_suitable(key, algorithm, kid)]
    if kid is None and len(candidates) > 1:
        raise issuer.error("invalid_signature")  # Which of them, it has to say.
    for key in candidates:
        claims = _decoded(issuer, id_token, key, algorithm)
        if claims is not None:
            return claims, key, algorithm
    raise issuer.error("invalid_signature")


def _is_suitable(key: Mapping[str, Any], algorithm: str, kid: str | None) -> bool:
    """Say whether a key is for signatures of this kind (RFC 7517 section 4)."""
    return (
        key.get("kty") == _KEY_TYPES[algorithm[:2]]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    )


def _decoded(
    issuer: Issuer, id_token: str, key: dict[str, Any], algorithm: str
) -> dict[str, Any] | None:
    """Return the claims, or None where they are signed with another key."""
    try:
        public_key = jwt.PyJWK(key, algorithm=algorithm).key
    except (jwt.PyJWTError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise issuer.error("malformed_response", "keys") from error
    try:
        claims: dict[str, Any] = jwt.decode(
            id_token, public_key, algorithms=[algorithm], options=_OPTIONS
        )
    except jwt.InvalidSignatureError:
        return None
    except jwt.PyJWTError as error:
        raise jwt_error(issuer.backend, error) from error
    return claims
