"""The backends of these tests: of the provider that really listens."""

from __future__ import annotations

from typing import Any

from social_core.backends.oauth import BaseOAuth2


class LoopbackOAuth2(BaseOAuth2):  # type: ignore[type-arg]  # in social-core 6 it is not generic
    """A backend as most of social-core's are: a token, then a profile."""

    name = "loopback"
    AUTHORIZATION_URL = "https://loopback.example.com/authorize"
    ACCESS_TOKEN_METHOD = "POST"
    EXTRA_DATA = None

    def access_token_url(self) -> str:
        return f"{self.setting('URL')}/token"

    def get_user_details(self, response: Any) -> dict[str, Any]:
        return {"username": response["login"], "email": f"{response['login']}@example.com"}

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {access_token}"}
        return self.get_json(f"{self.setting('URL')}/user", headers=headers)


class OwnRequest(LoopbackOAuth2):
    """A backend that makes something of its own of ``request()``."""

    name = "own-request"

    def request(self, url: str, *args: Any, **kwargs: Any) -> Any:
        headers = {**(kwargs.pop("headers", None) or {}), "X-Own": "yes"}
        return super().request(url, *args, headers=headers, **kwargs)


class RedeemsByGet(LoopbackOAuth2):
    """A backend that has its token by a GET, as that of Facebook."""

    name = "redeems-by-get"
    ACCESS_TOKEN_METHOD = "GET"


class RedeemsInTheQuery(LoopbackOAuth2):
    """A backend that posts no body. Those of OAuth 1 have all they send in a header."""

    name = "redeems-in-the-query"

    def request_access_token(self, *args: Any, data: Any = None, **kwargs: Any) -> Any:
        return super().request_access_token(*args, **{**kwargs, "params": data})


KINDS = (LoopbackOAuth2, OwnRequest, RedeemsByGet, RedeemsInTheQuery)
PATHS = [f"{__name__}.{kind.__name__}" for kind in KINDS]
