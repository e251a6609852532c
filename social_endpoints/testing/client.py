"""The client of a fake provider, which is a backend of the project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured
from social_core.backends.apple import AppleIdAuth
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.google import BaseGoogleAuth
from social_core.backends.keycloak import KeycloakOAuth2
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.utils import OIDCDiscoveryMixin
from social_core.utils import setting_name

from social_endpoints.internal.accounts.provider_emails import CONSUMERS
from social_endpoints.internal.backends.id_tokens.issuers import find_issuer
from social_endpoints.internal.backends.loading import load
from social_endpoints.internal.backends.registry import Provider, all_providers, find, protocol
from social_endpoints.internal.flows.flow import new_flow
from social_endpoints.testing.messages import ProviderRequest
from social_endpoints.testing.profiles import Vendor, find_vendor

_UNSUPPORTED = {
    "shopify": "its library requests the token without this package",
    "vk-app": "it has no redirect login",
}
"""OAuth 2 backends that a fake provider cannot serve."""

_WITHOUT_SECRET = frozenset({"vk-id"})
"""Backends whose token requests contain no client secret."""


class ProviderNotFakeable(NotImplementedError):
    """A fake provider speaks OAuth 2 and OpenID Connect only."""


class BackendClient:
    """A configured backend, seen from its provider. The settings are read on every access.

    :raises ProviderNotFakeable: the backend does not use OAuth 2 or OpenID Connect.
    :raises ProviderNotSupported: no configured backend has this name.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.provider: Provider = find(name)
        if reason := _unsupported(self.provider):
            raise ProviderNotFakeable(f"There is no fake provider for {name!r}: {reason}.")

    @property
    def backend(self) -> Any:
        """The backend, without a request."""
        flow = new_flow(self.name, "", None)
        _, backend = load(self.provider, request=None, data={}, flow=flow)
        return backend

    @cached_property
    def is_openid(self) -> bool:
        """Whether the backend is one for OpenID Connect."""
        return issubclass(self.provider.backend, OpenIdConnectAuth)

    @cached_property
    def vendor(self) -> Vendor:
        """The shape of the vendor's responses."""
        return find_vendor(self.provider.backend, is_openid=self.is_openid)

    def credentials(self) -> tuple[str, str]:
        """Return the client id and the client secret of the settings.

        :raises ImproperlyConfigured: there is no client id, or a secret cannot be made.
        """
        backend = self.backend
        key = "CLIENT" if isinstance(backend, AppleIdAuth) else "KEY"
        try:
            client_id, secret = backend.get_key_and_secret()
        except Exception as error:
            raise ImproperlyConfigured(
                f"The client secret of {self.name!r} cannot be made from its settings"
                f" {setting_name(self.name, '…')}: {type(error).__name__}."
            ) from error
        if not client_id:
            raise ImproperlyConfigured(
                f"{setting_name(self.name, key)} is not set. For a fake provider, any value will"
                " do, such as 'client-id'."
            )
        return str(client_id), str(secret or "")

    @property
    def client_id(self) -> str:
        """The client id of the settings. An app of Apple's needs no private key for it.

        :raises ImproperlyConfigured: there is none.
        """
        backend = self.backend
        if isinstance(backend, AppleIdAuth) and (client_id := backend.setting("CLIENT")):
            return str(client_id)
        return self.credentials()[0]

    def authenticates(self, request: ProviderRequest, client_id: str, secret: str) -> bool:
        """Return whether a request contains the credentials of the settings.

        :param client_id: the value of ``client_id`` or of HTTP Basic; empty if there is none.
            Some vendors have other names, so the secret may be in any parameter.
        """
        backend = self.backend
        own_id, own_secret = self.credentials()
        if client_id and client_id != own_id:
            return False
        if isinstance(backend, AppleIdAuth):
            return _is_apple_secret(backend, secret)
        if secret or not own_secret:
            return secret == own_secret
        return backend.name in _WITHOUT_SECRET or own_secret in request.values()

    def issuer(self, claims: dict[str, Any] | None = None) -> str:
        """Return ``iss`` of the ID tokens that the backend accepts."""
        backend = self.backend
        if isinstance(backend, AzureADOAuth2):
            return _microsoft_issuer(backend, with_tenant=claims is not None)
        configured_issuer = backend.setting(
            "ID_TOKEN_ISSUER", getattr(backend, "ID_TOKEN_ISSUER", None)
        )
        if isinstance(configured_issuer, str) and configured_issuer:
            return configured_issuer
        if self.discovery_url:
            return self.discovery_url.partition("/.well-known/")[0]
        if isinstance(backend, BaseGoogleAuth):
            return "https://accounts.google.com"
        if hasattr(backend, "api_path"):  # Auth0's backend without OpenID Connect.
            return str(backend.api_path())
        with suppress(Exception):  # The URL of some backends contains a value of a token response.
            parts = urlsplit(backend.access_token_url())
            return f"{parts.scheme}://{parts.netloc}"
        return f"https://{self.name}.example.com"

    @property
    def discovery_url(self) -> str:
        """The URL of the discovery document, or an empty string."""
        backend = self.backend
        if isinstance(backend, AzureADOAuth2):
            return str(backend.openid_configuration_url())
        return str(backend.oidc_config_url()) if isinstance(backend, OIDCDiscoveryMixin) else ""

    def endpoint(self, name: str, default: str) -> str:
        """Return the URL that the backend uses in place of one of the discovery document.

        :param name: name of a setting, which may also be an attribute of the class.
        """
        backend = self.backend
        value = backend.setting(name, getattr(backend, name, None))
        is_plain = isinstance(value, str) and value.startswith("http") and "{" not in value
        return value if is_plain else default

    def jwks_uris(self) -> set[str]:
        """Return URLs of signing keys that do not come from discovery."""
        issuer = find_issuer(self.backend)
        uris = {self.endpoint("JWKS_URI", ""), self.endpoint("JWK_URL", "")}
        if issuer is not None and not self.discovery_url:
            uris.add(issuer.jwks_uri())
        return uris - {""}

    def id_token_claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        """Return additional claims that the vendor's ID tokens have."""
        if not isinstance(self.backend, AzureADOAuth2):
            return {}
        extra = {"tid": _tenant(self.backend), "ver": "2.0"}
        policy = self.backend.setting("POLICY")
        if policy:
            extra["tfp"] = policy
        email = claims.get("email")
        return extra if email is None else {**extra, "upn": email, "preferred_username": email}

    @property
    def accepts_id_tokens(self) -> bool:
        """Whether the backend accepts ID tokens in native sign-in."""
        return find_issuer(self.backend) is not None

    @property
    def issues_id_tokens(self) -> bool:
        """Whether the backend expects an ID token in the token response."""
        return self.accepts_id_tokens or self.is_openid or hasattr(self.backend, "api_path")

    @property
    def needs_jwt(self) -> bool:
        """Whether access tokens are signed with the key of the fake and contain the claims."""
        return isinstance(self.backend, KeycloakOAuth2)


