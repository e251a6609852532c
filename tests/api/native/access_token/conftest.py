"""Fixtures for native sign-in with an access token."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.access_token_providers import PROVIDERS, Install, TokenProvider
from tests.support.configuration import Configure
from tests.support.openid_provider import OpenIDProvider


@pytest.fixture
def install(settings: Any, openid: OpenIDProvider, configure: Configure) -> Install:
    def install(name: str) -> TokenProvider:
        provider: TokenProvider = PROVIDERS[name]()
        for setting, value in provider.settings.items():
            setattr(settings, setting, value)
        settings.AUTHENTICATION_BACKENDS = [provider.path]
        configure(NATIVE_PROVIDERS=[name])
        provider.install(openid)
        return provider

    return install


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest, install: Install) -> TokenProvider:
    return install(request.param)


@pytest.fixture
def github(install: Install) -> TokenProvider:
    return install("github")


@pytest.fixture
def facebook(install: Install) -> TokenProvider:
    return install("facebook")


@pytest.fixture
def google(install: Install) -> TokenProvider:
    return install("google-oauth2")


@pytest.fixture
def oidc(install: Install) -> TokenProvider:
    return install("oidc")
