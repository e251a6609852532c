"""The OAuth 2 and OpenID Connect backends of social-core, and settings to begin with each."""

from __future__ import annotations

import inspect
import json
import pkgutil
import re
from importlib import import_module
from typing import Any

import responses
import social_core.backends
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.utils import setting_name

from tests.support.keys import elliptic_key, private_pem

UNUSUAL_REDIRECT_URI = "https://app.example.com/cb?next=%2Fa%26b&x=1+2/"

NO_REDIRECT = {"facebook-app", "facebook-limited-login", "loginradius", "vk-app"}
"""Backends for a frame, a widget or an SDK."""

ASSOCIATION_ONLY = {"drip", "mixcloud"}
"""Backends that can only be connected."""

_CREDENTIALS = ("KEY", "SECRET", "CLIENT", "TEAM", "TENANT_ID", "DOMAIN", "SUBDOMAIN")
_URLS = ("URL", "API_URL", "OIDC_ENDPOINT", "HOST", "POOL_DOMAIN", "BASE_URL")


def _oauth2_backends() -> dict[str, type[Any]]:
    backends = {}
    for module in pkgutil.iter_modules(social_core.backends.__path__):
        try:
            members = vars(import_module(f"social_core.backends.{module.name}"))
        except ImportError:
            continue  # It needs an optional package.
        for value in members.values():
            if inspect.isclass(value) and issubclass(value, BaseOAuth2) and value.name:
                backends[value.name] = value
    return backends


BACKENDS = _oauth2_backends()

REDIRECT_BACKENDS = sorted(BACKENDS.keys() - NO_REDIRECT - ASSOCIATION_ONLY)


def configure_backend(settings: Any, name: str) -> None:
    """Configure one backend, with UNUSUAL_REDIRECT_URI as the only redirect URI."""
    backend = BACKENDS[name]
    settings.AUTHENTICATION_BACKENDS = [f"{backend.__module__}.{backend.__qualname__}"]
    settings.SOCIAL_ENDPOINTS = {"ALLOWED_REDIRECT_URIS": [UNUSUAL_REDIRECT_URI]}
    for setting in _CREDENTIALS:
        setattr(settings, setting_name(name, setting), "value")
    for setting in _URLS:
        if not getattr(backend, setting, None):
            setattr(settings, setting_name(name, setting), "https://id.example.com")
    for setting in ("AUTHORIZATION_URL", "ACCESS_TOKEN_URL"):
        if not getattr(backend, setting) and not issubclass(backend, OpenIdConnectAuth):
            setattr(settings, setting_name(name, setting), f"https://id.example.com/{setting}")
    settings.SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_POLICY = "b2c_policy"
    if name == "apple-id":
        settings.SOCIAL_AUTH_APPLE_ID_SECRET = private_pem(elliptic_key())


def add_discovery(wire: responses.RequestsMock, **claims: Any) -> None:
    """Answer every discovery request with the document of that provider."""

    def document(request: Any) -> tuple[int, dict[str, str], str]:
        issuer = request.url.partition("/.well-known/")[0]
        endpoints = {
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/keys",
        }
        return 200, {}, json.dumps({"issuer": issuer, **endpoints, **claims})

    wire.add_callback("GET", re.compile(r".*/\.well-known/.*"), callback=document)
