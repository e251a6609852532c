"""Validation of logout tokens (OpenID Connect Back-Channel Logout 1.0 section 2.6)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthCredentialError

from social_endpoints.internal.backends.id_tokens.claims import (
    OTHER_TYPES,
    SCOPES,
    refuse_types,
    require_audience,
    require_issuer,
    require_subject,
    require_times,
    required_claim,
)
from social_endpoints.internal.backends.id_tokens.issuers import Issuer
from social_endpoints.internal.backends.id_tokens.signature import SignedToken
from social_endpoints.internal.backends.id_tokens.single_use import digest_of, last_second
from social_endpoints.internal.flows.storage import claim_logout_token

EVENT = "http://schemas.openid.net/event/backchannel-logout"
"""The member of ``events`` that makes a token a logout token (section 2.4)."""

# "JWT" is common, because section 2.4 only recommends the other type. The prefix may be omitted
# (RFC 7515 section 4.1.9).
_HEADER_TYPES = frozenset({"jwt", "application/jwt", "logout+jwt", "application/logout+jwt"})

_OTHER_TYPES = OTHER_TYPES - {"logout"} | {"id", "id_token"}

# Section 2.4 forbids "nonce", even if it is null. The others are claims of ID and access tokens.
_OTHER_CLAIMS = frozenset({"nonce", "at_hash"}) | SCOPES


def verified_claims(issuer: Issuer, logout_token: str) -> dict[str, Any]:
    """Return the claims of a logout token that is valid now.

    :raises SocialAuthBaseException: the token is not valid, or the provider failed.
    :raises AuthConfigurationError: a setting of the provider is invalid.
    """
    signed = SignedToken.verify(issuer, logout_token, _HEADER_TYPES, can_be_sent_again=True)
    claims = signed.claims
    require_times(issuer, claims)
    require_issuer(issuer, claims)
    require_audience(issuer, claims)
    require_subject(issuer, claims)
    _require_logout_token(issuer, claims)
    return claims


def _require_logout_token(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Refuse a token of another type, which may have the same key, issuer and audience."""
    events = required_claim(issuer, claims, "events")
    token_id = required_claim(issuer, claims, "jti")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise issuer.error("invalid_claim", "events")
    if not isinstance(token_id, str) or not token_id:
        raise issuer.error("invalid_claim", "jti")
    for name in claims.keys() & _OTHER_CLAIMS:
        raise issuer.error("invalid_claim", name)
    refuse_types(issuer, claims, _OTHER_TYPES)


def claim_once(backend: BaseAuth[Any], claims: Mapping[str, Any]) -> None:
    """Claim a logout token. Call this in the transaction that ends the logins.

    If the transaction is rolled back, the provider can send the token again.

    :raises AuthCredentialError: a token with this ``jti`` was used before.
    """
    identity = json.dumps([backend.name, claims["iss"], claims["jti"]])
    until = last_second(claims["exp"])
    if not claim_logout_token(digest_of(identity), until, backend.strategy.storage):
        raise AuthCredentialError(
            backend, source="request", stage="token_validation", recovery="correct_input"
        )
