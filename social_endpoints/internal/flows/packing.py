"""How JSON with random strings in it becomes a few bytes, and JSON again.

Most of a flow is state, verifier and nonce: letters and digits by chance, which deflate
cannot make shorter than it found them. Each of them is written once, as a number.
"""

from __future__ import annotations

import json
import re
import string
import zlib
from typing import Any

_DIGITS = string.digits + string.ascii_letters
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}

_RANDOM = re.compile("[0-9A-Za-z]{16,255}")
_MARK = "\x01"  # Stands before the place of a random string; JSON escapes its own.
_PLACE = re.compile(f"{_MARK}(.)", re.DOTALL)

# The strings that most flows share: deflate refers to them instead of repeating them.
# To change them, or anything here, makes the flows unreadable that are open.
_COMMON = (
    b'","oidc_association":["_oauth2_transaction_index":{"'
    b'_oauth2_state_":{"state":"","timestamp":,"code_verifier":"","oidc_nonce":""'
    b'"}}],"login","https://","http://127.0.0.1:","/login/callback/"'
)


def pack(content: Any) -> bytes:
    """Return JSON-compatible content as bytes.

    :raises TypeError: JSON cannot carry it.
    """
    found: dict[str, str] = {}
    text = _RANDOM.sub(lambda match: _placed(match[0], found), _json(content))
    numbers = b"".join(_number(each) for each in found)
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=_COMMON)
    return bytes([len(found)]) + numbers + compressor.compress(text.encode()) + compressor.flush()


def unpack(packed: bytes) -> Any:
    """Return the content of bytes that :func:`pack` has made."""
    position, found = 1, []
    for _ in range(packed[0]):
        length = packed[position]
        end = position + 1 + _size(length)
        found.append(_digits(int.from_bytes(packed[position + 1 : end]), length))
        position = end
    text = zlib.decompressobj(-15, zdict=_COMMON).decompress(packed[position:]).decode()
    return json.loads(_PLACE.sub(lambda match: found[ord(match[1])], text))


def _json(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"))


def _placed(random: str, found: dict[str, str]) -> str:
    if random not in found and len(found) == 255:
        return random
    return found.setdefault(random, _MARK + chr(len(found)))


def _number(random: str) -> bytes:
    value = 0
    for digit in random:
        value = value * len(_DIGITS) + _VALUES[digit]
    return bytes([len(random)]) + value.to_bytes(_size(len(random)))


def _digits(value: int, length: int) -> str:
    digits = []
    for _ in range(length):
        value, digit = divmod(value, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def _size(length: int) -> int:
    """Return how many bytes hold any number of so many digits."""
    most: int = len(_DIGITS) ** length - 1
    return (most.bit_length() + 7) // 8
