"""The tokens that a fake provider issues, and the responses that contain them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from social_core.backends.apple import AppleIdAuth

from social_endpoints.testing.claims import Claims
from social_endpoints.testing.client import find_client
from social_endpoints.testing.keys import token_hash
from social_endpoints.testing.messages import ProviderRequest

if TYPE_CHECKING:
    from social_endpoints.testing.grants import Grant
    from social_endpoints.testing.provider import FakeProvider

ID_TOKEN_LIFETIME = 300
"""Seconds for which an ID token is valid."""


def token_response(
    fake: FakeProvider, grant: Grant, request: ProviderRequest, *, is_first: bool
) -> Any:
    """Return the content of a token response, with new tokens.

    :param is_first: whether it is for a code. An ID token after a refresh has no nonce.
    """
    client = fake.client or find_client(grant.client_id)
    access = fake.access_token_for(grant)
    content: dict[str, Any] = {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": grant.lifetime,
        "refresh_token": fake.grants.issue_refresh_token(grant),
    }
    if grant.scope:
        content["scope"] = grant.scope
    if "state" in request.params:  # VK ID.
        content["state"] = request.params["state"]
    if client is None or client.issues_id_tokens or "openid" in grant.scope.split():
        nonce = grant.params.get("nonce") if is_first else None
        content["id_token"] = fake.id_token_for(grant, access, nonce)
    if fake.client is None or client is None:
        return with_changes(content, fake.token_fields)
    content.update(client.vendor.token(grant.claims))
    return client.vendor.token_format(with_changes(content, fake.token_fields))


def access_token(fake: FakeProvider, grant: Grant) -> str:
    """Return a new access token for a grant."""
    client = fake.client
    if client is not None and client.needs_jwt:
        claims = {**grant.claims, "aud": grant.client_id, "typ": "Bearer"}
        now = int(time.time())
        times = {"iat": now, "exp": now + grant.lifetime, "jti": str(uuid.uuid4())}
        return fake.grants.issue_access_token(grant, fake.key.sign({**claims, **times}))
    prefix = client.vendor.access_token_prefix(grant.claims) if client else ""
    token = prefix + uuid.uuid4().hex if prefix else ""
    return fake.grants.issue_access_token(grant, token)


def id_token(fake: FakeProvider, grant: Grant, access: str | None, nonce: str | None) -> str:
    """Return a signed ID token (OpenID Connect Core section 2).

    :param access: the access token that is issued together with it.
    """
    now = int(time.time())
    claims = dict(grant.claims)
    client = fake.client
    if client is not None:
        claims.update(client.id_token_claims(claims))
        if issubclass(client.provider.backend, AppleIdAuth):
            claims = _apple_claims(claims)
    claims |= {
        "iss": client.issuer(claims) if client else fake.base_url,
        "aud": grant.client_id,
        "iat": now,
        "exp": now + ID_TOKEN_LIFETIME,
        "auth_time": grant.auth_time,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    if access is not None:
        claims["at_hash"] = token_hash(access)
    return fake.key.sign(with_changes(claims, fake.id_token_claims), fake.id_token_headers)


def with_changes(content: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content with the changes of a test; None removes a field."""
    return {name: each for name, each in {**content, **changes}.items() if each is not None}


def _apple_claims(claims: Claims) -> Claims:
    """Return the claims of Apple's ID tokens, which never contain the name."""
    profile = {"name", "given_name", "family_name", "preferred_username", "nickname", "picture"}
    return {name: each for name, each in claims.items() if name not in {*profile, "locale"}}
