"""Validation of ID tokens (OpenID Connect Core section 3.1.3.7).

Redirect, connect and native sign-in apply the same rules: :func:`require_valid`. The signature and
the nonce are verified elsewhere: in a redirect login by social-core, with the flow; in native
sign-in by :mod:`.signature` and ``internal.native``, because the app posts the token.
"""

from __future__ import annotations

import time
from collections.abc import Container, Mapping
from typing import Any, cast

from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.utils import constant_time_compare

from social_endpoints.internal.backends.config import lifetime
from social_endpoints.internal.backends.id_tokens.issuers import (
    Issuer,
    leeway,
    own_client_ids,
    setting_error,
)
from social_endpoints.strategy import Strategy

# Claims that name the type of a token: Keycloak, Amazon Cognito, others, FusionAuth, Gen3 Fence.
TYPE_CLAIMS = ("typ", "token_use", "token_type", "tty", "pur")

OTHER_TYPES = frozenset(
    ["access", "access_token", "at", "at+jwt", "bearer", "dpop", "logout", "offline", "refresh"]
)
"""Types of other tokens that such providers sign with the keys of their ID tokens."""

# Claims that name the client to which a token was issued: RFC 9068 section 2.2, Microsoft
# ("Access token claims reference") and Okta ("Access token payload").
PARTIES = ("azp", "client_id", "appid", "cid")

SCOPES = frozenset({"scope", "scp"})
"""Claims that access tokens have (RFC 9068 section 2.2.3; Okta writes "scp")."""

_MAX_SUBJECT_LENGTH = 255  # OpenID Connect Core section 2.
_MAX_TIME = 10**12  # In seconds since the epoch: 30,000 years.


def require_valid(
    issuer: Issuer, claims: Mapping[str, Any], algorithm: str, access_token: str | None
) -> None:
    """Refuse an ID token that was not issued to this project or is not valid now.

    :param algorithm: the algorithm of the signature.
    :param access_token: the access token that came with it, if any.
    :raises SocialAuthBaseException: the ID token is not valid.
    :raises AuthConfigurationError: a setting of the provider is invalid.
    """
    require_still_valid(issuer, claims, algorithm, access_token)
    _require_authentication(issuer, claims)


def require_still_valid(
    issuer: Issuer, claims: Mapping[str, Any], algorithm: str, access_token: str | None
) -> None:
    """Apply the rules of :func:`require_valid`, except those about the authentication of the user.

    The ID token of a refresh has the ``auth_time`` of the first one (section 12.2).
    """
    require_types(issuer, claims)
    require_times(issuer, claims)
    require_issuer(issuer, claims)
    require_own_id_token(issuer, claims)
    _require_access_token(issuer, claims, algorithm, access_token)


