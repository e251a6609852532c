"""Validation of tokens: in addition to social-core's, and instead of it in native sign-in.

social-core verifies the tokens that it has requested itself. It accepts ID tokens with an
additional foreign audience or of another type, ignores ``auth_time`` and ``acr``, and compares
``nbf`` without a leeway. The classes ``Valid…`` apply our rules to them as well. Remove when
social-core follows OpenID Connect Core section 3.1.3.7.

In native sign-in, an app posts the token: :mod:`social_endpoints.internal.native` verifies it and
sets the attributes of the classes ``Verified…``. Remove when social-core's ``do_auth()`` accepts
the claims of a verified token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from jwt import PyJWTError
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.utils import jwt_error
from social_core.exceptions import AuthResponseError

from social_endpoints.internal.backends.extensions import bases
from social_endpoints.internal.backends.id_tokens.claims import (
    require_own_id_token,
    require_times,
    require_types,
    require_valid,
)
from social_endpoints.internal.backends.id_tokens.issuers import Issuer, find_issuer
from social_endpoints.internal.backends.id_tokens.signature import (
    check_algorithm,
    read_header,
    unverified_claims,
)
from social_endpoints.internal.backends.id_tokens.single_use import claim_redirect_token
from social_endpoints.strategy import Strategy


class ValidIdToken(bases.OpenIdConnect):
    """Apply the rules of native sign-in to the ID tokens of redirect logins."""

    def validate_and_return_id_token(self, id_token: str, access_token: str) -> Any:
        backend: Any = super()  # This method of social-core has no annotations.
        validate = partial(backend.validate_and_return_id_token, id_token, access_token)
        return _valid_claims(_issuer(self), id_token, validate, access_token)

    def validate_at_hash(self, claims: Any, access_token: str, key: Any) -> bool:
        """Compare the hash of the access token, if a specification defines it.

        The hash is not defined for EdDSA, so social-core's method raises an exception. Remove when
        social-core ignores the claim.
        """
        backend: Any = super()
        try:
            return bool(backend.validate_at_hash(claims, access_token, key))
        except NotImplementedError:
            return True

    def validate_temporal_claims(self, id_token: dict[str, Any]) -> None:
        """Validate the times with a leeway, and then the maximum age of ``iat``."""
        require_times(_issuer(self), id_token)
        without_nbf = {name: value for name, value in id_token.items() if name != "nbf"}
        super().validate_temporal_claims(without_nbf)


class ValidMicrosoftToken(bases.Microsoft):
    """The same for Microsoft's backends."""

    def validate_and_return_id_token(self, id_token: str) -> Any:
        validate = partial(super().validate_and_return_id_token, id_token)
        return _valid_claims(_issuer(self), id_token, validate)


class ValidAuth0Token(bases.Auth0):
    """Apply the rules about client and type to Auth0's backend without OpenID Connect.

    It takes the profile from the ID token, and verifies issuer and lifetime itself.
    """

    def do_auth(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        """Request the signing keys before the pipeline. social-core uses stored ones for a day."""
        backend: Any = super()
        try:
            self.get_jwks_keys_for_uri.refresh(self, self.api_path(".well-known/jwks.json"))
        except PyJWTError as error:
            raise jwt_error(self, error) from error
        return backend.do_auth(access_token, *args, **kwargs)

    def get_user_details(self, response: Any) -> Any:
        backend: Any = super()  # This method of social-core has no annotations.
        details = backend.get_user_details(response)
        require_own_id_token(Issuer(self), unverified_claims(response["id_token"]))
        return details


def _issuer(backend: Any) -> Issuer:
    return cast("Issuer", find_issuer(backend))


def _valid_claims(
    issuer: Issuer, id_token: Any, validate: Callable[[], Any], access_token: str | None = None
) -> Any:
    """Apply our rules to a token that social-core has verified, and return its result.

    A backend of the project may change the claims that it returns, so the token is read again.
    """
    claims = unverified_claims(id_token)
    require_types(issuer, claims)
    try:
        result = validate()
    except AuthResponseError as error:
        if error.code == "invalid_signature":
            check_algorithm(issuer, error, read_header(issuer, id_token)["alg"])
        raise
    require_valid(issuer, claims, read_header(issuer, id_token)["alg"], access_token)
    return result


class SingleUseIdToken(bases.OAuth2):
    """Claim the ID token of a redirect login, so that native sign-in refuses it."""

    def do_auth(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        strategy = cast("Strategy", self.strategy)
        if strategy.before_pipeline is None:  # Native sign-in has its own claim.
            claim_redirect_token(self, kwargs.get("response"))
        return super().do_auth(access_token, *args, **kwargs)


class VerifiedIdToken(bases.OAuth2):
    """Use the claims of a verified ID token as the profile."""

    verified_claims: dict[str, Any] | None = None
    """The claims of the ID token; None in all other logins."""

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Return the claims, or the profile that belongs to the access token if there is one.

        Microsoft's backend always takes the profile from the ID token.
        """
        uses_claims = isinstance(self, AzureADOAuth2) or not access_token
        if self.verified_claims is not None and uses_claims:
            return dict(self.verified_claims)
        return super().user_data(access_token, *args, **kwargs)


class VerifiedAppleToken(VerifiedIdToken, bases.Apple):
    """The same for Apple, whose backend decodes the ID token itself in every login."""

    def decode_id_token(self, id_token: str) -> Any:
        if self.verified_claims is not None:
            return dict(self.verified_claims)
        backend: Any = super()  # social-core has no types for it.
        validate = partial(backend.decode_id_token, id_token)
        return _valid_claims(_issuer(self), id_token, validate)


class VerifiedLimitedToken(VerifiedIdToken, bases.FacebookLimited):
    """The same for Facebook Limited Login, whose backend verifies the ID token itself."""

    def validated_response(self, response: dict[str, Any]) -> dict[str, Any]:
        if self.verified_claims is not None:
            return dict(self.verified_claims)
        return super().validated_response(response)


class VerifiedProfile(bases.OAuth2):
    """Check the owner of a profile before the pipeline."""

    require_owner: Callable[[Mapping[str, Any]], None] | None = None
    """Raises if a profile does not belong to the token's owner; None in all other logins."""

    def authenticate(self, *args: Any, **kwargs: Any) -> Any:
        if self.require_owner is not None:
            self.require_owner(kwargs["response"])
        return super().authenticate(*args, **kwargs)


class VerifiedUserinfo(VerifiedProfile, bases.OpenIdConnect):
    """Compare the subject of the profile with that of the ID token in every login."""

    userinfo_has_subject = False
    """Whether the ``sub`` of a UserInfo response was compared."""

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Return the profile. A backend may request it without comparing ``sub``."""
        profile = super().user_data(access_token, *args, **kwargs)
        if isinstance(profile, dict) and "sub" in profile:
            self.validate_userinfo_sub(profile)
        return profile

    def validate_userinfo_sub(self, userinfo: Any) -> Any:
        """Compare the subjects of UserInfo and ID token; UserInfo must have one.

        The access token may belong to another user, so a response without ``sub`` is refused
        (OpenID Connect Core section 5.3.2). Without an ID token and a known owner of the access
        token, the response itself identifies the owner (section 5.3).
        """
        if isinstance(userinfo, dict):
            if self.require_owner is not None and self.id_token is None:
                self.id_token = {"sub": userinfo.get("sub")}
            elif userinfo.get("sub") is None:
                raise AuthResponseError(self, code="invalid_claim", claim="sub", stage="user_info")
            self.userinfo_has_subject = True
        return super().validate_userinfo_sub(userinfo)
