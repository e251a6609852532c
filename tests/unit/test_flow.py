"""Flows as tokens: who can open one, for how long, and what is inside."""

from __future__ import annotations

import json
import secrets
import time
import zlib
from string import ascii_letters, digits
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core import signing

from social_endpoints.internal.flows import token as tokens
from social_endpoints.internal.flows.flow import LOGIN, Flow
from social_endpoints.internal.flows.token import MAX_CONTENT, open_flow, seal, sealed_at

URI = "https://app.example.com/login/callback"
CONTENT = ["oidc", LOGIN, URI, 2**40, {}, "id", "", False, ""]


def live_flow(**fields: Any) -> Flow:
    return Flow("oidc", LOGIN, URI, **{"expires": int(time.time()) + 60, **fields})


def opened(token: str) -> Flow | None:
    return open_flow(token, provider="oidc", purpose=LOGIN)


def sealed(content: bytes) -> str:
    return tokens._cipher().encrypt(content).decode()


@pytest.mark.parametrize(
    "session",
    [
        {},
        {"a": None, "b": 1.5, "c": [True, {"d": "e"}]},
        {"ä\u2028": "\ud800\0"},
        {"nonce": secrets.token_urlsafe(500)},
    ],
)
def test_open_flow_returns_what_was_sealed(session: dict[str, Any]) -> None:
    flow = live_flow(session=session, correlation_id="state", handoff=True, user_id="7")

    token = seal(flow)

    assert opened(token) == flow
    # It needs no quoting in a cookie.
    assert set(token) <= {*ascii_letters, *digits, "-", "_"}


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1],
        lambda token: token[: len(token) // 2],
        lambda token: token[:40] + ("A" if token[40] != "A" else "B") + token[41:],
        lambda token: "A" + token,
        lambda token: "ä" + token,
        lambda token: "",
        lambda token: Fernet(Fernet.generate_key()).encrypt(b"{}").decode(),
        lambda token: signing.dumps({"a": 1}),
    ],
)
def test_open_flow_with_changed_token_returns_none(change: Any) -> None:
    token = change(seal(live_flow()))

    assert opened(token) is None
    assert sealed_at(token) == 0


def compressed(values: Any) -> bytes:
    return tokens._compress(values)


def test_open_flow_with_the_expected_content_returns_a_flow() -> None:
    assert opened(sealed(compressed(CONTENT))) is not None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xff",
        b"[]",
        zlib.compress(b"[]"),
        compressed([]),
        compressed({}),
        compressed("text"),
        compressed(["oidc", LOGIN, URI, "soon", {}, "id", "", False, ""]),
        compressed(["oidc", LOGIN, URI, 2**40, {}, "id", "", 0, ""]),
        compressed([2, "oidc", LOGIN, URI, 2**40, {}, "id", "", False, ""]),
        compressed(CONTENT)[:-3],
    ],
)
def test_open_flow_with_other_content_returns_none(content: bytes) -> None:
    assert opened(sealed(content)) is None


def test_open_flow_decompresses_a_bounded_number_of_bytes() -> None:
    values = [{"a": "a" * MAX_CONTENT} if value == {} else value for value in CONTENT]
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=tokens._DICTIONARY)
    content = compressor.compress(json.dumps(values).encode()) + compressor.flush()

    assert opened(sealed(content)) is None


@pytest.mark.parametrize(("seconds", "is_live"), [(-1, False), (0, False), (2, True)])
def test_open_flow_returns_only_live_flows(seconds: int, is_live: bool) -> None:
    token = seal(live_flow(expires=int(time.time()) + seconds))

    assert (opened(token) is not None) is is_live
