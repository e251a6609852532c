"""The nonce of an ID token: the app's proof that the token was made for this very login."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode

from social_core.utils import constant_time_compare


def is_of(claim: str, nonce: str) -> bool:
    """Say whether a token's nonce is the app's own.

    Either it is that text (OpenID Connect Core section 15.5.2), or its SHA-256: apps hand
    Apple's and others' SDKs the hash, so that whoever sees the token cannot know the nonce.
    It is written in hexadecimal digits, as in Apple's and Firebase's examples, or as
    base64url, as in RFC 7636.
    """
    digest = hashlib.sha256(nonce.encode()).digest()
    spellings = (nonce, digest.hex(), urlsafe_b64encode(digest).decode().rstrip("="))
    return any(constant_time_compare(claim, spelling) for spelling in spellings)
