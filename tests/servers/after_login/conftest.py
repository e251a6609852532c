"""Fixtures: the site in this process, and providers in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import override_settings

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
def start_settings(django_db_setup: None) -> override_settings:
    """Set what the live server reads only when it starts.

    The database exists before: the live server would share a connection to the database in memory
    that the settings name until then.
    """
    settings = override_settings(
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        STATIC_URL="static/",
    )
    settings.enable()
    return settings


@pytest.fixture(scope="session")
def addresses(start_settings: override_settings, live_server: Any) -> Iterator[Addresses]:
    start_settings.disable()
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
        prefix = f"SOCIAL_AUTH_{name.upper().replace('-', '_')}"
        for setting, value in values.items():
            setattr(settings, f"{prefix}_{setting}", value)
    settings.SOCIAL_ENDPOINTS = {
        "ALLOWED_REDIRECT_URIS": addresses.redirect_uris,
        "ALLOWED_LOGOUT_REDIRECT_URIS": addresses.logout_redirect_uris,
        "BACKCHANNEL_LOGOUT_PROVIDERS": [*PROVIDERS],
        "ENCRYPT_PROVIDER_TOKENS": True,
    }
    return Frontend(addresses)
