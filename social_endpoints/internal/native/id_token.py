"""Sign-in with an ID token that an SDK obtained."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import partial
from typing import Any

from social_core.backends.facebook_limited import FacebookLimitedLogin
from social_core.backends.oauth import BaseOAuth2
from social_core.utils import constant_time_compare

from social_endpoints.exceptions import NonceNotHashed
from social_endpoints.internal.backends.id_tokens.claims import require_valid
from social_endpoints.internal.backends.id_tokens.issuers import Issuer, find_issuer
from social_endpoints.internal.backends.id_tokens.signature import SignedToken
from social_endpoints.internal.backends.id_tokens.single_use import claim_before_pipeline
from social_endpoints.internal.native.access_token import (
    describe_token,
    input_error,
    require_well_formed,
)

PARAMETER = "id_token"

MAX_TOKEN_LENGTH = 16_384
"""Characters of an ID token or a logout token. An ID token that lists hundreds of groups has about
8,000."""


def authenticate(
    backend: Any, id_token: str, *, nonce: str | None, access_token: str | None, user: Any
) -> Any:
    """Run the pipeline for the subject of an ID token.

    If the app has posted an access token, the profile is requested with it, and the provider is
    asked for its expiry and scopes. Otherwise the claims are the profile.

    :param nonce: the value whose SHA-256 the app has requested the ID token with, if any.
    :param user: the user whom the identity is connected to; None for a login.
    :returns: the user, or the response of a pipeline step that has paused.
    :raises AuthInputError: the ID token is malformed, the provider does not issue ID tokens,
        the nonce is missing, or the token shows it in clear.
    :raises SocialAuthBaseException: the ID token was not issued to this project, is not valid
        now or has signed in before; or the provider failed.
    """
    issuer = find_issuer(backend)
    if issuer is None:
        raise input_error(backend, "unsupported_feature", PARAMETER)
    if len(id_token) > MAX_TOKEN_LENGTH or not id_token.isascii():
        raise input_error(backend, "invalid_parameter", PARAMETER)
    if access_token is not None:
        require_well_formed(backend, access_token)
    token = SignedToken.verify(issuer, id_token)
    claims = token.claims
    require_valid(issuer, claims, token.algorithm, access_token)
    issuer.validate(claims, token.key)
    _require_nonce(issuer, claims, nonce)
    backend.is_native = True
    claim_before_pipeline(backend, id_token, claims["exp"])
    return _run_pipeline(backend, issuer, claims, id_token, access_token, user)


def _run_pipeline(
    backend: Any,
    issuer: Issuer,
    claims: dict[str, Any],
    id_token: str,
    access_token: str | None,
    user: Any,
) -> Any:
    if not isinstance(backend, BaseOAuth2):  # Google One Tap.
        return backend.strategy.authenticate(backend, response=dict(claims), user=user)
    extended: Any = backend
    extended.verified_claims = claims
    extended.id_token = dict(claims)
    if isinstance(backend, FacebookLimitedLogin):  # The claims replace its empty profile.
        return backend.do_auth(id_token, user=user)
    extended.require_owner = partial(_require_owner, issuer, claims)
    response = {PARAMETER: id_token}
    if access_token is not None:
        response |= describe_token(backend, access_token)
    return backend.do_auth(access_token, response=response, user=user)


def _require_nonce(issuer: Issuer, claims: Mapping[str, Any], nonce: str | None) -> None:
    """Require proof that this app requested the ID token (rule 11).

    The app has given the SHA-256 of a random value to the SDK and posts the value. The token
    alone does not reveal the value (section 15.5.2).
    """
    claim = claims.get("nonce")
    if claim is None and nonce is None:
        # An access token has no nonce, and its claims may be those of an ID token.
        if not issuer.has_distinct_access_tokens:
            raise issuer.error("missing_claim", "nonce")
    elif nonce is None:
        raise input_error(issuer.backend, "missing_parameter", "nonce")
    elif claim == nonce:
        raise NonceNotHashed(issuer.backend)
    elif not isinstance(claim, str) or not _is_digest(claim, nonce):
        raise issuer.error("nonce_mismatch")


def _is_digest(claim: str, nonce: str) -> bool:
    """Return whether a claim is the SHA-256 of a nonce, in hexadecimal digits or base64url."""
    digest = hashlib.sha256(nonce.encode()).digest()
    base64url = urlsafe_b64encode(digest).decode().rstrip("=")
    return constant_time_compare(claim.lower(), digest.hex()) or constant_time_compare(
        claim.rstrip("="), base64url
    )


def _require_owner(issuer: Issuer, claims: Mapping[str, Any], profile: Mapping[str, Any]) -> None:
    """Refuse the profile of another user, whose access token the app may have posted.

    If a profile has no ``sub``, its ``ID_KEY`` must be ``sub`` or ``ID_KEY`` of the claims. An
    OpenID Connect backend may return a part of a UserInfo response whose ``sub`` it has compared.
    """
    backend, subject = issuer.backend, claims["sub"]
    key = "sub" if "sub" in profile else backend.id_key()
    if key not in profile and getattr(backend, "userinfo_has_subject", False):
        return
    if profile.get(key) not in {subject, claims.get(key)}:
        raise issuer.error("invalid_claim", key)
