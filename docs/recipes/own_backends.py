"""A backend for a provider of OAuth 2.0 that social-core does not have."""

from __future__ import annotations

from typing import Any

from social_core.backends.oauth import BaseOAuth2PKCE


class ExampleOAuth2(BaseOAuth2PKCE):
    """Sign in with Example."""

    name = "example"
    title = "Example"
    icon = "example.svg"
    AUTHORIZATION_URL = "https://id.example.net/authorize"
    ACCESS_TOKEN_URL = "https://id.example.net/token"
    REVOKE_TOKEN_URL = "https://id.example.net/revoke"
    DEFAULT_SCOPE = ["profile", "email"]
    ID_KEY = "id"
    # A login without an id is refused.
    REQUIRES_USER_ID = True
    # The redirect URI is sent as it is.
    REDIRECT_STATE = False
    # The provider documents PKCE for clients with a secret.
    DEFAULT_USE_PKCE = True
    # Stored with the connection, beside the access token.
    EXTRA_DATA = ["refresh_token", "expires_in"]

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Ask for the user. The result is ``response`` in the pipeline."""
        return self.get_json(
            "https://id.example.net/api/me", headers={"Authorization": f"Bearer {access_token}"}
        )

    def get_user_details(self, response: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of the account. A value may be None."""
        return {
            "username": response.get("login"),
            "email": response.get("email"),
            "fullname": response.get("display_name"),
            "first_name": None,
            "last_name": None,
        }
