"""Logout tokens of the tests' OpenID provider, posted as a provider posts them."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any
from urllib.parse import urlencode

from tests.support.frontend import browser
from tests.support.id_token_providers import signed
from tests.support.openid_provider import ISSUER

EVENT = "http://schemas.openid.net/event/backchannel-logout"


def logout_token(key: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
    """Return a logout token that was issued now. Claims with the value None are omitted.

    :param claims: ``headers`` are those of the token.
    """
    headers = {"typ": "logout+jwt", "kid": "1", **claims.pop("headers", {})}
    now = int(time.time())
    token = {
        "iss": ISSUER,
        "aud": "our-client-id",
        "iat": now,
        "exp": now + 120,
        "jti": secrets.token_urlsafe(),
        "events": {EVENT: {}},
        "sub": "user-1",
        "sid": "08a5019c-17e1-4977-8f42-65a12843ea02",
        **claims,
    }
    payload = json.dumps({name: each for name, each in token.items() if each is not None})
    return signed(payload.encode(), key, algorithm, **headers)


def post(token: Any = None, provider: str = "oidc", **extra: Any) -> Any:
    """Post a logout token, by default a valid one, as a form."""
    body = urlencode({"logout_token": logout_token() if token is None else token})
    extra = {"content_type": "application/x-www-form-urlencoded", "secure": True, **extra}
    return browser().post(f"/auth/o/{provider}/logout/backchannel/", body, **extra)
