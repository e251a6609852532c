"""Header and signature of an ID token or a logout token (RFC 7515, RFC 7517)."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from social_core.backends.utils import jwt_error
from social_core.exceptions import AuthResponseError

from social_endpoints.exceptions import AuthProviderUnavailable
from social_endpoints.internal.backends.extensions.discovery import signing_keys
from social_endpoints.internal.backends.id_tokens.issuers import Issuer
from social_endpoints.internal.network.document_cache import REFILL

KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
"""Key types by the first letters of an algorithm (RFC 7518 section 3.1 and RFC 8037)."""

ID_TOKEN_TYPES = frozenset({"jwt", "application/jwt", "id_token+jwt"})
"""Types of ID tokens in the header. Access tokens (RFC 9068 section 2.1) and logout tokens (OpenID
Connect Back-Channel Logout section 2.4) of the same issuer for the same client have other types."""

# The claims are validated in :mod:`.claims`.
_SIGNATURE_ONLY: Any = {
    f"verify_{claim}": False for claim in ("aud", "exp", "iat", "iss", "jti", "nbf", "sub")
}


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token with a verified signature. ``key`` is its JWK."""

    claims: dict[str, Any]
    key: dict[str, Any]
    algorithm: str

    @classmethod
    def verify(
        cls,
        issuer: Issuer,
        token: str,
        types: Container[str] = ID_TOKEN_TYPES,
        *,
        can_be_sent_again: bool = False,
    ) -> SignedToken:
        """Verify a token with the issuer's stored keys, or with newly requested ones.

        The number of requests for new keys is limited, because anyone can post a wrong signature.

        :param types: accepted values of ``typ`` in the header.
        :param can_be_sent_again: whether the sender waits and sends the token again if new keys
            may not be requested now.
        :raises AuthProviderUnavailable: they may not.
        """
        header = read_header(issuer, token, types)
        failure = issuer.error("invalid_signature")
        if not check_algorithm(issuer, failure, header["alg"]):
            raise failure
        cached_keys = signing_keys(issuer.backend, issuer.jwks_uri())
        for keys in cached_keys.versions(rate_limited=True):
            try:
                return _with_verified_signature(issuer, token, header, keys)
            except AuthResponseError as error:
                failure = error
        if can_be_sent_again and cached_keys.is_over_limit and failure.code == "invalid_signature":
            raise AuthProviderUnavailable(REFILL, cause="too_many_key_requests") from failure
        raise failure


def check_algorithm(issuer: Issuer, error: AuthResponseError, algorithm: str) -> bool:
    """Return whether an algorithm is allowed. If not, add it to the error, for the log."""
    is_allowed = algorithm in issuer.algorithms()
    if not is_allowed:
        error.context["algorithm"] = algorithm
    return is_allowed


def read_header(
    issuer: Issuer, token: str, types: Container[str] = ID_TOKEN_TYPES
) -> dict[str, Any]:
    """Return the header of a token; refuse the header of another token type.

    :param types: accepted values of ``typ`` in lower case. Without ``typ``, it is ``jwt``.
    """
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise jwt_error(issuer.backend, error) from error
    token_type = header.get("typ", "JWT")
    is_expected = isinstance(token_type, str) and token_type.lower() in types
    # A token with unknown critical extensions must be rejected (RFC 7515 section 4.1.11).
    if "crit" in header or "b64" in header or not is_expected:
        raise issuer.error("invalid_claim")
    if not isinstance(header.get("alg"), str):
        raise issuer.error("invalid_signature")
    return header


def _with_verified_signature(
    issuer: Issuer, token: str, header: Mapping[str, Any], keys: list[dict[str, Any]]
) -> SignedToken:
    algorithm, kid = header["alg"], header.get("kid")
    candidates = [key for key in keys if _is_suitable(key, algorithm, kid)]
    if kid is None and len(candidates) > 1:  # OpenID Connect Core section 10.1.
        raise issuer.error("invalid_signature")
    for key in candidates:
        public_key = _public_key(issuer, key, algorithm)
        try:
            claims = jwt.decode(token, public_key, [algorithm], _SIGNATURE_ONLY)
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
