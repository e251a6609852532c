"""An app that logs its user in at the OpenID provider without the site."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from urllib.parse import urlencode

import requests

from tests.support.servers.addresses import CLIENT_SECRET, NATIVE_APP, Addresses
from tests.support.servers.frontend import User, as_user

PROVIDER = "openid-connect"


def base64url(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def obtain_tokens(
    addresses: Addresses,
    user: str,
    *,
    client_id: str = NATIVE_APP,
    nonce: str | None = None,
    browser: User | None = None,
) -> dict[str, str]:
    """Log a user in as an app does, and return the tokens (RFC 8252, RFC 7636)."""
    verifier = secrets.token_urlsafe(32)
    redirect_uri = addresses.redirect_uris[0]
    query = {
        "client_id": client_id,
        "response_type": "code",
        "scope": "openid profile email",
        "redirect_uri": redirect_uri,
        "code_challenge": base64url(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
        **({} if nonce is None else {"nonce": nonce}),
    }
    issuer = addresses.provider(PROVIDER)
    step = (browser or User()).follow(
        f"{issuer}/auth?{urlencode(query)}", until=redirect_uri, fill=as_user(user)
    )
    response = requests.post(
        f"{issuer}/token",
        data={
            "grant_type": "authorization_code",
            "code": step.query["code"],
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        },
        auth=(client_id, CLIENT_SECRET),
        timeout=30,
    )
    assert response.status_code == 200, response.text
    return dict(response.json())
