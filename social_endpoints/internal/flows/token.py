"""Flows as tokens: JSON, compressed, then encrypted and authenticated under ``SECRET_KEY``."""

from __future__ import annotations

import json
import re
import time
import zlib
from dataclasses import fields
from typing import Any

from cryptography.fernet import InvalidToken

from social_endpoints.internal.ciphers import get_cipher
from social_endpoints.internal.flows.columns import LATEST_TIMESTAMP
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.flows.storage import has_session_form

MAX_LENGTH = 3_900
"""Characters of a token. Browsers drop a cookie whose name and value exceed 4,096 bytes."""

MAX_CONTENT = 65_536
"""Bytes of a flow before compression."""

VERSION = 4
"""Version of the format. Increment it when the fields, their meaning, the entries that this package
adds to the session, or the preset dictionary change: no version opens a flow of another one."""

# HKDF's "info": keys derived for another purpose are different. With the version in it, a flow of
# another version cannot be decrypted. With a changed dictionary, it could be decompressed into
# valid JSON with other values.
_KEY_PURPOSE = f"social_endpoints.flow.v{VERSION}".encode()

# Preset dictionary of zlib: the strings of most flows, the most common ones last.
_DICTIONARY = (
    b'"social_endpoints_scope":[false,"[true,"openid email profile https://www.googleapis.com/auth/'
    b'_request_id":"_unauthorized_token_name":["oauth_token=&oauth_token_secret=","connect",'
    b'"}]},"http://127.0.0.1:"https://api./auth/o//callback/",true,""]"oidc_association":["'
    b'","login","https://app./login/callback",17,{"_oauth2_state_":{"state":","timestamp":17'
    b',"code_verifier":"","oidc_nonce":""},"_oauth2_transaction_index":{"":17}},"",false,""]'
)

# The fields of a flow that a token contains, and their types.
_NOT_SEALED = {"is_claimed", "frontend_uri", "sent_state"}
_FIELDS = [field.name for field in fields(Flow) if field.name not in _NOT_SEALED]
_TYPES = [str, str, str, int, dict, str, str, bool, str]
_ID = re.compile(r"[A-Za-z0-9_-]{16}")
_SURROGATES = re.compile("[\ud800-\udfff]")  # They cannot be encoded.


def seal(flow: Flow) -> str:
    """Return the flow as a token of ASCII letters, digits, ``-`` and ``_``.

    :raises TypeError: the session contains a value that JSON does not support.
    :raises ValueError: the flow is too large, or the session contains a number such as NaN.
    """
    content = _compress([getattr(flow, name) for name in _FIELDS])
    token = get_cipher(_KEY_PURPOSE).encrypt_at_time(content, time.time_ns() // 1000).decode()
    # Without the padding: "=" would make the cookie's value a quoted string.
    token = token.rstrip("=")
    if len(token) > MAX_LENGTH:
        raise ValueError("The flow does not fit into a cookie.")
    return token


def open_flow(token: str, *, provider: str, purpose: str) -> Flow | None:
    """Return the flow in a token, or None if it is not a live flow of this provider and purpose.

    The reason is not reported, because it would only help an attacker. The exception is an expired
    flow: see :func:`has_expired`.
    """
    flow = _read(token)
    is_own = flow is not None and (flow.provider, flow.purpose) == (provider, purpose)
    return flow if flow is not None and is_own and flow.expires > time.time() else None


def has_expired(token: str) -> bool:
    """Return whether a token is a flow that has expired. The token contains its expiry."""
    flow = _read(token)
    return flow is not None and flow.expires <= time.time()


def _read(token: str) -> Flow | None:
    try:
        values = _decompress(get_cipher(_KEY_PURPOSE).decrypt(_padded(token)))
    except (InvalidToken, UnicodeEncodeError):
        return None
    if not isinstance(values, list) or [type(value) for value in values] != _TYPES:
        return None
    flow = Flow(*values)
    texts = (value for value in values if isinstance(value, str))
    is_well_formed = (
        _ID.fullmatch(flow.id)
        and 0 < flow.expires <= LATEST_TIMESTAMP
        and not any(map(_SURROGATES.search, texts))
        and has_session_form(flow.session)
    )
    return flow if is_well_formed else None


def sealed_at(token: str) -> int:
    """Return when a token was sealed, in microseconds since the epoch; 0 if it is not ours.

    Fernet tokens contain their time, in seconds by the specification. Ours contain microseconds,
    because a page may begin several logins within a second, and the oldest one must be found.
    """
    try:
        return get_cipher(_KEY_PURPOSE).extract_timestamp(_padded(token))
    except (InvalidToken, UnicodeEncodeError):
        return 0


def _compress(values: Any) -> bytes:
    content = json.dumps(values, separators=(",", ":"), allow_nan=False).encode()
    if len(content) > MAX_CONTENT:
        raise ValueError("The flow is too large.")
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=_DICTIONARY)
    return compressor.compress(content) + compressor.flush()


def _decompress(compressed: bytes) -> Any:
    """Return the values, or None if the bytes are not valid."""
    decompressor = zlib.decompressobj(-15, zdict=_DICTIONARY)
    try:
        content = decompressor.decompress(compressed, MAX_CONTENT)
        return json.loads(content, parse_constant=_refuse) if decompressor.eof else None
    except (zlib.error, ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON value.")


def _padded(token: str) -> bytes:
    return token.encode("ascii") + b"=" * (-len(token) % 4)
