"""Fixtures: the site in this process, and providers in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from social_django.models import UserSocialAuth

from social_endpoints.provider_tokens import ProviderAuth
from tests.support.servers.addresses import CLIENT_ID, CLIENT_SECRET
from tests.support.servers.assertions import assert_signed_in
from tests.support.servers.frontend import TIMEOUT, Frontend, User, new_name
from tests.support.servers.processes import LiveProviders

PROVIDERS = {
    # Issues refresh tokens only to users who are asked for consent (Core section 11).
    "openid-connect": {"AUTH_EXTRA_ARGUMENTS": {"prompt": "consent"}},
    "better-auth": {"JWT_ALGORITHMS": ["EdDSA"]},
}
BACKENDS = "tests.support.servers.site.backends"


def setting_name(provider: str, setting: str) -> str:
    return f"SOCIAL_AUTH_{provider.upper().replace('-', '_')}_{setting}"


@pytest.fixture(scope="session")
def providers(live_server: Any) -> Iterator[LiveProviders]:
    port = urlsplit(live_server.url).port
    assert port
    providers = LiveProviders(port)
    yield providers
    providers.stop()


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest, providers: LiveProviders) -> str:
    """Return the name of a provider that is running."""
    providers.start(request.param)
    return str(request.param)


@pytest.fixture
def frontend(providers: LiveProviders, settings: Any) -> Frontend:
    """Return the page of a site that encrypts the tokens in its database."""
    addresses = providers.addresses
    settings.ROOT_URLCONF = "tests.support.token_urls"
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend",
        f"{BACKENDS}.OpenIdConnect",
        f"{BACKENDS}.BetterAuth",
    ]
    issuers = {
        "openid-connect": addresses.provider("openid-connect"),
        "better-auth": f"{addresses.provider('better-auth')}/api/auth",
    }
    for name, extra in PROVIDERS.items():
        values = {
            "OIDC_ENDPOINT": issuers[name],
            "KEY": CLIENT_ID,
            "SECRET": CLIENT_SECRET,
            "USE_PKCE": True,
            "SCOPE": ["offline_access", "files:read"],
            **extra,
        }
        for setting, value in values.items():
            setattr(settings, setting_name(name, setting), value)
    settings.SOCIAL_ENDPOINTS = {
        "ALLOWED_REDIRECT_URIS": addresses.redirect_uris,
        "ALLOWED_LOGOUT_REDIRECT_URIS": addresses.logout_redirect_uris,
        "BACKCHANNEL_LOGOUT_PROVIDERS": [*PROVIDERS],
        "ENCRYPT_PROVIDER_TOKENS": True,
    }
    return Frontend(addresses)


@pytest.fixture
def name() -> str:
    """Return the name of a new user."""
    return new_name()


@pytest.fixture
def browser() -> User:
    """Return the user's browser, whose session at the provider lasts."""
    return User()


@pytest.fixture
def account(frontend: Frontend, provider: str, name: str, browser: User) -> Frontend:
    """Return the page of the new user. The provider's token expires after 30 seconds."""
    token = assert_signed_in(frontend.sign_in(provider, name, browser))
    return frontend.fresh(token=token)


@pytest.fixture
def user(account: Frontend) -> Any:
    """Return the new user."""
    return UserSocialAuth.objects.get().user


@pytest.fixture
def discovery(frontend: Frontend, provider: str, settings: Any) -> dict[str, Any]:
    """Return the discovery document of the provider."""
    issuer = getattr(settings, setting_name(provider, "OIDC_ENDPOINT"))
    response = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=TIMEOUT)
    return dict(response.json())


@pytest.fixture
def ask(user: Any, provider: str, discovery: dict[str, Any]) -> Callable[[], requests.Response]:
    """Return a function that asks the provider's API for the user, with the user's token."""
    endpoint = discovery["userinfo_endpoint"]
    return lambda: requests.get(endpoint, auth=ProviderAuth(user, provider), timeout=TIMEOUT)
