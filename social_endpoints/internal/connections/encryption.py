"""Encryption of the provider's tokens in ``extra_data``.

An encrypted token is a text with a prefix. So encrypted and plain tokens can be told apart, and
a row may contain both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.fernet import InvalidToken

from social_endpoints.conf import settings
from social_endpoints.internal.ciphers import get_cipher

PREFIX = "encrypted:"
"""The first characters of an encrypted token. No token begins with them (RFC 6749 appendix A)."""

_KEY_PURPOSE = b"social_endpoints.provider_token.v1"

SECRET_NAMES = frozenset(
    {"access_token", "id_token", "oauth_token", "oauth_token_secret", "refresh_token"}
)
"""The names in ``extra_data`` whose values are encrypted, also in dictionaries and lists."""


class LostToken(Exception):
    """A token cannot be decrypted: its key was lost, or it was changed."""


def is_encrypted(value: Any) -> bool:
    """Return whether a value is an encrypted token."""
    return isinstance(value, str) and value.startswith(PREFIX)


def encrypt(token: str) -> str:
    """Return an encrypted token; an encrypted one unchanged."""
    if is_encrypted(token):
        return token
    return PREFIX + get_cipher(_KEY_PURPOSE).encrypt(token.encode()).decode()


def decrypt(token: str) -> str:
    """Return a token in clear, whether it is encrypted or not.

    :raises LostToken: it cannot be decrypted.
    """
    if not is_encrypted(token):
        return token
    try:
        return get_cipher(_KEY_PURPOSE).decrypt(token.removeprefix(PREFIX)).decode()
    except (InvalidToken, UnicodeError) as error:
        raise LostToken("A provider token cannot be decrypted.") from error


def to_stored(extra_data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of ``extra_data`` to store: encrypted if ``ENCRYPT_PROVIDER_TOKENS`` is set."""
    return _convert(extra_data, encrypt) if settings.ENCRYPT_PROVIDER_TOKENS else {**extra_data}


def to_plain(extra_data: Any) -> dict[str, Any]:
    """Return a copy of ``extra_data`` with its tokens in clear, without those that are lost.

    :param extra_data: the value of the column. Old rows of social_django can contain text.
    """
    return _convert(extra_data, _decrypt_or_none) if isinstance(extra_data, Mapping) else {}


def _decrypt_or_none(token: str) -> str | None:
    try:
        return decrypt(token)
    except LostToken:
        return None


def _convert(values: Mapping[str, Any], convert: Any) -> dict[str, Any]:
    converted: dict[str, Any] = {}
    for name, value in values.items():
        new = _convert_value(name, value, convert)
        if new is not None or value is None:
            converted[name] = new
    return converted


def _convert_value(name: str, value: Any, convert: Any) -> Any:
    if isinstance(value, Mapping):
        return _convert(value, convert)
    if isinstance(value, list):
        return [_convert_value(name, each, convert) for each in value]
    if name in SECRET_NAMES and isinstance(value, str) and value:
        return convert(value)
    return value