def require_own_id_token(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Refuse a token of another client or of another type."""
    require_audience(issuer, claims)
    _require_id_token(issuer, claims)


def require_times(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Refuse a token outside its lifetime (rules 9 and 10); ``nbf`` is optional.

    An app may post a token that its SDK has cached, so ``iat`` has only the maximum age that the
    project sets. social-core has a default for redirect logins.
    """
    now, tolerance = time.time(), leeway(issuer.backend)
    if _time(issuer, claims, "exp") + tolerance <= now:
        raise issuer.error("response_expired", "exp")
    valid_from = _time(issuer, claims, "iat")
    if claims.get("nbf") is not None:
        valid_from = max(valid_from, _time(issuer, claims, "nbf"))
    if valid_from > now + tolerance:
        raise issuer.error("response_not_yet_valid")
    max_age = issuer.backend.setting("ID_TOKEN_MAX_AGE")
    if max_age is not None and claims["iat"] + _seconds(issuer, max_age, "ID_TOKEN_MAX_AGE") < now:
        raise issuer.error("response_expired", "iat")


def require_types(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Refuse times of another type, and half of a surrogate pair in text that is compared.

    PyJWT below 2.11 and social-core fail on them.
    """
    for name in {"exp", "iat", "nbf"} & claims.keys():
        _time(issuer, claims, name)
    for name in {"nonce", "at_hash"} & claims.keys():
        try:
            str(claims[name]).encode()
        except UnicodeEncodeError as error:
            raise issuer.error("invalid_claim", name) from error


def is_time(value: Any) -> bool:
    """Return whether a value is a time (RFC 7519 section 2) that timedelta can represent."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value < _MAX_TIME  # False for NaN.


def _time(issuer: Issuer, claims: Mapping[str, Any], name: str) -> float:
    value = required_claim(issuer, claims, name)
    if not is_time(value):
        raise issuer.error("invalid_claim", name)
    return float(value)


def required_claim(issuer: Issuer, claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim that must not be missing or null."""
    if claims.get(name) is None:
        raise issuer.error("missing_claim", name)
    return claims[name]


def require_issuer(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Refuse a token of another issuer (rule 2)."""
    value = required_claim(issuer, claims, "iss")
    if not isinstance(value, str) or value not in issuer.names(claims):
        raise issuer.error("invalid_claim", "iss")


def require_audience(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Refuse a token that names a client of another project (rules 3 to 5)."""
    own = own_client_ids(issuer.backend)
    audience = required_claim(issuer, claims, "aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if not audiences or not all(isinstance(each, str) and each in own for each in audiences):
        raise issuer.error("invalid_claim", "aud")
    if "azp" not in claims and len(audiences) > 1:
        raise issuer.error("missing_claim", "azp")
    for name in PARTIES:
        if name in claims and not (isinstance(claims[name], str) and claims[name] in own):
            raise issuer.error("invalid_claim", name)


def _require_id_token(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Refuse a token of another type."""
    require_subject(issuer, claims)
    refuse_types(issuer, claims, OTHER_TYPES)
    # Logout tokens have "events" (OpenID Connect Back-Channel Logout section 2.4).
    other_claims = {"events", *issuer.access_token_claims}
    # Some providers copy the scope into ID tokens, such as FusionAuth. Only an ID token contains
    # the hash of an access token (OpenID Connect Core section 3.1.3.6).
    if not claims.get("at_hash") and not issuer.backend.setting("SCOPE_IN_ID_TOKEN"):
        other_claims |= SCOPES
    for name in claims.keys() & other_claims:
        raise issuer.error("invalid_claim", name)


def require_subject(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Refuse a subject that is not a string of 1 to 255 characters."""
    subject = required_claim(issuer, claims, "sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT_LENGTH:
        raise issuer.error("invalid_claim", "sub")


def refuse_types(issuer: Issuer, claims: Mapping[str, Any], types: Container[str]) -> None:
    """Refuse a token whose claims name one of these types."""
    for name in TYPE_CLAIMS:
        if str(claims.get(name)).lower() in types:
            raise issuer.error("invalid_claim", name)


def _require_authentication(issuer: Issuer, claims: Mapping[str, Any]) -> None:
    """Refuse an authentication that does not meet ``MAX_AGE`` or ``ACR_VALUES`` (rules 12, 13).

    The age is measured when the login begins, as the provider measures it. An app may post a
    token at any time, so in native sign-in it is measured now.
    """
    backend = issuer.backend
    if not isinstance(backend, OpenIdConnectAuth):
        return  # social-core requests neither from other providers.
    max_age, acr_values = _requested(backend, "MAX_AGE"), _requested(backend, "ACR_VALUES")
    if max_age is not None:
        now, tolerance = time.time(), leeway(backend)
        flow = cast("Strategy", backend.strategy).flow
        begin_time = flow.expires - lifetime(backend) if flow.is_begun else now
        auth_time = _time(issuer, claims, "auth_time")
        if auth_time > now + tolerance:
            raise issuer.error("response_not_yet_valid", "auth_time")
        if auth_time < begin_time - _seconds(issuer, max_age, "MAX_AGE") - tolerance:
            raise issuer.error("response_expired", "auth_time")
    if acr_values and required_claim(issuer, claims, "acr") not in str(acr_values).split():
        raise issuer.error("invalid_claim", "acr")


def _requested(backend: OpenIdConnectAuth[Any], setting: str) -> Any:
    """Return a parameter of the authentication request, from either of its two settings."""
    extra = backend.setting("AUTH_EXTRA_ARGUMENTS") or {}
    return extra.get(setting.lower(), backend.setting(setting, getattr(backend, setting)))


def _seconds(issuer: Issuer, value: Any, setting: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise setting_error(issuer.backend, setting) from error


def _require_access_token(
    issuer: Issuer, claims: Mapping[str, Any], algorithm: str, access_token: str | None
) -> None:
    """Refuse an access token that was not issued with the ID token (section 3.1.3.8)."""
    claim = claims.get("at_hash")
    if not access_token or claim is None or not getattr(issuer.backend, "VALIDATE_AT_HASH", True):
        return
    hash_algorithm = getattr(issuer.backend, "CUSTOM_AT_HASH_ALGO", None)
    try:
        expected = OpenIdConnectAuth.calc_at_hash(access_token, algorithm, hash_algorithm)
    except NotImplementedError:  # No specification defines the hash for EdDSA.
        return
    if not isinstance(claim, str) or not constant_time_compare(claim, expected):
        raise issuer.error("invalid_claim", "at_hash")
