"""The backends of the site for the providers of the tests."""

from __future__ import annotations

from typing import Any

from social_core.backends.oauth import BaseOAuth1
from social_core.backends.open_id_connect import OpenIdConnectAuth

from tests.support.servers.addresses import addresses

OAUTH1_PROVIDER = addresses.provider("oauth1")


class OpenIdConnect(OpenIdConnectAuth):
    name = "openid-connect"


class OpenIdConnectFormPost(OpenIdConnectAuth):
    """The same provider, which is asked to POST its answer."""

    name = "openid-connect-form-post"
    title = "OpenID Connect with POST"


class BetterAuth(OpenIdConnectAuth):
    name = "better-auth"


class OAuth1(BaseOAuth1):
    name = "oauth1"
    AUTHORIZATION_URL = f"{OAUTH1_PROVIDER}/authorize"
    REQUEST_TOKEN_URL = f"{OAUTH1_PROVIDER}/request_token"
    REQUEST_TOKEN_METHOD = "POST"
    ACCESS_TOKEN_URL = f"{OAUTH1_PROVIDER}/access_token"
    ACCESS_TOKEN_METHOD = "POST"

    def user_data(self, access_token: dict[str, str], *args: Any, **kwargs: Any) -> Any:
        return self.get_json(f"{OAUTH1_PROVIDER}/profile", auth=self.oauth_auth(access_token))

    def get_user_details(self, response: dict[str, Any]) -> dict[str, Any]:
        return {"username": response["username"], "email": response["email"]}
