"""Amazon Cognito by OpenID Connect."""

from __future__ import annotations

from typing import Any

from social_core.backends.open_id_connect import OpenIdConnectAuth


class CognitoOpenIdConnect(OpenIdConnectAuth):
    """Sign in with a user pool of Amazon Cognito."""

    name = "cognito-oidc"
    title = "Amazon Cognito"
    USERNAME_KEY = "username"
    # Cognito supports PKCE, but its discovery document does not list it.
    DEFAULT_USE_PKCE = True

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the UserInfo response with a boolean ``email_verified``. Cognito sends a text."""
        profile: dict[str, Any] = super().user_data(access_token, *args, **kwargs) or {}
        if profile.get("email_verified") == "true":
            profile["email_verified"] = True
        return profile
