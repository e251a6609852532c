"""Issuers of ID tokens, and the settings for the verification of tokens."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, ClassVar

from social_core.backends.apple import AppleIdAuth
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.base import BaseAuth
from social_core.backends.facebook_limited import FacebookLimitedLogin
from social_core.backends.google import GoogleOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthConfigurationError, AuthResponseError

from social_endpoints.internal.backends.registry import is_google_one_tap

# Only algorithms with a key pair: with HS256, anyone could sign with the public key.
_ALGORITHMS = frozenset(
    ["EdDSA", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"]
)


class Issuer:
    """The issuer of the ID tokens of a backend."""

    access_token_claims: ClassVar[frozenset[str]] = frozenset()
    """Claims that only the provider's access tokens have."""

    has_distinct_access_tokens: ClassVar[bool] = False
    """Whether the provider documents access tokens that cannot be mistaken for its ID tokens."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend

    def jwks_uri(self) -> str:
        """Return the URL of the signing keys (OpenID Connect Discovery section 3)."""
        return str(self.backend.jwks_uri())

    def names(self, claims: Mapping[str, Any]) -> frozenset[str]:
        """Return the allowed values of ``iss`` (OpenID Connect Core section 3.1.3.7, rule 2)."""
        return frozenset({self.backend.id_token_issuer()})

    def algorithms(self) -> frozenset[str]:
        """Return the allowed signature algorithms: the setting ``JWT_ALGORITHMS``.

        :raises AuthConfigurationError: none of them uses a key pair.
        """
        default = getattr(self.backend, "JWT_ALGORITHMS", ["RS256"])
        allowed = self.backend.setting("JWT_ALGORITHMS", default)
        algorithms = _ALGORITHMS & frozenset(allowed if isinstance(allowed, (list, tuple)) else ())
        if not algorithms:
            raise setting_error(self.backend, "JWT_ALGORITHMS")
        return algorithms

    def validate(self, claims: Mapping[str, Any], key: Mapping[str, Any]) -> None:
        """Apply the rules of the provider, which social-core applies in a redirect login."""

    def error(self, code: str, claim: str | None = None) -> AuthResponseError:
        """Return the exception for an ID token that is not accepted."""
        return AuthResponseError(self.backend, code=code, claim=claim, stage="token_validation")


class Google(Issuer):
    """Google ("Verify the Google ID token on your server side"). Its access tokens are opaque."""

    has_distinct_access_tokens = True

    def jwks_uri(self) -> str:
        return "https://www.googleapis.com/oauth2/v3/certs"

    def names(self, claims: Mapping[str, Any]) -> frozenset[str]:
        configured = self.backend.setting("ID_TOKEN_ISSUER", "accounts.google.com")
        return frozenset({"accounts.google.com", "https://accounts.google.com", configured})

    def validate(self, claims: Mapping[str, Any], key: Mapping[str, Any]) -> None:
        """Require a verified e-mail address."""
        self.backend.validate_email_verified(claims, stage="token_validation")


class Apple(Issuer):
    """Apple ("Verifying a user", "Fetch Apple's public key for verifying token signature").

    Its access tokens are opaque and reserved for future use ("TokenResponse").
    """

    has_distinct_access_tokens = True

    def jwks_uri(self) -> str:
        return str(self.backend.JWK_URL)

    def names(self, claims: Mapping[str, Any]) -> frozenset[str]:
        return frozenset({self.backend.ID_TOKEN_ISSUER})


class Microsoft(Issuer):
    """Microsoft ("Microsoft identity platform ID tokens"): each tenant is an issuer.

    An access token for the project's API has the same keys and the same audience as an ID token,
    and always has ``appidacr`` or ``azpacr`` ("Access token claims reference").
    """

    access_token_claims = frozenset({"scp", "appid", "appidacr", "azpacr"})
    has_distinct_access_tokens = True

    def names(self, claims: Mapping[str, Any]) -> frozenset[str]:
        return frozenset({self.backend.get_id_token_issuer(claims)})

    def validate(self, claims: Mapping[str, Any], key: Mapping[str, Any]) -> None:
        """Require a key of the tenant and, for Azure AD B2C, the configured policy."""
        self.backend.validate_key_issuer(key, claims)
        if hasattr(self.backend, "validate_id_token_policy"):
            self.backend.validate_id_token_policy(claims)


class FacebookLimited(Issuer):
    """Facebook Limited Login ("Limited Login, Token Validation"), which has no access tokens."""

    has_distinct_access_tokens = True


# The first match counts.
_BY_CLASS: tuple[tuple[type[Any], type[Issuer]], ...] = (
    (GoogleOAuth2, Google),
    (AppleIdAuth, Apple),
    (AzureADOAuth2, Microsoft),
    (FacebookLimitedLogin, FacebookLimited),
    (OpenIdConnectAuth, Issuer),
)


def find_issuer(backend: BaseAuth[Any]) -> Issuer | None:
    """Return the issuer of the ID tokens that a backend accepts, or None."""
    if is_google_one_tap(type(backend)):
        return Google(backend)
    classes = (issuer for base, issuer in _BY_CLASS if isinstance(backend, base))
    issuer_class = next(classes, None)
    return issuer_class(backend) if issuer_class is not None else None


def own_client_ids(backend: BaseAuth[Any]) -> frozenset[str]:
    """Return the project's client ids: ``KEY`` (for Apple ``CLIENT``) and the list ``AUDIENCE``.

    A backend may override ``get_key_and_secret()``. Apple's signs a client secret in it.

    :raises AuthConfigurationError: there is none, or one is empty or not a string.
    """
    if isinstance(backend, AppleIdAuth):
        key, client_id = "CLIENT", backend.setting("CLIENT")
    else:
        key, client_id = "KEY", backend.get_key_and_secret()[0]
    audience = backend.setting("AUDIENCE") or ()
    if isinstance(audience, str):
        audience = (audience,)
    if not isinstance(audience, (list, tuple, set, frozenset)):
        raise setting_error(backend, "AUDIENCE")
    client_ids = [*filter(None, [client_id]), *audience]
    if not client_ids:
        raise setting_error(backend, key, code="missing_setting")
    if not all(isinstance(each, str) and each for each in client_ids):
        raise setting_error(backend, "AUDIENCE")
    return frozenset(client_ids)


def leeway(backend: BaseAuth[Any]) -> float:
    """Return the allowed clock difference in seconds: the setting ``JWT_LEEWAY``.

    :raises AuthConfigurationError: it is not a number, or is negative or infinite.
    """
    value = backend.setting("JWT_LEEWAY", getattr(backend, "JWT_LEEWAY", 1.0))
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not (isfinite(value) and value >= 0):
        raise setting_error(backend, "JWT_LEEWAY")
    return float(value)


def setting_error(
    backend: BaseAuth[Any], parameter: str, *, code: str = "invalid_setting"
) -> AuthConfigurationError:
    """Return the exception for a setting of the provider."""
    return AuthConfigurationError(backend, code=code, parameter=parameter, stage="token_validation")
