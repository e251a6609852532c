"""Providers that assert in different ways that an e-mail address is verified."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import responses
from django.core.cache import cache
from social_core.backends.gitlab import GitLabOAuth2
from social_core.utils import setting_name

from tests.support.frontend import Frontend
from tests.support.keys import elliptic_key, private_pem, public, signing_key

MICROSOFT = "https://login.microsoftonline.com"
TENANT = "11111111-2222-3333-4444-555555555555"
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
AZURE = {
    "azuread-oauth2": "azuread.AzureADOAuth2",
    "azuread-oauth2-v2": "azuread.AzureADOAuth2V2",
    "azuread-v2-tenant-oauth2": "azuread_tenant.AzureADV2TenantOAuth2",
    "azuread-b2c-oauth2": "azuread_b2c.AzureADB2COAuth2",
}


class OurGitLab(GitLabOAuth2):
    name = "our-gitlab"


@dataclass
class Providers:
    """Configures a provider, registers its responses and logs in with it."""

    wire: responses.RequestsMock
    settings: Any
    frontend: Frontend

    def google(self, profile: dict[str, Any]) -> Any:
        self._configure("google-oauth2", "social_core.backends.google.GoogleOAuth2")
        self.wire.post("https://accounts.google.com/o/oauth2/token", json={"access_token": "t"})
        self.wire.get("https://www.googleapis.com/oauth2/v3/userinfo", json={"sub": "7", **profile})
        return self.log_in("google-oauth2")

    def apple(self, claims: dict[str, Any]) -> Any:
        self._configure("apple-id", "social_core.backends.apple.AppleIdAuth")
        self.settings.SOCIAL_AUTH_APPLE_ID_SECRET = private_pem(elliptic_key())
        self.settings.SOCIAL_AUTH_APPLE_ID_CLIENT = self.settings.SOCIAL_AUTH_APPLE_ID_TEAM = "id"
        self.wire.get(
            "https://appleid.apple.com/auth/keys",
            json=_keys(),
        )
        id_token = _signed({"iss": "https://appleid.apple.com", "sub": "7", **claims})
        response = {"access_token": "t", "id_token": id_token}
        self.wire.post("https://appleid.apple.com/auth/token", json=response)
        return self.log_in("apple-id")

    def microsoft(self, claims: dict[str, Any], name: str = "azuread-oauth2") -> Any:
        cache.clear()
        self._configure(name, f"social_core.backends.{AZURE[name]}")
        self.settings.SOCIAL_AUTH_AZUREAD_V2_TENANT_OAUTH2_TENANT_ID = TENANT
        self.settings.SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_TENANT_NAME = "ours"
        self.settings.SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_POLICY = "b2c_policy"
        claims = {"sub": "7", "name": "Ada", "tid": TENANT, "tfp": "b2c_policy", **claims}
        claims["iss"] = f"{MICROSOFT}/{claims['tid']}/v2.0"
        with_host = {"issuer": f"{MICROSOFT}/{{tenantid}}/v2.0", "jwks_uri": f"{MICROSOFT}/keys"}
        setattr(self.settings, setting_name(name, "OPENID_CONFIGURATION_URL"), f"{MICROSOFT}/oidc")
        setattr(self.settings, setting_name(name, "JWKS_URI"), f"{MICROSOFT}/keys")
        self.wire.get(f"{MICROSOFT}/oidc", json=with_host)
        self.wire.get(f"{MICROSOFT}/keys", json=_keys())
        id_token = _signed(claims)
        response = {"access_token": "t", "id_token": id_token}
        return self.log_in(name, response)

    def graph(self, profile: dict[str, Any]) -> Any:
        self._configure("microsoft-graph", "social_core.backends.microsoft.MicrosoftOAuth2")
        me = {"id": "7", "userPrincipalName": "ada", **profile}
        self.wire.get("https://graph.microsoft.com/v1.0/me", json=me)
        return self.log_in("microsoft-graph", {"access_token": "t"})

    def github(self, emails: Any, email: str | None = None) -> Any:
        self.settings.SOCIAL_AUTH_GITHUB_SCOPE = ["user:email"] if emails is not None else []
        self.wire.post("https://github.com/login/oauth/access_token", json={"access_token": "t"})
        self.wire.get("https://api.github.com/user", json={"id": 7, "login": "ada", "email": email})
        self.wire.get("https://api.github.com/user/emails", json=emails)
        return self.log_in("github")

    def gitlab(self, profile: dict[str, Any]) -> Any:
        self._configure("our-gitlab", "tests.support.email_providers.OurGitLab")
        self.wire.post("https://gitlab.com/oauth/token", json={"access_token": "t"})
        self.wire.get(
            "https://gitlab.com/api/v4/user", json={"id": 7, "username": "ada", **profile}
        )
        return self.log_in("our-gitlab")

    def facebook(self, profile: dict[str, Any]) -> Any:
        self._configure("facebook", "social_core.backends.facebook.FacebookOAuth2")
        graph = "https://graph.facebook.com/v24.0"
        self.wire.get(f"{graph}/oauth/access_token", json={"access_token": "t"})
        self.wire.get(f"{graph}/me", json={"id": "7", "name": "Ada", **profile})
        self.settings.SOCIAL_AUTH_FACEBOOK_API_VERSION = "24.0"
        return self.log_in("facebook")

    def log_in(self, name: str, tokens: dict[str, Any] | None = None) -> Any:
        """Log in.

        :param tokens: the response of the token endpoint, unless it is registered already.
        """
        begun = self.frontend.begin(name)
        url = urlsplit(begun.data["authorization_url"])
        if tokens is not None:
            path = url.path.replace("authorize", "token")
            self.wire.post(f"https://{url.netloc}{path}", json=tokens)
        state = parse_qs(url.query)["state"][0]
        return self.frontend.complete(begun, {"code": "code", "state": state}, name)

    def _configure(self, name: str, path: str) -> None:
        if path not in self.settings.AUTHENTICATION_BACKENDS:
            backends = [*self.settings.AUTHENTICATION_BACKENDS, path]
            self.settings.AUTHENTICATION_BACKENDS = backends
        for setting in ("KEY", "SECRET"):
            setattr(self.settings, setting_name(name, setting), "id")


def _keys() -> dict[str, Any]:
    return {"keys": [public(signing_key(), alg="RS256")]}


def _signed(claims: dict[str, Any]) -> str:
    now = int(time.time())
    claims = {"aud": "id", "iat": now, "exp": now + 300, **claims}
    return jwt.encode(claims, signing_key(), "RS256", headers={"kid": "1"})
