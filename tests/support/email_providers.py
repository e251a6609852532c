"""Providers that assert in different ways that an e-mail address is verified."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from social_core.backends.gitlab import GitLabOAuth2
from social_core.utils import setting_name

from social_endpoints.testing import FakeProvider, FakeProviders, ProviderResponse
from tests.support.fakes import sign_in
from tests.support.frontend import Frontend
from tests.support.keys import elliptic_key, private_pem

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
    """Configures a provider, replaces its profile or ID token, and logs in with it.

    The content is sent as it is, with values that a fake provider does not send on its own.
    """

    fakes: FakeProviders
    settings: Any
    frontend: Frontend

    def google(self, profile: dict[str, Any]) -> Any:
        self._configure("google-oauth2", "social_core.backends.google.GoogleOAuth2")
        return self._log_in_with_profile("google-oauth2", {"sub": "7", **profile})

    def apple(self, claims: dict[str, Any]) -> Any:
        self._configure("apple-id", "social_core.backends.apple.AppleIdAuth")
        self.settings.SOCIAL_AUTH_APPLE_ID_SECRET = private_pem(elliptic_key())
        self.settings.SOCIAL_AUTH_APPLE_ID_CLIENT = self.settings.SOCIAL_AUTH_APPLE_ID_TEAM = "id"
        return self._log_in_with_claims("apple-id", {"iss": "https://appleid.apple.com", **claims})

    def microsoft(self, claims: dict[str, Any], name: str = "azuread-oauth2") -> Any:
        self._configure(name, f"social_core.backends.{AZURE[name]}")
        self.settings.SOCIAL_AUTH_AZUREAD_V2_TENANT_OAUTH2_TENANT_ID = TENANT
        self.settings.SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_TENANT_NAME = "ours"
        self.settings.SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_POLICY = "b2c_policy"
        claims = {"name": "Ada", "tid": TENANT, "tfp": "b2c_policy", **claims}
        issuer = self.fakes(name).discovery()["issuer"].replace("{tenantid}", claims["tid"])
        return self._log_in_with_claims(name, {"iss": issuer, **claims})

    def graph(self, profile: dict[str, Any]) -> Any:
        self._configure("microsoft-graph", "social_core.backends.microsoft.MicrosoftOAuth2")
        me = {"id": "7", "userPrincipalName": "ada", **profile}
        return self._log_in_with_profile("microsoft-graph", me)

    def github(self, emails: Any, email: str | None = None) -> Any:
        self.settings.SOCIAL_AUTH_GITHUB_SCOPE = ["user:email"] if emails is not None else []
        addresses = ProviderResponse(content=emails)
        self.fakes("github").replace("https://api.github.com/user/emails", addresses)
        return self._log_in(self.fakes("github"), sub="7", email=email, preferred_username="ada")

    def gitlab(self, profile: dict[str, Any]) -> Any:
        self._configure("our-gitlab", "tests.support.email_providers.OurGitLab")
        return self._log_in_with_profile("our-gitlab", {"id": 7, "username": "ada", **profile})

    def facebook(self, profile: dict[str, Any]) -> Any:
        self._configure("facebook", "social_core.backends.facebook.FacebookOAuth2")
        return self._log_in_with_profile("facebook", {"id": "7", "name": "Ada", **profile})

    def _log_in_with_profile(self, name: str, profile: dict[str, Any]) -> Any:
        fake = self.fakes(name)
        fake.replace("userinfo", ProviderResponse(content=profile))
        return self._log_in(fake)

    def _log_in_with_claims(self, name: str, claims: dict[str, Any]) -> Any:
        now, fake = int(time.time()), self.fakes(name)
        claims = {"aud": "id", "sub": "7", "iat": now, "exp": now + 300, **claims}
        fake.token_fields["id_token"] = fake.key.sign(claims)
        return self._log_in(fake)

    def _log_in(self, fake: FakeProvider, **claims: Any) -> Any:
        cache.clear()
        return sign_in(fake, self.frontend, str(fake.name), **claims)

    def _configure(self, name: str, path: str) -> None:
        if path not in self.settings.AUTHENTICATION_BACKENDS:
            backends = [*self.settings.AUTHENTICATION_BACKENDS, path]
            self.settings.AUTHENTICATION_BACKENDS = backends
        for setting in ("KEY", "SECRET"):
            setattr(self.settings, setting_name(name, setting), "id")
