"""Tests of a project that use the fake provider."""

from __future__ import annotations

from unittest import TestCase

from django.test import Client

from social_endpoints.testing import (
    AuthorizationResponse,
    Begun,
    FakeProvider,
    FakeProviders,
    InvalidAuthorizationRequest,
    LoginPaused,
    ProviderNotFakeable,
    ProviderRequest,
    ProviderResponse,
    SocialLogin,
    SocialLoginError,
    SocialLoginMixin,
)


def declines(fake: FakeProvider, params: dict[str, str]) -> str:
    try:
        response: AuthorizationResponse = fake.authorize(params, error="access_denied")
    except InvalidAuthorizationRequest as error:
        return str(error)
    return response.callback_params["error"]


def respond(request: ProviderRequest) -> ProviderResponse:
    return ProviderResponse(503, {"error": request.path}, {"Retry-After": "1"})


def script(providers: FakeProviders) -> list[ProviderRequest]:
    try:
        fake = providers("github", email="ada@example.com")
    except ProviderNotFakeable:
        return []
    fake.replace("token", respond, times=1)
    fake.fail("userinfo", 500)
    fake.delay("jwks", 2.5)
    fake.rotate_keys()
    return fake.requests


def missing_fields(login: SocialLogin, client: Client) -> object:
    try:
        return login.login(client, "github", email="ada@example.com").token
    except LoginPaused as paused:
        return paused.response.data["fields"]
    except SocialLoginError as error:
        return error.advice


class LoginTest(SocialLoginMixin, TestCase):
    social_redirect_uri = "https://app.example.com/callback"

    def connects(self) -> None:
        client = self.social_login(Client(), "github", sub="7")
        begun: Begun = self.social_begin(client, "gitlab", connect=True, scope="api")
        fake: FakeProvider = self.social_provider("gitlab")
        fake.expires_in = 60
        assert self.social_complete(client, begun, error="access_denied").status_code == 400
        assert begun.params["scope"] == "api"
