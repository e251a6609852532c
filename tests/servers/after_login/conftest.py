"""Fixtures: the site in this process, and providers in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.servers.addresses import CLIENT_ID, CLIENT_SECRET, Addresses
from tests.support.servers.frontend import Frontend
from tests.support.servers.processes import running_providers

PROVIDERS = {
    # Issues refresh tokens only to users who are asked for consent (Core section 11).
    "openid-connect": {"AUTH_EXTRA_ARGUMENTS": {"prompt": "consent"}},
    "better-auth": {},
}
BACKENDS = "tests.support.servers.site.backends"


@pytest.fixture(scope="session")
def addresses(django_db_setup: None, live_server: Any) -> Iterator[Addresses]:
    """Return the addresses of the running servers.

    The database is created first: the live server would share a connection to the database in
    memory that the settings have before.
    """
    port = urlsplit(live_server.url).port
    assert port
    with running_providers([*PROVIDERS], port) as addresses:
        yield addresses


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def frontend(addresses: Addresses, settings: Any) -> Frontend:
    """Return the page of a site that encrypts the tokens in its database."""
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
        prefix = f"SOCIAL_AUTH_{name.upper().replace('-', '_')}"
        for setting, value in values.items():
            setattr(settings, f"{prefix}_{setting}", value)
    settings.SOCIAL_ENDPOINTS = {
        "ALLOWED_REDIRECT_URIS": addresses.redirect_uris,
        "ENCRYPT_PROVIDER_TOKENS": True,
    }
    return Frontend(addresses)
