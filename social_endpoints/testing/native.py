"""Native sign-in: the tokens of an SDK, and what a provider reports about them."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from social_endpoints.testing.claims import Claims
from social_endpoints.testing.messages import ProviderRequest, ProviderResponse
from social_endpoints.testing.profiles import numeric_sub

if TYPE_CHECKING:
    from social_endpoints.testing.grants import Grant
    from social_endpoints.testing.provider import FakeProvider


def native_body(fake: FakeProvider, token_types: Sequence[str], claims: Claims) -> dict[str, str]:
    """Return the body of a native sign-in with these token types."""
    if fake.client is None:
        raise ValueError("A fake provider without a backend has no native sign-in.")
    default = "id_token" if fake.client.accepts_id_tokens else "access_token"
    grant, body = fake.grant(claims, "openid profile email"), {}
    access_token = None
    for token_type in sorted(token_types or (default,)):  # The hash of the first is in the second.
        if token_type == "access_token":
            access_token = body[token_type] = fake.access_token_for(grant)
        elif token_type == "id_token":
            nonce = secrets.token_urlsafe(16)
            digest = hashlib.sha256(nonce.encode()).hexdigest()
            body |= {token_type: fake.id_token_for(grant, access_token, digest), "nonce": nonce}
        else:
            raise ValueError(f"{token_type!r} is not a token type.")
    return body


def inspect_token(fake: FakeProvider, request: ProviderRequest) -> ProviderResponse:
    """Return what a provider reports about an access token, in the form of the vendor."""
    tokens = [request.params.get(name, "") for name in ("token", "input_token", "access_token")]
    found = fake.grants.find_any([*tokens, *request.header("Authorization").split()])
    grant = found[1] if found else None
    path = request.path
    if "tokeninfo" in path:
        return _google(grant)
    if "debug_token" in path:
        return _facebook(grant)
    if "/applications/" in path:
        return _github(grant)
    return ProviderResponse(content=_introspection(fake, grant))


def _introspection(fake: FakeProvider, grant: Grant | None) -> dict[str, Any]:
    """Return the content of a response to an introspection (RFC 7662 section 2.2)."""
    if grant is None:
        return {"active": False}
    username = grant.claims.get("preferred_username")
    sub = grant.claims.get("sub")
    return {
        "active": True,
        "client_id": grant.client_id,
        "aud": grant.client_id,
        "sub": sub,
        "uid": sub,
        "username": username,
        "scope": grant.scope,
        "token_type": "Bearer",
        "exp": int(grant.expires),
        "iss": fake.client.issuer(grant.claims) if fake.client else fake.base_url,
    }


def _google(grant: Grant | None) -> ProviderResponse:
    if grant is None:
        return ProviderResponse(HTTPStatus.BAD_REQUEST, {"error": "invalid_token"})
    content = {
        "aud": grant.client_id,
        "azp": grant.client_id,
        "sub": grant.claims.get("sub"),
        "scope": grant.scope,
        "expires_in": str(int(grant.expires - time.time())),
    }
    return ProviderResponse(content=content)


def _facebook(grant: Grant | None) -> ProviderResponse:
    if grant is None:
        return ProviderResponse(content={"data": {"is_valid": False, "scopes": []}})
    data = {
        "app_id": grant.client_id,
        "type": "USER",
        "is_valid": True,
        "user_id": grant.claims.get("sub"),
        "expires_at": int(grant.expires),
        "scopes": grant.scope.split(),
    }
    return ProviderResponse(content={"data": data})


def _github(grant: Grant | None) -> ProviderResponse:
    if grant is None:
        return ProviderResponse(HTTPStatus.NOT_FOUND, {"message": "Not Found"})
    username = str(grant.claims.get("preferred_username"))
    user = {"id": numeric_sub(grant.claims), "login": username}
    app = {"client_id": grant.client_id}
    return ProviderResponse(content={"app": app, "user": user, "scopes": grant.scope.split()})
