"""Header and signature of an ID token (RFC 7515, RFC 7517)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from social_core.backends.utils import jwt_error
from social_core.exceptions import AuthResponseError

from social_endpoints.internal.backends.extensions.discovery import signing_keys
from social_endpoints.internal.backends.id_tokens.issuers import Issuer

KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
"""Key types by the first letters of an algorithm (RFC 7518 section 3.1 and RFC 8037)."""

# Access tokens (RFC 9068 section 2.1) and logout tokens (OpenID Connect Back-Channel Logout
# section 2.4) of the same issuer for the same client have other types.
_HEADER_TYPES = frozenset({"jwt", "application/jwt", "id_token+jwt"})

# The claims are validated in :mod:`.claims`.
_SIGNATURE_ONLY: Any = {
    f"verify_{claim}": False for claim in ("aud", "exp", "iat", "iss", "jti", "nbf", "sub")
}


@dataclass(frozen=True, slots=True)
class SignedToken:
    """An ID token with a verified signature. ``key`` is its JWK."""

    claims: dict[str, Any]
    key: dict[str, Any]
    algorithm: str

    @classmethod
    def verify(cls, issuer: Issuer, id_token: str) -> SignedToken:
        """Verify an ID token with the issuer's stored keys, or with newly requested ones.

        The number of requests for new keys is limited, because anyone can post a wrong signature.
        """
        header = read_header(issuer, id_token)
        failure = issuer.error("invalid_signature")
        if not check_algorithm(issuer, failure, header["alg"]):
            raise failure
        cached_keys = signing_keys(issuer.backend, issuer.jwks_uri())
        for keys in cached_keys.versions(rate_limited=True):
            try:
                return _with_verified_signature(issuer, id_token, header, keys)
            except AuthResponseError as error:
                failure = error
        raise failure


def check_algorithm(issuer: Issuer, error: AuthResponseError, algorithm: str) -> bool:
    """Return whether an algorithm is allowed. If not, add it to the error, for the log."""
    is_allowed = algorithm in issuer.algorithms()
    if not is_allowed:
        error.context["algorithm"] = algorithm
    return is_allowed


def read_header(issuer: Issuer, id_token: str) -> dict[str, Any]:
    """Return the header of an ID token; refuse the header of another token type."""
    try:
        header = jwt.get_unverified_header(id_token)
    except jwt.PyJWTError as error:
        raise jwt_error(issuer.backend, error) from error
    token_type = header.get("typ", "JWT")
    is_id_token = isinstance(token_type, str) and token_type.lower() in _HEADER_TYPES
    # A token with unknown critical extensions must be rejected (RFC 7515 section 4.1.11).
    if "crit" in header or "b64" in header or not is_id_token:
        raise issuer.error("invalid_claim")
    if not isinstance(header.get("alg"), str):
        raise issuer.error("invalid_signature")
    return header


def _with_verified_signature(
    issuer: Issuer, id_token: str, header: Mapping[str, Any], keys: list[dict[str, Any]]
) -> SignedToken:
    algorithm, kid = header["alg"], header.get("kid")
    candidates = [key for key in keys if _is_suitable(key, algorithm, kid)]
    if kid is None and len(candidates) > 1:  # OpenID Connect Core section 10.1.
        raise issuer.error("invalid_signature")
    for key in candidates:
        public_key = _public_key(issuer, key, algorithm)
        try:
            claims = jwt.decode(id_token, public_key, [algorithm], _SIGNATURE_ONLY)
        except jwt.InvalidSignatureError:
            continue
        except jwt.PyJWTError as error:
            raise jwt_error(issuer.backend, error) from error
        return SignedToken(claims, key, algorithm)
    raise issuer.error("invalid_signature")


def _is_suitable(key: Mapping[str, Any], algorithm: str, kid: str | None) -> bool:
    """Return whether a key is for such signatures (RFC 7517 section 4)."""
    return (
        key.get("kty") == KEY_TYPES[algorithm[:2]]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    )


def _public_key(issuer: Issuer, key: dict[str, Any], algorithm: str) -> Any:
    try:
        return jwt.PyJWK(key, algorithm=algorithm).key
    except (jwt.PyJWTError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise issuer.error("malformed_response", "keys") from error


def unverified_claims(id_token: Any) -> dict[str, Any]:
    """Return the claims of a JWT without verification; an empty dictionary for other tokens."""
    try:
        return jwt.decode(id_token, options={"verify_signature": False})
    except (jwt.PyJWTError, RecursionError, ValueError):
        return {}
