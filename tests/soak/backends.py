"""The backends of the soak's server processes, beside social-core's own for OpenID Connect."""

from __future__ import annotations

from typing import Any

from social_core.backends.oauth import BaseOAuth1
from social_core.backends.open_id_connect import OpenIdConnectAuth

from tests.support.tcp_backends import LoopbackOAuth2


class OAuth2(LoopbackOAuth2):
    name = "oauth2"


class Pausing(LoopbackOAuth2):
    """A provider whose pipeline asks the user for a name."""

    name = "pausing"


class Failing(LoopbackOAuth2):
    """A provider that fails now and then."""

    name = "failing"


class Posting(OpenIdConnectAuth):
    """A provider that posts its response to the server: the handoff."""

    name = "posting"


class X(BaseOAuth1):
    """A provider with OAuth 1.0a."""

    name = "x"
    REQUEST_TOKEN_METHOD = ACCESS_TOKEN_METHOD = "POST"

    def authorization_url(self) -> str:
        return f"{self.setting('URL')}/authorize"

    @property
    def REQUEST_TOKEN_URL(self) -> str:  # type: ignore[override]  # noqa: N802 - social-core's name
        return f"{self.setting('URL')}/request_token"

    def access_token_url(self) -> str:
        return f"{self.setting('URL')}/access_token"

    def user_data(self, access_token: Any, *args: Any, **kwargs: Any) -> Any:
        return self.get_json(f"{self.setting('URL')}/user", auth=self.oauth_auth(access_token))

    def get_user_details(self, response: Any) -> dict[str, Any]:
        return {"username": response["login"]}
