"""Logins with a token that was verified before social-core sees it.

social-core verifies the tokens that it has requested itself. In native sign-in an app brings
the token: :mod:`social_endpoints.internal.native` verifies it and sets the attributes below.
Remove when social-core's ``do_auth()`` accepts the claims of a verified token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from social_core.backends.azuread import AzureADOAuth2
from social_core.exceptions import AuthResponseError

from social_endpoints.internal.backends.extensions import bases


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
    """The same for Apple, whose backend decodes the ID token itself."""

    def decode_id_token(self, id_token: str) -> Any:
        if self.verified_claims is not None:
            return dict(self.verified_claims)
        backend: Any = super()  # social-core has no types for it.
        return backend.decode_id_token(id_token)


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
    """The same for OpenID Connect, which compares the profile with an ID token."""

    def validate_userinfo_sub(self, userinfo: Any) -> Any:
        """Compare the subjects of UserInfo and ID token; UserInfo must have one.

        The access token may belong to another user, so a response without ``sub`` is refused
        (OpenID Connect Core section 5.3.2). Without an ID token and a known owner of the access
        token, the response itself identifies the owner (section 5.3).
        """
        if self.require_owner is not None and isinstance(userinfo, dict):
            if self.id_token is None:
                self.id_token = {"sub": userinfo.get("sub")}
            elif userinfo.get("sub") is None:
                raise AuthResponseError(self, code="invalid_claim", claim="sub", stage="user_info")
        return super().validate_userinfo_sub(userinfo)
