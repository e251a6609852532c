"""Sign-in with an ID token that an SDK obtained."""

from __future__ import annotations

import hashlib
import math
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import partial
from typing import Any

from social_core.backends.base import BaseAuth
from social_core.backends.facebook_limited import FacebookLimitedLogin
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthCredentialError

from social_endpoints.internal.backends.extensions.pipeline import keep_extra_data
from social_endpoints.internal.backends.id_tokens.claims import verified_claims
from social_endpoints.internal.backends.id_tokens.issuers import Issuer, find_issuer, leeway
from social_endpoints.internal.flows.storage import claim_id_token
from social_endpoints.internal.native.access_token import input_error, require_well_formed

PARAMETER = "id_token"

MAX_LENGTH = 16_384
"""Characters of an ID token. One that lists hundreds of groups has about 8,000."""


def authenticate(
    backend: Any, id_token: str, *, nonce: str | None, access_token: str | None
) -> Any:
    """Run the pipeline for the subject of an ID token.

    If the app has posted an access token, the profile is requested with it. Otherwise the claims
    are the profile.

    :param nonce: the nonce that the app has requested the ID token with, if any.
    :returns: the user, or the response of a pipeline step that has paused.
    :raises AuthInputError: the ID token is malformed, the provider does not issue ID tokens,
        or the nonce is missing.
    :raises SocialAuthBaseException: the ID token was not issued to this project, is not valid
        now or has signed in before; or the provider failed.
    """
    issuer = find_issuer(backend)
    if issuer is None:
        raise input_error(backend, "unsupported_feature", PARAMETER)
    if len(id_token) > MAX_LENGTH or not id_token.isascii():
        raise input_error(backend, "invalid_parameter", PARAMETER)
    if access_token is not None:
        require_well_formed(backend, access_token)
    claims = verified_claims(issuer, id_token, nonce=nonce, access_token=access_token)
    keep_extra_data(backend)
    expires = math.ceil(claims["exp"] + leeway(backend))
    backend.strategy.before_pipeline = partial(_require_unused, backend, id_token, expires)
    return _run_pipeline(backend, issuer, claims, id_token, access_token)


def _run_pipeline(
    backend: Any, issuer: Issuer, claims: dict[str, Any], id_token: str, access_token: str | None
) -> Any:
    if not isinstance(backend, BaseOAuth2):  # Google One Tap.
        return backend.strategy.authenticate(backend, response=dict(claims))
    extended: Any = backend
    extended.verified_claims = claims
    extended.id_token = dict(claims)
    extended.require_owner = partial(_require_owner, issuer, claims)
    if isinstance(backend, FacebookLimitedLogin):
        return backend.do_auth(id_token)
    response = {PARAMETER: id_token}
    if access_token is not None:
        response["access_token"] = access_token
    return backend.do_auth(access_token, response=response)


def _require_unused(backend: BaseAuth[Any], id_token: str, expires: int) -> None:
    """Refuse an ID token that has signed in before.

    The digest excludes the signature, which can be encoded in several ways.
    """
    signed = hashlib.sha256(id_token.rpartition(".")[0].encode()).digest()
    digest = urlsafe_b64encode(signed).decode().rstrip("=")
    if not claim_id_token(digest, expires, backend.strategy.storage):
        raise AuthCredentialError(
            backend, source="request", stage="token_validation", recovery="restart_login"
        )


def _require_owner(issuer: Issuer, claims: Mapping[str, Any], profile: Mapping[str, Any]) -> None:
    """Refuse the profile of another user, whose access token the app may have posted.

    If a profile has no ``sub``, its ``ID_KEY`` must be ``sub`` or ``ID_KEY`` of the claims.
    """
    subject, key = claims["sub"], issuer.backend.id_key()
    # OpenID Connect backends have compared "sub" before, and may omit it from the profile.
    default = subject if isinstance(issuer.backend, OpenIdConnectAuth) else None
    if profile.get("sub", default) != subject:
        raise issuer.error("invalid_claim", "sub")
    if "sub" not in profile and key in profile and profile[key] not in (subject, claims.get(key)):
        raise issuer.error("invalid_claim", key)
