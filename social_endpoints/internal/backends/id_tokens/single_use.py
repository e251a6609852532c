"""The single use of an ID token, across native sign-in and redirect logins."""

from __future__ import annotations

import hashlib
import math
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from social_core.backends.base import BaseAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthCredentialError

from social_endpoints.internal.backends.id_tokens.claims import is_time
from social_endpoints.internal.backends.id_tokens.signature import unverified_claims
from social_endpoints.internal.flows.storage import claim_id_token

# In seconds. The unique constraint includes the time until which a claim is stored, so it must not
# depend on the setting JWT_LEEWAY of one backend.
_MAX_LEEWAY = 86_400


def claim_before_pipeline(backend: Any, id_token: str, expires: float) -> None:
    """Add the claim of an ID token to the transaction of a native sign-in, before the pipeline.

    If the login is refused, the claim is rolled back, and the app can post the token again.

    :param expires: the claim ``exp``.
    """
    claim = partial(_claim, backend, id_token, expires, is_native=True)
    backend.strategy.before_pipeline = claim


def claim_redirect_token(backend: Any, response: Any) -> None:
    """Claim the ID token in a response of a token endpoint, so that native sign-in refuses it.

    This is not part of the transaction of the login, because a login that is refused does not
    need the token again. A token with the nonce of its flow needs no claim: an app must post a
    value whose SHA-256 is the nonce, and the nonce of a flow is random.

    :raises AuthCredentialError: the token was used in native sign-in.
    """
    id_token = response.get("id_token") if isinstance(response, Mapping) else None
    if not isinstance(id_token, str) or _has_nonce_of_flow(backend):
        return
    expires = unverified_claims(id_token).get("exp")
    if is_time(expires):  # Otherwise, native sign-in refuses it anyway.
        _claim(backend, id_token, cast("float", expires), is_native=False)


def digest_of(text: str) -> str:
    """Return a digest that fits into the column of a claim."""
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def last_second(expires: float) -> int:
    """Return until when the claim of a token is stored, in seconds since the epoch.

    :param expires: the claim ``exp``.
    """
    return math.ceil(expires) + _MAX_LEEWAY


def _has_nonce_of_flow(backend: Any) -> bool:
    is_validated = isinstance(backend, OpenIdConnectAuth) and backend.id_token is not None
    return is_validated and backend.USE_NONCE and "nonce" in backend.id_token


def _claim(backend: BaseAuth[Any], id_token: str, expires: float, *, is_native: bool) -> None:
    """Claim an ID token, or refuse it if it was used before.

    The digest excludes the signature, which can be encoded in several ways.
    """
    digest, until = digest_of(id_token.rpartition(".")[0]), last_second(expires)
    if not claim_id_token(digest, until, backend.strategy.storage, is_native=is_native):
        raise AuthCredentialError(
            backend, source="request", stage="token_validation", recovery="restart_login"
        )
