"""The providers of native sign-in, and the verifiers of their access tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from social_core.backends.base import BaseAuth
from social_core.backends.facebook import FacebookOAuth2
from social_core.backends.facebook_limited import FacebookLimitedLogin
from social_core.backends.github import GithubOAuth2
from social_core.backends.google import GoogleOAuth2
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.okta import OktaMixin
from social_core.exceptions import AuthConfigurationError

from social_endpoints.conf import NAME, get_names, import_path, settings
from social_endpoints.exceptions import NativeSignInDisabled
from social_endpoints.internal.backends.id_tokens.issuers import find_issuer, leeway, own_client_ids
from social_endpoints.internal.backends.registry import Provider, all_providers, find
from social_endpoints.internal.native.verifiers.base import TokenVerifier
from social_endpoints.internal.native.verifiers.introspection import (
    Introspection,
    OktaIntrospection,
    introspection_url,
)
from social_endpoints.internal.native.verifiers.vendors import (
    FacebookDebugToken,
    GithubToken,
    GoogleTokenInfo,
)

VERIFIERS_SETTING = "NATIVE_VERIFIERS"

# The first match counts.
_VERIFIERS: tuple[tuple[type[Any], type[TokenVerifier] | None], ...] = (
    (GoogleOAuth2, GoogleTokenInfo),
    (FacebookLimitedLogin, None),  # Its access tokens do not give access to anything.
    (FacebookOAuth2, FacebookDebugToken),
    (GithubOAuth2, GithubToken),
    (OktaMixin, OktaIntrospection),
    (BaseOAuth2, Introspection),
)


def find_native(name: str) -> Provider:
    """Return a configured provider that ``NATIVE_PROVIDERS`` lists.

    :raises ProviderNotSupported: no configured provider has this name.
    :raises NativeSignInDisabled: the list does not contain it.
    :raises ImproperlyConfigured: the setting is not a list.
    """
    names, provider = get_names("NATIVE_PROVIDERS"), find(name)
    if name not in names:
        raise NativeSignInDisabled(name)
    return provider


def native_token_types(backend: BaseAuth[Any]) -> list[str]:
    """Return the token types that can sign in: ``"id_token"``, ``"access_token"`` or both.

    :raises ImproperlyConfigured: ``NATIVE_PROVIDERS`` or ``NATIVE_VERIFIERS`` is wrong.
    """
    if backend.ASSOCIATION_ONLY or backend.name not in get_names("NATIVE_PROVIDERS"):
        return []
    return verifiable_token_types(backend)


def verifiable_token_types(backend: BaseAuth[Any]) -> list[str]:
    """Return the token types of a provider, even if it is not listed. Sends no request."""
    verified_by = {"id_token": find_issuer(backend), "access_token": find_verifier(backend)}
    return [token_type for token_type, by in verified_by.items() if by is not None]


def find_invalid_setting(backend: BaseAuth[Any]) -> str | None:
    """Return the name, without prefix, of an invalid setting of the provider, or None."""
    issuer = find_issuer(backend)
    try:
        own_client_ids(backend)
        leeway(backend)
        introspection_url(backend)
        if issuer is not None:
            issuer.algorithms()
    except AuthConfigurationError as error:
        return error.parameter if error.code == "invalid_setting" else None
    return None


def find_verifier(backend: BaseAuth[Any]) -> TokenVerifier | None:
    """Return the verifier of a provider's access tokens: the project's or ours, or None.

    :raises ImproperlyConfigured: ``NATIVE_VERIFIERS`` is wrong.
    """
    verifiers = (verifier for base, verifier in _VERIFIERS if isinstance(backend, base))
    verifier = _project_verifiers().get(backend.name) or next(verifiers, None)
    # Access tokens of OAuth 1.0a are pairs, and other protocols do not have any.
    if verifier is None or not isinstance(backend, BaseOAuth2):
        return None
    return verifier(backend) if verifier.is_available(backend) else None


def import_verifier(provider: str, path: Any) -> type[TokenVerifier]:
    """Return the class that an entry of ``NATIVE_VERIFIERS`` names.

    :raises ImproperlyConfigured: it is not a subclass of :class:`TokenVerifier`.
    """
    setting = f"{NAME}[{VERIFIERS_SETTING!r}][{provider!r}]"
    value = import_path(path, setting)
    if not (isinstance(value, type) and issubclass(value, TokenVerifier)):
        base = "social_endpoints.verifiers.TokenVerifier"
        raise ImproperlyConfigured(f"{setting}: {path!r} is not a subclass of {base}.")
    return value


def _project_verifiers() -> dict[str, type[TokenVerifier]]:
    """Return the classes that ``NATIVE_VERIFIERS`` names. A misspelled name is an error."""
    paths = settings.NATIVE_VERIFIERS or {}
    if not isinstance(paths, Mapping):
        raise ImproperlyConfigured(f"{NAME}[{VERIFIERS_SETTING!r}] must be a dictionary.")
    for provider in paths:
        if provider not in all_providers():
            raise ImproperlyConfigured(
                f"{NAME}[{VERIFIERS_SETTING!r}]: {provider!r} is not a configured provider."
            )
    return {provider: import_verifier(provider, path) for provider, path in paths.items()}
