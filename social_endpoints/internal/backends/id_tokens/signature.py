"""Signature and registered claims of an ID token (RFC 7515, RFC 7517, RFC 7519)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from social_core.backends.utils import jwt_error
from social_core.exceptions import AuthResponseError

from social_endpoints.internal.backends.extensions.discovery import signing_keys
from social_endpoints.internal.backends.id_tokens.issuers import Issuer, leeway

_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}

# Access tokens (RFC 9068 section 2.1) and logout tokens (OpenID Connect Back-Channel Logout
# section 2.4) of the same issuer for the same client have other types.
_HEADER_TYPES = frozenset({"jwt", "application/jwt", "id_token+jwt"})

_REQUIRED = ["exp", "iat", "iss", "sub"]

# PyJWT rejects a "jti" that is not a string. Its rule for "aud" is less strict than ours.
_OPTIONS: Any = {"require": _REQUIRED, "verify_aud": False, "verify_jti": False}
_SIGNATURE_ONLY: Any = {
    f"verify_{claim}": False for claim in ("aud", "exp", "iat", "iss", "jti", "nbf", "sub")
}

_MAX_TIME = 10**12  # In seconds since the epoch: 30,000 years.


@dataclass(frozen=True, slots=True)
class SignedToken:
    """An ID token with a verified signature, issuer and lifetime. ``key`` is its JWK."""

    claims: dict[str, Any]
    key: dict[str, Any]
    algorithm: str

    @classmethod
    def verify(cls, issuer: Issuer, id_token: str) -> SignedToken:
        """Verify an ID token with the issuer's stored keys, or with newly requested ones.

        New keys are requested at most once a minute, because anyone can post a wrong signature.
        """
        header = _header(issuer, id_token)
        if header["alg"] not in issuer.algorithms():
            error = issuer.error("invalid_signature")
            error.context["algorithm"] = header["alg"]  # For the log.
            raise error
        failure = issuer.error("invalid_signature")
        cached_keys = signing_keys(issuer.backend, issuer.jwks_uri())
        for keys in cached_keys.versions(rate_limited=True):
            try:
                token = _with_verified_signature(issuer, id_token, header, keys)
            except AuthResponseError as error:
                failure = error
            else:
                _require_valid(issuer, id_token, token)
                return token
        raise failure


def _header(issuer: Issuer, id_token: str) -> dict[str, Any]:
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
        key.get("kty") == _KEY_TYPES[algorithm[:2]]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    )


def _public_key(issuer: Issuer, key: dict[str, Any], algorithm: str) -> Any:
    try:
        return jwt.PyJWK(key, algorithm=algorithm).key
    except (jwt.PyJWTError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise issuer.error("malformed_response", "keys") from error


def _require_valid(issuer: Issuer, id_token: str, token: SignedToken) -> None:
    """Refuse a token of another issuer, without a subject, or outside its lifetime.

    The signature is verified first, because Microsoft's issuer depends on a claim.
    """
    for name in ("exp", "iat", "nbf"):
        _require_time(issuer, token.claims, name)
    try:
        jwt.decode(
            id_token,
            _public_key(issuer, token.key, token.algorithm),
            [token.algorithm],
            _OPTIONS,
            issuer=issuer.names(token.claims),
            leeway=leeway(issuer.backend),
        )
    except jwt.PyJWTError as error:
        raise jwt_error(issuer.backend, error) from error


def _require_time(issuer: Issuer, claims: Mapping[str, Any], name: str) -> None:
    """Refuse a time that is not a number (RFC 7519 section 2); PyJWT accepts other types."""
    value = claims.get(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is not None and not (is_number and 0 <= value < _MAX_TIME):
        raise issuer.error("invalid_claim", name)
