"""Backends for the provider in ``tcp_provider``."""

from __future__ import annotations

from typing import Any

import requests
from social_core.backends.oauth import BaseOAuth2


class LoopbackOAuth2(BaseOAuth2):  # type: ignore[type-arg]  # in social-core 6 it is not generic
    """A backend like most of social-core's: a token, then a profile."""

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
    name = "own-request"

    def request(self, url: str, *args: Any, **kwargs: Any) -> Any:
        headers = {**(kwargs.pop("headers", None) or {}), "X-Own": "yes"}
        return super().request(url, *args, headers=headers, **kwargs)


class RedeemsByGet(LoopbackOAuth2):
    """A backend that redeems the code with a GET, like Facebook's."""

    name = "redeems-by-get"
    ACCESS_TOKEN_METHOD = "GET"


class RedeemsWithoutStage(LoopbackOAuth2):
    """A backend that redeems the code with a GET, and does not name the stage."""

    name = "redeems-without-stage"

    def request_access_token(self, *args: Any, **kwargs: Any) -> Any:
        url = f"{self.access_token_url()}?code={self.data['code']}"
        return self.get_json(url)


class OwnClient(LoopbackOAuth2):
    """A backend that redeems the code with a client of its own, such as the SDK of a provider."""

    name = "own-client"

    def request_access_token(self, *args: Any, **kwargs: Any) -> Any:
        data = {"code": self.data["code"]}
        return requests.post(self.access_token_url(), data=data, timeout=20).json()


BACKENDS = (LoopbackOAuth2, OwnRequest, RedeemsByGet, RedeemsWithoutStage, OwnClient)
PATHS = [f"{__name__}.{each.__name__}" for each in BACKENDS]
