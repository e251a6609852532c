"""Proving that an ID token was issued for this project, and now."""

from __future__ import annotations

from typing import Any

from social_endpoints.internal.native.id_tokens import claims as rules
from social_endpoints.internal.native.id_tokens.issuers import Issuer
from social_endpoints.internal.native.id_tokens.signature import signed


def verified_claims(
    issuer: Issuer, id_token: str, *, nonce: str | None, access_token: str | None
) -> dict[str, Any]:
    """Return the claims of an ID token that was issued to this project and is good now.

    :param nonce: what the app has asked for the token with, if it has.
    :param access_token: what has come with the token, if something has.
    :raises AuthInputError: the app has to say the nonce, and has not.
    :raises SocialAuthBaseException: it is no such token, or the keys cannot be fetched.
    """
    claims, key, algorithm = signed(issuer, id_token)
    rules.require_issuer(issuer, claims)
    rules.require_audience(issuer, claims)
    rules.require_now(issuer, claims)
    rules.require_subject(issuer, claims)
    rules.require_nonce(issuer, claims, nonce)
    rules.require_access_token(issuer, claims, access_token, algorithm)
    issuer.validate(claims, key)
    return claims
