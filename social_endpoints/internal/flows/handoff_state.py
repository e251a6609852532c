"""The redirect URI of a login with a handoff, sealed into the state that the provider returns.

The server stores nothing while the user is at the provider. A callback with any other state is
refused before it is stored.

The token is short, because providers limit the length of a state: AES-SIV (RFC 5297) needs no
nonce, and an entry of ``ALLOWED_REDIRECT_URIS`` is represented by a digest. Other URIs are
included in full: those that a policy allows, and loopback URIs with a port.
"""

from __future__ import annotations

import hashlib
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.encoding import force_bytes

from social_endpoints.internal.flows.redirect_uris import listed_uris

_KEY_PURPOSE = b"social_endpoints.handoff.v1"
_DIGEST_BYTES = 8
_TIME_BYTES = 4
_LATEST = 256**_TIME_BYTES - 1
_SEPARATOR = "."


def with_redirect_uri(state: str, redirect_uri: str, *, provider: str, seconds: int) -> str:
    """Return a login's state, followed by the redirect URI as a token that belongs to it.

    :param state: it must differ between logins.
    :param seconds: lifetime of the token.
    """
    content = redirect_uri.encode()
    if redirect_uri in listed_uris():
        content = _digest(redirect_uri)
    expires = min(int(time.time()) + seconds, _LATEST)
    content = expires.to_bytes(_TIME_BYTES, "big") + content
    cipher = _cipher(force_bytes(settings.SECRET_KEY))
    sealed = cipher.encrypt(content, [provider.encode(), state.encode()])
    return state + _SEPARATOR + _encode(sealed)


def split_state(sent_state: str) -> str:
    """Return the state in a value of :func:`with_redirect_uri`."""
    return sent_state.rpartition(_SEPARATOR)[0]


def open_redirect_uri(sent_state: str, *, provider: str) -> str | None:
    """Return the redirect URI in a value of :func:`with_redirect_uri`.

    :returns: None if the value is forged, has expired or belongs to another provider, or if its
        entry is no longer in ``ALLOWED_REDIRECT_URIS``.
    """
    state, separator, token = sent_state.rpartition(_SEPARATOR)
    if not separator:
        return None
    content = _decrypt(token, [provider.encode(), state.encode()])
    if content is None or int.from_bytes(content[:_TIME_BYTES], "big") <= time.time():
        return None
    content = content[_TIME_BYTES:]
    if not content.startswith(b"\0"):
        return content.decode()
    return next((uri for uri in listed_uris() if _digest(uri) == content), None)


def _digest(redirect_uri: str) -> bytes:
    # No URI begins with a null character.
    return b"\0" + hashlib.sha256(redirect_uri.encode()).digest()[:_DIGEST_BYTES]


def _decrypt(token: str, context: list[bytes]) -> bytes | None:
    try:
        sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    if _encode(sealed) != token:  # Python ignores invalid characters.
        return None
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return _cipher(force_bytes(key)).decrypt(sealed, context)
        except InvalidTag:
            continue
    return None


def _encode(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).decode().rstrip("=")


@lru_cache(maxsize=16)
def _cipher(secret_key: bytes) -> AESSIV:
    derived = HKDF(algorithm=SHA256(), length=64, salt=None, info=_KEY_PURPOSE)
    return AESSIV(derived.derive(secret_key))
