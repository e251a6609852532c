"""Validation of ID tokens (OpenID Connect Core section 3.1.3.7).

:mod:`.signature` verifies the signature, ``iss``, ``sub``, ``exp``, ``iat`` and ``nbf`` with PyJWT.
This module adds the rules that PyJWT does not have.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthInputError
from social_core.utils import constant_time_compare

from social_endpoints.internal.backends.id_tokens.issuers import Issuer, own_client_ids
from social_endpoints.internal.backends.id_tokens.signature import SignedToken

# Values of "typ" in Keycloak's other tokens, which it signs with the same keys.
_OTHER_TYPES = frozenset({"bearer", "dpop", "logout", "offline", "refresh"})

# Claims that name the client to which a token was issued: RFC 9068 section 2.2, Microsoft
# ("Access token claims reference") and Okta ("Access token payload").
_PARTIES = ("azp", "client_id", "appid", "cid")

_MAX_SUBJECT_LENGTH = 255  # OpenID Connect Core section 2.


def verified_claims(
    issuer: Issuer, id_token: str, *, nonce: str | None, access_token: str | None
) -> dict[str, Any]:
    """Return the claims of an ID token that was issued to this project and is valid now.

    :raises AuthInputError: the ID token has a nonce, but the app has not posted one.
    :raises SocialAuthBaseException: the ID token is not valid, or the keys cannot be requested.
    """
    token = SignedToken.verify(issuer, id_token)
    claims = token.claims
    _require_audience(issuer, claims)
    _require_id_token(issuer, claims)
    _require_nonce(issuer, claims, nonce)
    _require_access_token(issuer, token, access_token)
    issuer.validate(claims, token.key)
    return claims


def _require_audience(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Refuse an ID token that names a client of another project (rules 3 to 5)."""
    own = own_client_ids(issuer.backend)
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if not audiences or not all(isinstance(each, str) and each in own for each in audiences):
        raise issuer.error("missing_claim" if audience is None else "invalid_claim", "aud")
    if "azp" not in claims and len(audiences) > 1:
        raise issuer.error("missing_claim", "azp")
    for name in _PARTIES:
        if name in claims and not (isinstance(claims[name], str) and claims[name] in own):
            raise issuer.error("invalid_claim", name)


def _require_id_token(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Refuse a token of another type, and a subject that is empty or too long."""
    if not 0 < len(claims["sub"]) <= _MAX_SUBJECT_LENGTH:
        raise issuer.error("invalid_claim", "sub")
    if str(claims.get("typ")).lower() in _OTHER_TYPES or "events" in claims:
        raise issuer.error("invalid_claim", "typ")


def _require_nonce(issuer: Issuer, claims: Mapping[str, Any], nonce: str | None) -> None:
    """Refuse an ID token that was requested with another nonce (rule 11)."""
    claim = claims.get("nonce")
    if claim is None and nonce is None:
        return
    if nonce is None:
        raise AuthInputError(
            issuer.backend, code="missing_parameter", parameter="nonce", stage="token_validation"
        )
    if not isinstance(claim, str) or not claim or not _is_nonce(claim, nonce):
        raise issuer.error("nonce_mismatch")


def _is_nonce(claim: str, nonce: str) -> bool:
    """Return whether a claim is the nonce or the SHA-256 of the nonce (section 15.5.2).

    With the hash, the ID token does not reveal the nonce. It is in hexadecimal digits, as in
    Apple's and Firebase's examples, or in base64url, as in RFC 7636.
    """
    digest = hashlib.sha256(nonce.encode()).digest()
    spellings = (nonce, digest.hex(), urlsafe_b64encode(digest).decode().rstrip("="))
    return any(constant_time_compare(claim, spelling) for spelling in spellings)


def _require_access_token(issuer: Issuer, token: SignedToken, access_token: str | None) -> None:
    """Refuse an access token that was not issued with the ID token (section 3.1.3.8)."""
    claim = token.claims.get("at_hash")
    if access_token is None or claim is None:
        return
    hash_algorithm = getattr(issuer.backend, "CUSTOM_AT_HASH_ALGO", None)
    try:
        expected = OpenIdConnectAuth.calc_at_hash(access_token, token.algorithm, hash_algorithm)
    except NotImplementedError:  # No specification defines the hash for EdDSA.
        return
    if not isinstance(claim, str) or not constant_time_compare(claim, expected):
        raise issuer.error("invalid_claim", "at_hash")
