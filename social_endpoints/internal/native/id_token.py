"""Sign-in with an ID token that a native SDK already holds."""

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
from social_core.exceptions import AuthCredentialError, AuthInputError

from social_endpoints.internal.backends.extensions.pipeline import keep_extra_data
from social_endpoints.internal.flows.storage import claim_id_token
from social_endpoints.internal.native.access_token import require_text
from social_endpoints.internal.native.id_tokens.issuers import Issuer, find_issuer
from social_endpoints.internal.native.id_tokens.verification import verified_claims
from social_endpoints.internal.native.leeway import leeway_of

PARAMETER = "id_token"

MAX_LENGTH = 16_384
"""Characters of an ID token; those with hundreds of groups in them have some 8,000."""


def authenticate(
    backend: Any, id_token: str, *, nonce: str | None, access_token: str | None
) -> Any:
    """Return what the pipeline comes to for the subject of an ID token: a user, or a pause.

    The pipeline sees what it sees after a redirect. Where the app has an access token, too,
    the profile is fetched with it, and else taken from the token.

    :param backend: a provider's backend, as loaded by :mod:`~.backends.loading`.
    :param nonce: what the app has asked for the token with, if it has.
    :raises AuthInputError: it is no token, or this provider issues none; or the nonce is
        missing.
    :raises SocialAuthBaseException: it was not issued to this project, or is not good now, or
        has signed in already; or the provider could not be asked.
    """
    issuer = find_issuer(backend)
    if issuer is None:
        raise _refused(backend, "unsupported_feature")
    if len(id_token) > MAX_LENGTH or not id_token.isascii():
        raise _refused(backend, "invalid_parameter")
    if access_token is not None:
        require_text(backend, access_token)
    claims = verified_claims(issuer, id_token, nonce=nonce, access_token=access_token)
    keep_extra_data(backend)
    expires = math.ceil(claims["exp"] + leeway_of(backend))
    backend.strategy.before_pipeline = partial(_claim, backend, id_token, expires)
    return _authenticate(backend, issuer, claims, id_token, access_token)


def _authenticate(
    backend: Any, issuer: Issuer, claims: dict[str, Any], id_token: str, access_token: str | None
) -> Any:
    if not isinstance(backend, BaseOAuth2):  # Google One Tap
        return backend.strategy.authenticate(backend, response=dict(claims))
    known: Any = backend  # With our mixins.
    known.verified_claims = claims
    known.id_token = dict(claims)
    known.require_owner = partial(_require_subject, issuer, claims)
    if isinstance(backend, FacebookLimitedLogin):
        return backend.do_auth(id_token)
    response = {PARAMETER: id_token}
    if access_token is not None:
        response["access_token"] = access_token
    return backend.do_auth(access_token, response=response)


def _claim(backend: BaseAuth[Any], id_token: str, expires: int) -> None:
    """Refuse a token that has signed in before."""
    # What is signed, and not the signature: that one can be written in several ways.
    signed = hashlib.sha256(id_token.rpartition(".")[0].encode()).digest()
    digest = urlsafe_b64encode(signed).decode().rstrip("=")
    if not claim_id_token(digest, expires, backend.strategy.storage):
        raise AuthCredentialError(
            backend, source="request", stage="token_validation", recovery="restart_login"
        )


def _require_subject(issuer: Issuer, claims: Mapping[str, Any], profile: Mapping[str, Any]) -> None:
    """Refuse a profile of somebody else, which an access token of theirs would fetch.

    Where it has no subject, what the identity is named by must be what the token says.
    """
    subject, key = claims["sub"], issuer.backend.id_key()
    # With OpenID Connect it is compared where it is fetched; a backend may hand on a part of it.
    unsaid = subject if isinstance(issuer.backend, OpenIdConnectAuth) else None
    if profile.get("sub", unsaid) != subject:
        raise issuer.error("invalid_claim", "sub")
    if "sub" not in profile and key in profile and profile[key] not in (subject, claims.get(key)):
        raise issuer.error("invalid_claim", key)


def _refused(backend: BaseAuth[Any], code: str) -> AuthInputError:
    return AuthInputError(backend, code=code, parameter=PARAMETER, stage="token_validation")
