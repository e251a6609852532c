"""What backends do with an ID token that was verified here, in place of one they fetch."""

from __future__ import annotations

from typing import Any

from social_core.backends.azuread import AzureADOAuth2

from social_endpoints.internal.backends.extensions.bases import Apple, FacebookLimited, OAuth2


class VerifiedIdToken(OAuth2):
    """A mixin above the backend's class: the profile is in the token, where nothing else has it."""

    verified: dict[str, Any] | None = None
    """The claims of the token; None in any other login."""

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Return the claims, or what the backend fetches with an access token."""
        of_token = isinstance(self, AzureADOAuth2) or not access_token
        if self.verified is not None and of_token:
            return dict(self.verified)
        return super().user_data(access_token, *args, **kwargs)


class VerifiedAppleToken(VerifiedIdToken, Apple):
    """The same for Apple, whose backend decodes the token itself."""

    def decode_id_token(self, id_token: str) -> Any:
        """Return the claims."""
        if self.verified is not None:
            return dict(self.verified)
        backend: Any = super()  # It is not typed.
        return backend.decode_id_token(id_token)


class VerifiedLimitedToken(VerifiedIdToken, FacebookLimited):
    """The same for Facebook Limited Login, whose backend validates before its pipeline."""

    def validated_response(self, response: dict[str, Any]) -> dict[str, Any]:
        """Return the claims."""
        if self.verified is not None:
            return dict(self.verified)
        return super().validated_response(response)
