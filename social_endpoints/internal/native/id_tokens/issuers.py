"""Who issues the ID tokens that a backend's users may sign in with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from social_core.backends.apple import AppleIdAuth
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.base import BaseAuth
from social_core.backends.google import GoogleOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthConfigurationError, AuthResponseError

from social_endpoints.internal.backends.registry import BackendClass, is_google_one_tap

# Whoever knows a provider's public key can sign with HS256: none of its kind is here.
_ASYMMETRIC = frozenset(
    {
        "EdDSA",
        "ES256",
        "ES384",
        "ES512",
        "PS256",
        "PS384",
        "PS512",
        "RS256",
        "RS384",
        "RS512",
    }
)


class Issuer:
    """The issuer of one backend: any provider of OpenID Connect.

    :param backend: as loaded.
    """

    def __init__(self, backend: Any) -> None:
        self.backend = backend

    def jwks_uri(self) -> str:
        """Return where the keys are (OpenID Connect Discovery section 3)."""
        return str(self.backend.jwks_uri())

    def names(self, claims: Mapping[str, Any]) -> frozenset[str]:
        """Return what ``iss`` may be (OpenID Connect Core section 3.1.3.7, rule 2)."""
        return frozenset({self.backend.id_token_issuer()})

    def algorithms(self) -> frozenset[str]:
        """Return how tokens may be signed: with the backend's ``JWT_ALGORITHMS``.

        :raises AuthConfigurationError: none of them is signed with a key pair.
        """
        default = getattr(self.backend, "JWT_ALGORITHMS", ["RS256"])
        wanted = self.backend.setting("JWT_ALGORITHMS", default)
        found = _ASYMMETRIC & frozenset(wanted if isinstance(wanted, (list, tuple)) else ())
        if not found:
            raise AuthConfigurationError(
                self.backend, parameter="JWT_ALGORITHMS", stage="token_validation"
            )
        return found

    def validate(self, claims: Mapping[str, Any], key: Mapping[str, Any]) -> None:
        """Refuse what this backend refuses beyond OpenID Connect."""

    def error(self, code: str, claim: str | None = None) -> AuthResponseError:
        """Return the error that a token is refused with."""
        return AuthResponseError(self.backend, code=code, claim=claim, stage="token_validation")


# What Microsoft's access tokens say and its ID tokens do not, which it signs with the same
# keys, and with the same audience for an API of the project's own ("Access token claims
# reference"): what the client may do, and which client of v1.0 it is.
_OF_ACCESS_TOKENS = frozenset({"appid", "scp"})


class Google(Issuer):
    """Google ("Verify the Google ID token on your server side")."""

    def jwks_uri(self) -> str:
        return "https://www.googleapis.com/oauth2/v3/certs"

    def names(self, claims: Mapping[str, Any]) -> frozenset[str]:
        return frozenset({"accounts.google.com", "https://accounts.google.com"})

    def validate(self, claims: Mapping[str, Any], key: Mapping[str, Any]) -> None:
        """Demand a verified address, as a login by redirect does."""
        self.backend.validate_email_verified(claims, stage="token_validation")


class Apple(Issuer):
    """Apple ("Verifying a user", "Fetch Apple's public key for verifying token signature")."""

    def jwks_uri(self) -> str:
        return str(self.backend.JWK_URL)

    def names(self, claims: Mapping[str, Any]) -> frozenset[str]:
        return frozenset({self.backend.ID_TOKEN_ISSUER})


class Microsoft(Issuer):
    """Microsoft ("Microsoft identity platform ID tokens"): the issuer is the user's tenant."""

    def names(self, claims: Mapping[str, Any]) -> frozenset[str]:
        return frozenset({self.backend.get_id_token_issuer(claims)})

    def validate(self, claims: Mapping[str, Any], key: Mapping[str, Any]) -> None:
        """Demand an ID token, a key of that tenant, and with Azure AD B2C the project's policy."""
        other = next((claim for claim in claims if claim in _OF_ACCESS_TOKENS), None)
        if other is not None:
            raise self.error("invalid_claim", other)
        self.backend.validate_key_issuer(key, claims)
        if hasattr(self.backend, "validate_id_token_policy"):
            self.backend.validate_id_token_policy(claims)


_BY_CLASS: tuple[tuple[type[Any], type[Issuer]], ...] = (
    (GoogleOAuth2, Google),
    (AppleIdAuth, Apple),
    (AzureADOAuth2, Microsoft),
    (OpenIdConnectAuth, Issuer),
)


def issues_id_tokens(backend: BackendClass) -> bool:
    """Say whether users of a backend can sign in with an ID token."""
    return _kind(backend) is not None


def find_issuer(backend: BaseAuth[Any]) -> Issuer | None:
    """Return who issues the ID tokens of a backend, or None where nobody does."""
    kind = _kind(type(backend))
    return kind(backend) if kind is not None else None


def _kind(backend: BackendClass) -> type[Issuer] | None:
    if is_google_one_tap(backend):
        return Google
    return next((kind for base, kind in _BY_CLASS if issubclass(cast("type", backend), base)), None)
