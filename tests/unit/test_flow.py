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

from social_endpoints.internal.ciphers import get_cipher
from social_endpoints.internal.flows import token as tokens
from social_endpoints.internal.flows.flow import LOGIN, Flow
from social_endpoints.internal.flows.token import (
    MAX_CONTENT,
    has_expired,
    open_flow,
    seal,
    sealed_at,
)

URI = "https://app.example.com/login/callback"
CONTENT = ["oidc", LOGIN, URI, 2**31 - 1, {}, "0123456789abcdef", "", False, ""]


def live_flow(**fields: Any) -> Flow:
    return Flow("oidc", LOGIN, URI, **{"expires": int(time.time()) + 60, **fields})


def opened(token: str) -> Flow | None:
    return open_flow(token, provider="oidc", purpose=LOGIN)


def sealed(content: bytes) -> str:
    return get_cipher(tokens._KEY_PURPOSE).encrypt(content).decode()


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


def changed(position: int, value: Any) -> bytes:
    return compressed([*CONTENT[:position], value, *CONTENT[position + 1 :]])


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
        compressed(None),
        compressed([CONTENT]),
        compressed([*CONTENT, ""]),
        compressed(CONTENT[:-1]),
        compressed([tokens.VERSION, *CONTENT]),
        *(compressed(CONTENT)[:-count] for count in range(1, 10)),
        *(changed(position, None) for position in range(len(CONTENT))),
        *(changed(3, value) for value in ("soon", 0, -1, 2**31, 2**70, 1.5, True)),
        *(changed(4, [value]) for value in ("", 1, {})),
        *(changed(5, value) for value in ("", "id", "\0" * 16, "ä" * 16, "a" * 17)),
        *(changed(position, "\ud800") for position in (0, 1, 2, 6, 8)),
        changed(7, 0),
        *(
            changed(4, {name: value})
            for name in (
                *(
                    "oidc_association",
                    "social_endpoints_paused",
                    "social_endpoints_scope",
                    "nonces",
                ),
            )
            for value in (None, 7, "text", {}, [7], [[]], ["a", 1], [["a", 1]], ["a", "b", "c", 1])
        ),
        changed(4, {"partial_pipeline_token": 7}),
        changed(4, {"social_endpoints_paused": ["a", 2**31, 1]}),
        *(
            changed(4, {"twitterunauthorized_token_name": value})
            for value in (None, 7, "text", {"a": "b"}, [7], [None], [["a", "b"]], ["a=b", {}])
        ),
    ],
)
def test_open_flow_with_other_content_returns_none(content: bytes) -> None:
    assert opened(sealed(content)) is None
    assert not has_expired(sealed(content))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_flow_contains_only_numbers_of_json(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        seal(live_flow(session={"a": number}))
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=tokens._DICTIONARY)
    text = json.dumps([{"a": number} if value == {} else value for value in CONTENT])
    content = compressor.compress(text.encode()) + compressor.flush()

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
