"""Sign-in with an access token that an SDK obtained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import (
    AuthCredentialError,
    AuthInputError,
    AuthResponseError,
    SocialAuthBaseException,
)

from social_endpoints.exceptions import UseIdToken
from social_endpoints.internal.backends.id_tokens.signature import unverified_claims
from social_endpoints.internal.native.providers import find_verifier
from social_endpoints.internal.native.verifiers.base import TokenInfo, TokenVerifier, as_identifier

PARAMETER = "access_token"

# RFC 6749 appendix A.12. The token is sent in headers and URLs.
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


def authenticate(backend: Any, access_token: str, *, user: Any) -> Any:
    """Run the pipeline for the owner of an access token.

    First, the provider is asked which client it has issued the token to. Otherwise, every other
    application could sign in with its users' tokens. A token may be posted again while it is valid.

    :param user: the user whom the identity is connected to; None for a login.
    :returns: the user, or the response of a pipeline step that has paused.
    :raises AuthInputError: the token is malformed, or the provider has no verifier.
    :raises SocialAuthBaseException: the token was issued to another application, has expired or
        was revoked; the profile is not its owner's; or the provider failed.
    :raises ImproperlyConfigured: ``NATIVE_VERIFIERS`` is wrong.
    """
    require_well_formed(backend, access_token)
    claims = unverified_claims(access_token)
    # Dex accepts ID tokens as access tokens. Only an ID token contains the hash of an access token
    # (OpenID Connect Core section 3.1.3.6).
    if "at_hash" in claims:
        raise UseIdToken(stage="token_validation")
    verifier = find_verifier(backend)
    try:
        if verifier is None:
            raise input_error(backend, "unsupported_feature", PARAMETER)
        info = verifier.verify(access_token)
    except (AuthCredentialError, AuthInputError) as error:
        # Access tokens in the form of a JWT have a scope (RFC 9068 section 2.2.3).
        if {"iss", "sub", "aud"} <= claims.keys() and claims.keys().isdisjoint({"scope", "scp"}):
            raise UseIdToken(stage="token_validation") from error
        raise
    _require_own_client(verifier, info)
    backend.is_native = True
    backend.require_owner = partial(_require_owner, verifier, info)
    if isinstance(backend, OpenIdConnectAuth) and info.subject is not None:
        backend.id_token = {"sub": info.subject}  # social-core compares UserInfo with it.
    return backend.do_auth(access_token, response=_token_response(access_token, info), user=user)


def _token_response(access_token: str, info: TokenInfo) -> dict[str, Any]:
    """Return what a token endpoint would have returned (RFC 6749 section 5.1)."""
    response: dict[str, Any] = {"access_token": access_token}
    if info.lifetime is not None:
        response["expires_in"] = info.lifetime
    if info.scopes:
        response["scope"] = " ".join(info.scopes)
    return response


def describe_token(backend: Any, access_token: str) -> dict[str, Any]:
    """Return what a token endpoint would have returned with an access token beside an ID token.

    The ID token signs in, so expiry and scopes may be unknown.
    """
    verifier, info = find_verifier(backend), TokenInfo(frozenset())
    if verifier is not None:
        with suppress(SocialAuthBaseException):
            info = verifier.verify(access_token)
    return _token_response(access_token, info)


def require_well_formed(backend: Any, access_token: str) -> None:
    """Refuse a token that is too long, or has characters that RFC 6749 does not allow."""
    if not _TOKEN.fullmatch(access_token):
        raise input_error(backend, "invalid_parameter", PARAMETER)


def _require_own_client(verifier: TokenVerifier, info: TokenInfo) -> None:
    if not info.clients or not info.clients <= verifier.own_clients():
        raise AuthResponseError(
            verifier.backend, code="invalid_claim", claim="aud", stage="token_validation"
        )


def _require_owner(verifier: TokenVerifier, info: TokenInfo, profile: Mapping[str, Any]) -> None:
    """Refuse the profile of another user, if the provider has reported the token's owner."""
    subject = as_identifier(verifier.subject_of(profile))
    if info.subject is not None and subject != info.subject:
        raise AuthResponseError(
            verifier.backend, code="invalid_claim", claim=verifier.subject_key, stage="user_info"
        )


def input_error(backend: Any, code: str, parameter: str) -> AuthInputError:
    """Return the exception for a parameter of the request."""
    return AuthInputError(backend, code=code, parameter=parameter, stage="token_validation")
