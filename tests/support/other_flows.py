"""Flows that other versions of this package have sealed, and some that no version seals."""

from __future__ import annotations

import base64
import json
import secrets
import time
import zlib
from typing import Any

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.flows.token import _DICTIONARY, VERSION, seal

# The preset dictionary of version 0.1.
_FIRST_DICTIONARY = (
    b'","oidc_association":["_oauth2_transaction_index":{"'
    b'_oauth2_state_":{"state":"","timestamp":,"code_verifier":"","oidc_nonce":""'
    b'"}}],"login","https://","http://127.0.0.1:","/login/callback/"'
)


def other_flows(flow: Flow) -> dict[str, str]:
    """Return this flow as other versions would have sealed it, by name."""
    expires = flow.expires or int(time.time()) + 600
    flow_id = secrets.token_urlsafe(12)
    head = [flow.provider, flow.purpose, flow.redirect_uri, expires, flow.session]
    content = [*head, flow_id, flow.correlation_id, flow.handoff, flow.user_id]
    first = [flow_id, flow.provider, flow.purpose, expires, flow.session, flow.redirect_uri]
    flow.expires = expires
    return {
        "0.1": _sealed(1, first, _FIRST_DICTIONARY),
        "0.1, current dictionary": _sealed(1, first),
        "before the version": _sealed(2, content),
        "before the version, other dictionary": _sealed(2, content, _FIRST_DICTIONARY),
        "next version": _sealed(VERSION + 1, content),
        "next version, same key": _sealed(VERSION, [VERSION + 1, *content]),
        "next version, additional field": _sealed(VERSION, [*content, "new"]),
        "next version, other types": _sealed(VERSION, [*head, 7, *content[6:]]),
        "first fields, same key": _sealed(VERSION, first),
        "other dictionary": _sealed(VERSION, content, _FIRST_DICTIONARY),
        **{f"JSON {value!r}": _sealed(VERSION, value) for value in (None, 7, "", [], {}, [[]])},
        "NaN": _sealed(VERSION, [*head[:3], float("nan"), *content[4:]]),
        "huge number": _sealed(VERSION, [*head[:3], 10**400, *content[4:]]),
        "nested": _fernet(VERSION).encrypt(_compress(b"[" * 60_000)).decode().rstrip("="),
        "truncated": _fernet(VERSION).encrypt(_compress(b'["oidc", "log')[:-2]).decode(),
        "empty": _fernet(VERSION).encrypt(b"").decode(),
        "not compressed": _fernet(VERSION).encrypt(json.dumps(content).encode()).decode(),
        "edited": seal(flow)[:-1],
    }


def _sealed(version: int, content: Any, dictionary: bytes = _DICTIONARY) -> str:
    compressed = _compress(json.dumps(content, separators=(",", ":")).encode(), dictionary)
    return _fernet(version).encrypt(compressed).decode().rstrip("=")


def _compress(content: bytes, dictionary: bytes = _DICTIONARY) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=dictionary)
    return compressor.compress(content) + compressor.flush()


def _fernet(version: int) -> Fernet:
    info = f"social_endpoints.flow.v{version}".encode()
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=info)
    key = derived.derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(key))
