"""The URLs of a fake provider, and which endpoint a request is for."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from social_endpoints.testing.messages import ProviderRequest

if TYPE_CHECKING:
    from social_endpoints.testing.provider import FakeProvider

Endpoint = Literal["discovery", "jwks", "token", "userinfo", "revocation", "introspection"]
"""The endpoints of a provider. ``"userinfo"`` is every request for a profile."""

WELL_KNOWN = "/.well-known/openid-configuration"

# The token checks of vendors: Google, Facebook and GitHub.
_INTROSPECTION = re.compile(r"(introspect|tokeninfo|debug_token|/applications/[^/]+/token$)")
_REVOCATION = re.compile(r"(revoke|revocation|/permissions$|/applications/[^/]+/grant$)")
_JWKS = re.compile(r"(jwks|/certs$|/keys$|/oauth2/v\d/certs$)")


def discovery_document(fake: FakeProvider) -> dict[str, Any]:
    """Return the discovery document of a fake."""
    client, base = fake.client, fake.base_url
    issuer = base
    if client is not None:
        issuer = client.issuer()
        base = client.discovery_url.partition("/.well-known/")[0] or issuer

    def url(setting: str, path: str) -> str:
        default = f"{base.rstrip('/')}/{path}"
        return client.endpoint(setting, default) if client else default

    return {
        "issuer": issuer,
        "authorization_endpoint": url("AUTHORIZATION_URL", "authorize"),
        "token_endpoint": url("ACCESS_TOKEN_URL", "token"),
        "userinfo_endpoint": url("USERINFO_URL", "userinfo"),
        "jwks_uri": url("JWKS_URI", "jwks"),
        "revocation_endpoint": url("REVOKE_TOKEN_URL", "revoke"),
        "introspection_endpoint": url("INTROSPECTION_URL", "introspect"),
        "end_session_endpoint": url("END_SESSION_URL", "logout"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256", "plain"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
    }


def jwks_document(fake: FakeProvider) -> dict[str, Any]:
    """Return the signing keys (RFC 7517 section 5)."""
    return {"keys": [fake.key.public()]}


def find_endpoint(fake: FakeProvider, request: ProviderRequest) -> Endpoint:
    """Return the endpoint that a request is for.

    A URL alone does not always show it, because vendors and projects choose them. So the content
    of the request counts as well: only a token request contains a code.
    """
    path, address = request.path.rstrip("/").lower(), request.address
    document = fake.discovery()
    if path.endswith(WELL_KNOWN) or address == _discovery_address(fake):
        return "discovery"
    if _is_token_request(fake, request, document):
        return "token"
    if address == document.get("jwks_uri") or _is_jwks(fake, request):
        return "jwks"
    if address == document.get("introspection_endpoint") or _INTROSPECTION.search(path):
        return "introspection"
    is_revocation = address == document.get("revocation_endpoint") or _REVOCATION.search(path)
    return "revocation" if is_revocation or request.method == "DELETE" else "userinfo"


def _discovery_address(fake: FakeProvider) -> str:
    return fake.client.discovery_url.partition("?")[0] if fake.client else ""


def _is_token_request(
    fake: FakeProvider, request: ProviderRequest, document: dict[str, Any]
) -> bool:
    values = request.params
    if "grant_type" in values or any(map(fake.grants.is_code, values.values())):
        return True
    if request.address == document.get("token_endpoint"):
        return True
    if fake.client is None or fake.client.is_openid or "code" not in values:
        return False
    with suppress(Exception):  # The URL of some backends contains a value of the callback.
        return request.address == str(fake.client.backend.access_token_url()).partition("?")[0]
    return False


def _is_jwks(fake: FakeProvider, request: ProviderRequest) -> bool:
    if request.method != "GET" or request.header("Authorization"):
        return False
    uris = fake.client.jwks_uris() if fake.client else set()
    return request.address in uris or bool(_JWKS.search(request.path.rstrip("/").lower()))
