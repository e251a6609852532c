"""Encryption of the provider's tokens in ``extra_data``.

An encrypted token is a text with a prefix. So encrypted and plain tokens can be told apart, and
a row may contain both. The name of a value decides whether it is encrypted; every value with the
prefix is decrypted.

A token is not bound to its row. Someone who can write the table could move a token to another row,
but could also change the user or the uid of a row, and so sign in as anyone. A binding would not
stop that, and each legitimate change of a row, such as a migration of uids, would lose its tokens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any

from cryptography.fernet import InvalidToken

from social_endpoints.conf import settings
from social_endpoints.internal.ciphers import get_cipher, get_current_cipher

PREFIX = "encrypted:"
"""The first characters of an encrypted token. A provider's token that begins with them cannot be
decrypted, so it is treated as lost."""

STATE = "social_endpoints"
"""The name in ``extra_data`` of the state of the access token.

Its value contains no token. It is a dictionary with ``token`` (a digest), ``expires_at`` (seconds
since the epoch, or None), ``scopes`` (a list) and, after the provider has rejected the refresh
token, ``needs_reconnect``."""

_KEY_PURPOSE = b"social_endpoints.provider_token.v1"

# Besides access_token, refresh_token, id_token, oauth_token and oauth_token_secret, these names
# match apiToken (Sketchfab), session_key (Last.fm), session_secret_key (Odnoklassniki) and the
# names that projects and GET_ALL_EXTRA_DATA store, such as bot_access_token (Slack). They do not
# match token_type, refresh_token_expires_in or any name that social-core identifies users by.
_SECRET_NAME = re.compile(
    "(?:token|secret|password|jwt|assertion|(?:api|private|session)_?key)s?$|secret", re.IGNORECASE
)


class LostToken(Exception):
    """A token cannot be decrypted: its key was lost, or it was changed."""


def is_secret_name(name: object) -> bool:
    """Return whether a value with this name in ``extra_data`` is encrypted."""
    return _SECRET_NAME.search(str(name)) is not None


def is_encrypted(value: Any) -> bool:
    """Return whether a value is an encrypted token."""
    return isinstance(value, str) and value.startswith(PREFIX)


def is_readable(value: Any) -> bool:
    """Return whether a value is an encrypted token of this project."""
    if not is_encrypted(value):
        return False
    try:
        decrypt(value)
    except LostToken:
        return False
    return True


def encrypt(token: str) -> str:
    """Return an encrypted token; an encrypted one unchanged."""
    return token if is_encrypted(token) else _seal(token)


def _seal(text: str) -> str:
    # SQLite and MariaDB can contain half of a surrogate pair.
    content = text.encode(errors="surrogatepass")
    return PREFIX + get_cipher(_KEY_PURPOSE).encrypt(content).decode()


def decrypt(token: str) -> str:
    """Return a token in clear, whether it is encrypted or not.

    :raises LostToken: it cannot be decrypted.
    """
    if not is_encrypted(token):
        return token
    try:
        content = get_cipher(_KEY_PURPOSE).decrypt(token.removeprefix(PREFIX))
        return content.decode(errors="surrogatepass")
    except (InvalidToken, ValueError) as error:
        raise LostToken("A provider token cannot be decrypted.") from error


def renew(token: str) -> str:
    """Return a token encrypted under ``SECRET_KEY``; unchanged if it is that already.

    :raises LostToken: it cannot be decrypted.
    """
    if is_encrypted(token):
        try:
            get_current_cipher(_KEY_PURPOSE).decrypt(token.removeprefix(PREFIX))
        except (InvalidToken, ValueError):
            return encrypt(decrypt(token))
    return encrypt(token)


def to_stored(extra_data: Mapping[str, Any], aliases: Collection[str] = ()) -> dict[str, Any]:
    """Return a copy of ``extra_data`` to store: encrypted if ``ENCRYPT_PROVIDER_TOKENS`` is set.

    :param aliases: more names of tokens, for example those that the project has chosen.
    """
    if not settings.ENCRYPT_PROVIDER_TOKENS:
        return {**extra_data}
    return convert(extra_data, encrypt, aliases)


def to_paused(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of the data of a paused pipeline to store.

    The data is in clear. So a text that looks encrypted is not ours: a user or a provider may have
    copied it from a backup. It is encrypted again, and :func:`decrypt` returns the copied text.
    """

    def change(text: str) -> str:
        is_changed = settings.ENCRYPT_PROVIDER_TOKENS or is_encrypted(text)
        return _seal(text) if is_changed else text

    return convert(data, change)


def to_plain(extra_data: Any) -> dict[str, Any]:
    """Return a copy of ``extra_data`` with its tokens in clear, without entries that are lost.

    :param extra_data: the value of the column. Old rows of social_django can contain text.
    """
    plain = {}
    for name, value in as_dictionary(extra_data).items():
        with suppress(LostToken):
            plain[name] = reveal(value)
    return plain


def as_dictionary(extra_data: Any) -> dict[str, Any]:
    """Return the value of the column as a dictionary. Old rows can contain JSON as text."""
    if isinstance(extra_data, str):
        try:
            extra_data = json.loads(extra_data)
        except ValueError:
            return {}
    return {**extra_data} if isinstance(extra_data, Mapping) else {}


def find_tokens(extra_data: Any, aliases: Collection[str] = ()) -> list[str]:
    """Return the tokens in ``extra_data`` as stored and in clear. No log may contain them."""
    found: list[str] = []

    def add(token: str) -> str:
        found.append(token)
        with suppress(LostToken):
            found.append(decrypt(token))
        return token

    convert(as_dictionary(extra_data), add, aliases)
    return found


def contains_encrypted(value: Any) -> bool:
    """Return whether a value of ``extra_data`` is an encrypted token or contains one."""
    if isinstance(value, dict):
        return any(map(contains_encrypted, value.values()))
    if isinstance(value, list):
        return any(map(contains_encrypted, value))
    return is_encrypted(value)


def convert(
    extra_data: Mapping[str, Any], change: Callable[[str], str], aliases: Collection[str] = ()
) -> dict[str, Any]:
    """Return a copy of ``extra_data`` with each token changed, also in dictionaries and lists.

    :param change: is called with each text that has the name of a token, and each encrypted one.
        If it raises ``LostToken`` for a text with another name, the text is not changed.
    :param aliases: more names of tokens at the top level.
    """
    return {
        name: value
        if name == STATE
        else _convert(value, change, name in aliases or is_secret_name(name))
        for name, value in extra_data.items()
    }


def _convert(value: Any, change: Callable[[str], str], is_secret: bool) -> Any:
    if isinstance(value, Mapping):
        # Only its own names count. OAuth 1.0a stores a dictionary as access_token, and social-core
        # the claims of an ID token as _oidc_validated_id_token.
        items = value.items()
        return {name: _convert(each, change, is_secret_name(name)) for name, each in items}
    if isinstance(value, (list, tuple)):
        return [_convert(each, change, is_secret) for each in value]
    if is_secret and isinstance(value, str) and value:
        return change(value)
    if is_encrypted(value):
        with suppress(LostToken):  # The name of a person may begin with the prefix.
            return change(value)
    return value


def reveal(value: Any) -> Any:
    """Return a copy of a value of ``extra_data`` with its tokens in clear.

    :raises LostToken: a token cannot be decrypted.
    """
    if isinstance(value, Mapping):
        return {name: reveal(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [reveal(each) for each in value]
    return decrypt(value) if is_encrypted(value) else value