def _unsupported(provider: Provider) -> str:
    for base in provider.backend.__mro__:
        if reason := _UNSUPPORTED.get(vars(base).get("name", "")):
            return reason
    if issubclass(provider.backend, BaseOAuth2):
        return ""
    names = {"oauth1": "OAuth 1.0a", "openid2": "OpenID 2.0", "saml": "SAML 2.0"}
    used = names.get(protocol(provider.backend), "another protocol")
    return f"it uses {used}, and fakes speak OAuth 2 and OpenID Connect only"


def _is_apple_secret(backend: Any, secret: str) -> bool:
    """Return whether a JWT is a client secret for this project ("Creating a client secret")."""
    try:
        private_key: Any = load_pem_private_key(backend.get_private_key().encode(), None)
        claims = jwt.decode(
            secret, private_key.public_key(), ["ES256"], audience=backend.TOKEN_AUDIENCE
        )
        header = jwt.get_unverified_header(secret)
    except (jwt.PyJWTError, ValueError):
        return False
    expected = (backend.setting("TEAM"), backend.setting("CLIENT"), backend.setting("KEY"))
    return (claims.get("iss"), claims.get("sub"), header.get("kid")) == expected


def _tenant(backend: Any) -> str:
    tenant = str(backend.tenant_id)
    is_name = tenant in {"common", "organizations", "consumers"}
    return CONSUMERS if is_name or not re.fullmatch(r"[0-9a-fA-F-]{36}", tenant) else tenant


def _microsoft_issuer(backend: Any, *, with_tenant: bool) -> str:
    """Return the issuer in discovery, or that of an ID token."""
    address = str(backend.openid_configuration_url()).partition("/.well-known/")[0]
    parts = urlsplit(address)
    version = "/v2.0" if parts.path.endswith("/v2.0") else "/"
    tenant = _tenant(backend) if with_tenant else "{tenantid}"
    return f"{parts.scheme}://{parts.netloc}/{tenant}{version}"


def find_clients(client_id: str) -> Iterator[BackendClient]:
    """Yield the configured backends with a client id."""
    for name, provider in all_providers().items():
        if not _unsupported(provider):
            client = BackendClient(name)
            with suppress(ImproperlyConfigured):
                if client.credentials()[0] == client_id:
                    yield client


def find_client(client_id: str) -> BackendClient | None:
    """Return the first configured backend with a client id."""
    return next(find_clients(client_id), None)
