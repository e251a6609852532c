"""A flow's content survives its compact form, whatever it is."""

from __future__ import annotations

import secrets
import string
from typing import Any

import pytest

from social_endpoints.internal.flows.packing import pack, unpack

ALNUM = string.ascii_letters + string.digits


def random_string(length: int) -> str:
    return "".join(secrets.choice(ALNUM) for _ in range(length))


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        None,
        5,
        "\x01\x00",
        "\x01\x01" * 50,
        ["0" * 16, "0" * 17, "z" * 255, "z" * 256, "A" * 1_000],
        {"ä" * 20: "\u2028", "\ud800": 1.5},
        [random_string(20) for _ in range(300)],
        {random_string(length): random_string(length) for length in range(1, 300)},
    ],
    ids=lambda content: repr(content)[:20],
)
def test_there_and_back(content: Any) -> None:
    assert unpack(pack(content)) == content


def test_a_random_string_takes_six_bits_a_character_and_is_there_once() -> None:
    strings = [random_string(64) for _ in range(20)]

    once, twice = len(pack(strings)), len(pack(strings + strings))

    assert once < 20 * 64 * 6.1 / 8 + 150
    assert twice < once + 150
