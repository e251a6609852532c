"""ID tokens as an app gets them from the OpenID provider."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from typing import Any

from tests.support.id_token_providers import signed
from tests.support.openid_provider import OpenIDProvider


def id_token_with_nonce(openid: OpenIDProvider, **claims: Any) -> tuple[str, str]:
    """Return an ID token that contains the hash of a nonce, and the nonce."""
    nonce, now = secrets.token_urlsafe(16), int(time.time())
    all_claims = {
        "iss": openid.url,
        "aud": "our-client-id",
        "iat": now,
        "exp": now + 300,
        "nonce": hashlib.sha256(nonce.encode()).hexdigest(),
        **openid.claims,
        **claims,
    }
    return signed(json.dumps(all_claims).encode(), openid.private_key, kid="1"), nonce
