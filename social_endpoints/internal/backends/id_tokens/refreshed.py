"""Validation of the ID token in the response to a refresh (OpenID Connect Core section 12.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from requests import RequestException
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import SocialAuthBaseException

from social_endpoints.exceptions import AuthProviderUnavailable
from social_endpoints.internal.backends.id_tokens.claims import require_still_valid
from social_endpoints.internal.backends.id_tokens.issuers import Issuer, find_issuer
from social_endpoints.internal.backends.id_tokens.signature import (
    SignedToken,
    read_header,
    unverified_claims,
)

# Claims that must be those of the first ID token, if both have them.
_CONSTANT = ("iss", "sub", "auth_time", "nonce")

CONTEXT = "_oidc_id_token_context"
"""Name in ``extra_data`` under which social-core 7 stores the claims that a refresh must repeat."""


def first_claims(stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the claims of the ID token that came with the stored refresh token.

    :param stored: the tokens of the connection in clear.
    """
    context = stored.get(CONTEXT)
    if isinstance(context, Mapping):
        return context
    claims = unverified_claims(stored.get("id_token"))
    return {name: claims[name] for name in (*_CONSTANT, "aud") if name in claims}


def keep_valid_id_token(
    backend: Any, response: dict[str, Any], stored: Mapping[str, Any], social: Any
) -> None:
    """Require that the ID token in a response is valid and belongs to the same user.

    If its signature cannot be verified, because the keys cannot be requested, the ID token is
    removed from the response.

    :param stored: the tokens of the connection in clear.
    :param social: the row of the connection.
    :raises AuthResponseError: the ID token is not valid.
    """
    issuer, id_token = find_issuer(backend), response.get("id_token")
    if issuer is None or id_token is None:
        return
    if not isinstance(id_token, str):
        raise issuer.error("malformed_response", "id_token")
    try:
        claims, algorithm = _verify(issuer, id_token)
    except SocialAuthBaseException as error:
        if not is_outage_of_keys(error):
            raise
        del response["id_token"]
        return
    require_still_valid(issuer, claims, algorithm, response.get("access_token"))
    _require_same_user(issuer, claims, stored, social)


def is_outage_of_keys(error: SocialAuthBaseException) -> bool:
    """Return whether a signature was not verified because the keys could not be requested."""
    is_unavailable = isinstance(error, AuthProviderUnavailable)
    return is_unavailable or isinstance(error.__cause__, RequestException)


def _verify(issuer: Issuer, id_token: str) -> tuple[dict[str, Any], str]:
    """Return claims and algorithm. social-core has verified the signature for OpenID Connect."""
    if isinstance(issuer.backend, OpenIdConnectAuth):
        return unverified_claims(id_token), read_header(issuer, id_token)["alg"]
    token = SignedToken.verify(issuer, id_token)
    issuer.validate(token.claims, token.key)
    return token.claims, token.algorithm


def _require_same_user(
    issuer: Issuer, claims: Mapping[str, Any], stored: Mapping[str, Any], social: Any
) -> None:
    previous = first_claims(stored)
    for name in _CONSTANT:
        if name in previous and name in claims and previous[name] != claims[name]:
            raise issuer.error("invalid_claim", name)
    if "sub" in previous:
        return
    subjects = {stored.get(name) for name in ("id", "sub") if isinstance(stored.get(name), str)}
    if getattr(social, "id_key", "") == "sub":
        subjects.add(social.uid)
    if subjects and claims["sub"] not in subjects:
        raise issuer.error("invalid_claim", "sub")
