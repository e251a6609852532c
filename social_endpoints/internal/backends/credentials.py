"""What a provider must be given in the settings before anyone can log in with it."""

from __future__ import annotations

from typing import Any

from social_core.backends.apple import AppleIdAuth
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.base import BaseAuth
from social_core.backends.discourse import DiscourseAuth
from social_core.backends.google import GoogleOAuth
from social_core.backends.oauth import BaseOAuth1, BaseOAuth2, BaseOAuth2PKCE, OAuthAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.steam import SteamOpenId
from social_core.backends.telegram import TelegramAuth

from social_endpoints.internal.backends.extensions.pkce import AddedProofKey
from social_endpoints.internal.backends.kinds import SAML, is_kind


def missing(backend: BaseAuth[Any], *, to_begin: bool = False) -> list[str]:
    """Return the names of the settings that this backend needs and does not have.

    The names are without their ``SOCIAL_AUTH_<BACKEND>_``.

    :param to_begin: count only what the authorization URL cannot be built without.
    """
    return [name for name in _needed(backend, to_begin) if not backend.setting(name)]


def _needed(backend: BaseAuth[Any], to_begin: bool) -> tuple[str, ...]:
    if isinstance(backend, AppleIdAuth):
        # Apple's secret is a key, which signs a new client secret for each request.
        return ("CLIENT", "TEAM", "KEY", "SECRET")
    if isinstance(backend, TelegramAuth):
        return ("BOT_TOKEN",)
    if isinstance(backend, DiscourseAuth):
        return ("SERVER_URL", "SECRET")
    if isinstance(backend, SteamOpenId):
        return () if to_begin else ("API_KEY",)
    if is_kind(type(backend), SAML):
        return ("SP_ENTITY_ID", *(() if _looks_providers_up(backend) else ("ENABLED_IDPS",)))
    if isinstance(backend, GoogleOAuth) or not isinstance(backend, OAuthAuth):
        return ()
    if _overrides_key_and_secret(backend):
        return ()  # It knows better than we do where they come from.
    endpoint = ("OIDC_ENDPOINT",) if _needs_endpoint(backend) else ()
    secret = () if to_begin or _is_public_client(backend) else ("SECRET",)
    return ("KEY", *secret, *endpoint)


def _looks_providers_up(backend: Any) -> bool:
    return not type(backend).get_idp.__module__.startswith("social_core.")


def _overrides_key_and_secret(backend: BaseAuth[Any]) -> bool:
    return type(backend).get_key_and_secret is not BaseAuth.get_key_and_secret


def _needs_endpoint(backend: BaseAuth[Any]) -> bool:
    return (
        isinstance(backend, OpenIdConnectAuth)
        and type(backend).oidc_endpoint is OpenIdConnectAuth.oidc_endpoint
        and type(backend).oidc_config_url is OpenIdConnectAuth.oidc_config_url
        and not backend.OIDC_ENDPOINT
        and not backend.setting("AUTHORIZATION_URL", backend.AUTHORIZATION_URL)
    )


def _is_public_client(backend: BaseAuth[Any]) -> bool:
    """Say whether the client may have no secret (RFC 6749 section 2.1)."""
    if isinstance(backend, AzureADOAuth2):
        return True  # It may have a client assertion or a federated token instead.
    if isinstance(backend, BaseOAuth2PKCE) and not isinstance(backend, AddedProofKey):
        # As core reads it: our own decision may ask the provider's discovery.
        return bool(backend.strategy.setting("USE_PKCE", backend.DEFAULT_USE_PKCE, backend))
    return not isinstance(backend, (BaseOAuth1, BaseOAuth2))
