"""What the claims of an ID token have to say (OpenID Connect Core section 3.1.3.7)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthInputError
from social_core.utils import constant_time_compare

from social_endpoints.internal.native.audiences import own_client_ids
from social_endpoints.internal.native.id_tokens.issuers import Issuer
from social_endpoints.internal.native.id_tokens.nonce import is_of
from social_endpoints.internal.native.leeway import leeway_of

# What Keycloak calls its other tokens, which it signs with the same keys, in a claim.
_OTHER_USES = frozenset({"bearer", "dpop", "logout", "offline", "refresh"})

# Whom an access token was issued to, which may be for one of the project's own client ids as an
# API: RFC 9068 section 2.2, and Microsoft ("Access token claims reference", of version 1.0).
_PARTIES = ("azp", "client_id", "appid")

_LONGEST_SUBJECT = 255  # Core section 2
_TOO_LATE = 10**12  # in seconds since the epoch: no time


def require_issuer(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Refuse a token of another issuer (rule 2)."""
    name = _text(issuer, claims, "iss")
    if name not in issuer.names(claims):
        raise issuer.error("invalid_claim", "iss")


def require_audience(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Refuse a token that is for anybody else, too, or was issued to them (rules 3 to 5)."""
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


def require_now(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Refuse a token whose time is over, or has not come (rules 9 and 10)."""
    now, leeway = time.time(), leeway_of(issuer.backend)
    if _moment(issuer, claims, "exp") <= now - leeway:
        raise issuer.error("response_expired", "exp")
    begins = ["iat", *(["nbf"] if "nbf" in claims else [])]
    for name in begins:
        if _moment(issuer, claims, name) > now + leeway:
            raise issuer.error("response_not_yet_valid", name)


def require_subject(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Refuse a token that names nobody, or that is another one than an ID token."""
    if len(_text(issuer, claims, "sub")) > _LONGEST_SUBJECT:
        raise issuer.error("invalid_claim", "sub")
    if str(claims.get("typ")).lower() in _OTHER_USES or "events" in claims:
        raise issuer.error("invalid_claim", "typ")


def require_nonce(issuer: Issuer, claims: Mapping[str, Any], nonce: str | None) -> None:
    """Refuse a token that was asked for with another nonce than the app's (rule 11).

    :raises AuthInputError: the app has to say the nonce, and has not.
    """
    claim = claims.get("nonce")
    if claim is None and nonce is None:
        return
    if nonce is None:
        raise AuthInputError(
            issuer.backend, code="missing_parameter", parameter="nonce", stage="token_validation"
        )
    if not isinstance(claim, str) or not claim or not is_of(claim, nonce):
        raise issuer.error("nonce_mismatch")


def require_access_token(
    issuer: Issuer, claims: Mapping[str, Any], access_token: str | None, algorithm: str
) -> None:
    """Refuse an access token that did not come with the ID token (section 3.1.3.8)."""
    claim = claims.get("at_hash")
    if access_token is None or claim is None:
        return
    other = getattr(issuer.backend, "CUSTOM_AT_HASH_ALGO", None)
    try:
        expected = OpenIdConnectAuth.calc_at_hash(access_token, algorithm, other)
    except NotImplementedError:  # Nobody has said how with EdDSA.
        return
    if not isinstance(claim, str) or not constant_time_compare(claim, expected):
        raise issuer.error("invalid_claim", "at_hash")


def _text(issuer: Issuer, claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise issuer.error("missing_claim" if value is None else "invalid_claim", name)
    return value


def _moment(issuer: Issuer, claims: Mapping[str, Any], name: str) -> float:
    """Return a time, in seconds since the epoch (RFC 7519 section 2, NumericDate)."""
    value = claims.get(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value < _TOO_LATE:  # type: ignore[operator]  # as just said
        raise issuer.error("missing_claim" if value is None else "invalid_claim", name)
    return float(value)  # type: ignore[arg-type]  # as just said
