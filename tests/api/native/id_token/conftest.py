"""Fixtures for native sign-in with an ID token."""

from __future__ import annotations

from typing import Any

import pytest
import responses

from tests.support.id_token_providers import PROVIDERS, IdTokenProvider, Install

NAMES = [
    pytest.param(name, marks=pytest.mark.needs("google.auth")) if name == "google-onetap" else name
    for name in PROVIDERS
]


@pytest.fixture(autouse=True)
def tracked_cache(settings: Any) -> None:
    """Use a cache whose documents a test can make older."""
    location = {"BACKEND": "tests.support.caches.TrackedCache", "LOCATION": "id_token"}
    settings.CACHES = {"default": location}


@pytest.fixture
def install(wire: responses.RequestsMock, settings: Any) -> Install:
    def install(name: str) -> IdTokenProvider:
        provider: IdTokenProvider = PROVIDERS[name](wire)
        provider.install(settings)
        return provider

    return install


@pytest.fixture(params=NAMES)
def provider(request: pytest.FixtureRequest, install: Install) -> IdTokenProvider:
    return install(request.param)


@pytest.fixture
def oidc(install: Install) -> IdTokenProvider:
    return install("oidc")


@pytest.fixture
def google(install: Install) -> IdTokenProvider:
    return install("google-oauth2")


@pytest.fixture
def apple(install: Install) -> IdTokenProvider:
    return install("apple-id")
