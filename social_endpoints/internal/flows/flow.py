"""One begun login: what it holds, how it is sealed and opened, when it expires.

A flow is the session of exactly one login. The browser that began carries it,
encrypted and authenticated, so that no server has to remember anything.
"""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.encoding import force_bytes

from social_endpoints.internal.flows.packing import pack, unpack

LOGIN = "login"
"""The purpose of a flow that signs a user in."""

CONNECT = "connect"
"""The purpose of a flow that links an identity to the user who began."""

MAX_LENGTH = 3_900
"""A longer token does not fit into a cookie: browsers drop one above 4,096 bytes."""

# Keys that are derived for this purpose alone: nothing else that the project
# signs or encrypts under its SECRET_KEY can be taken for a flow, or a flow for it.
_KEY_PURPOSE = b"social_endpoints.flow.v1"


@dataclass
class Flow:
    """What must survive from begin to complete.

    ``session`` is the mapping that python-social-auth uses as its session: any
    JSON value under a string. ``expires`` is in seconds since the epoch; a flow
    that has none is about to begin. ``id`` is what a completion claims, so that a
    flow completes once, and ``key`` what its callback brings back (the state, say;
    empty where that is nothing). With ``handoff``, the provider answers to the
    server, at ``redirect_uri``. ``user`` is the primary key, as text, of the user who
    is linking. ``spent`` says that the flow has been claimed, and is not sealed.
    """

    provider: str
    purpose: str
    redirect_uri: str
    expires: int = 0
    session: dict[str, Any] = field(default_factory=dict, repr=False)
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)
    key: str = field(default="", repr=False)
    handoff: bool = False
    user: str = ""
    spent: bool = False

    @property
    def is_begun(self) -> bool:
        """Say whether this flow has been with the browser."""
        return self.expires > 0


def seal(flow: Flow) -> str:
    """Return the flow as a token of ASCII letters, digits, ``-`` and ``_``.

    :raises TypeError: the session holds what JSON cannot carry.
    """
    content = [
        flow.id,
        flow.provider,
        flow.purpose,
        flow.expires,
        flow.session,
        flow.redirect_uri,
        flow.key,
        int(flow.handoff),
    ]
    if flow.user:
        content.append(flow.user)
    token = _cipher().encrypt_at_time(pack(content), time.time_ns() // 1000)
    # The padding would make a cookie's value quoted, and it says nothing.
    return token.decode().rstrip("=")


def open_flow(token: str, *, provider: str, purpose: str) -> Flow | None:
    """Return the flow in a token, or None.

    None is the answer to every token that is not a live flow of this provider
    and purpose, sealed under one of the project's keys: the reasons are nobody's
    business but the attacker's.
    """
    try:
        packed = _cipher().decrypt(_padded(token))
    except (InvalidToken, UnicodeEncodeError):
        return None
    flow_id, its_provider, its_purpose, expires, session, *rest = unpack(packed)
    if (its_provider, its_purpose) != (provider, purpose) or expires <= time.time():
        return None
    redirect_uri, key, handoff, *user = rest
    return Flow(
        its_provider,
        its_purpose,
        redirect_uri,
        expires,
        session,
        flow_id,
        key,
        bool(handoff),
        *user,
    )


def sealed_at(token: str) -> int:
    """Return when a token was sealed, in microseconds since the epoch; 0 for what is none.

    The time stands unencrypted in every Fernet token, in whole seconds by its
    specification. Ours is finer, because it tells which of a browser's flows is the
    oldest, and a page begins several at once; when a flow expires stands inside.
    """
    try:
        return _cipher().extract_timestamp(_padded(token))
    except (InvalidToken, UnicodeEncodeError):
        return 0


def _padded(token: str) -> bytes:
    return token.encode("ascii") + b"=" * (-len(token) % 4)


def _cipher() -> MultiFernet:
    # Read on each call: a project rotates its keys, and tests override them.
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([_fernet(force_bytes(key)) for key in keys])


@lru_cache(maxsize=16)
def _fernet(secret_key: bytes) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_KEY_PURPOSE)
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret_key)))
