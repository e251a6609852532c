"""Two python-social-auth backends for the demo provider: OpenID Connect and plain OAuth 2."""

from __future__ import annotations

from typing import Any

from social_core.backends.oauth import BaseOAuth2PKCE
from social_core.backends.open_id_connect import OpenIdConnectAuth


class DemoOpenIdConnect(OpenIdConnectAuth):
    """A backend that reads everything from the provider's discovery document."""

    name = "demo"
    title = "Demo (OpenID Connect)"
    # A static file, in the folder "social_auth/icons".
    icon = "demo-openid-connect.svg"


class DemoOAuth2(BaseOAuth2PKCE):
    """An example of a backend for a provider that social-core does not support."""

    name = "demo-oauth2"
    title = "Demo (OAuth 2)"
    icon = "demo-oauth2.svg"
    # The userinfo endpoint requires the scope "openid".
    DEFAULT_SCOPE = ["openid", "profile", "email"]
    REDIRECT_STATE = False
    ID_KEY = "sub"

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return self.get_json(
            self.setting("USERINFO_URL"), headers={"Authorization": f"Bearer {access_token}"}
        )

    def get_user_details(self, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "username": response["preferred_username"],
            "email": response["email"],
            "fullname": response["name"],
            "first_name": response["given_name"],
            "last_name": response["family_name"],
        }
