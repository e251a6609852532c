"""Two python-social-auth backends of this site: OpenID Connect and plain OAuth 2."""

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
    """An example of a backend for a provider that social-core does not support.

    The provider does not exist. The setting ``FAKE_PROVIDERS`` lets the fake one stand in for it.
    """

    name = "demo-oauth2"
    title = "Demo (OAuth 2)"
    icon = "demo-oauth2.svg"
    AUTHORIZATION_URL = "https://provider.example/authorize"
    ACCESS_TOKEN_URL = "https://provider.example/token"
    USERINFO_URL = "https://provider.example/userinfo"
    DEFAULT_SCOPE = ["openid", "profile", "email"]
    REDIRECT_STATE = False
    ID_KEY = "sub"

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        url = self.setting("USERINFO_URL", self.USERINFO_URL)
        return self.get_json(url, headers={"Authorization": f"Bearer {access_token}"})

    def get_user_details(self, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "username": response["preferred_username"],
            "email": response["email"],
            "fullname": response["name"],
        }
