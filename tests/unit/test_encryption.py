"""Encryption of provider tokens: which values, under which keys."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest
import social_core.backends
from social_core.backends.base import BaseAuth

from social_endpoints.internal.ciphers import get_cipher
from social_endpoints.internal.connections.encryption import (
    PREFIX,
    STATE,
    LostToken,
    contains_encrypted,
    convert,
    decrypt,
    encrypt,
    find_tokens,
    is_encrypted,
    is_secret_name,
    renew,
    reveal,
    to_plain,
    to_stored,
)
from tests.support.configuration import Configure

SECRETS = {
    "access_token": "a",
    "refresh_token": "r",
    "id_token": "i",
    # Slack, Facebook's pages, Globus and OAuth 1.0a
    "authed_user": {"id": "U1", "access_token": "xoxp"},
    "accounts": {"data": [{"name": "Page", "access_token": "p"}]},
    "other_tokens": [{"access_token": "o", "scope": "x"}],
    "refresh_tokens": ["r1", "r2"],
    "twitter": {"oauth_token": "t", "oauth_token_secret": "s", "user_id": "7"},
    "rt": "an alias",
}
READABLE = {
    "id": "1",
    "token_type": "Bearer",
    "expires_in": 3600,
    "refresh_token_expires_in": 7200,
    "scope": "openid",
    "auth_time": 1_700_000_000,
    "empty": None,
    "_oidc_id_token_context": {"sub": "1", "iss": "https://id.example.com"},
    "_oidc_validated_id_token": {"sub": "1", "iss": "https://id.example.com"},
    STATE: {"token": "digest", "expires_at": 5, "scopes": ["openid"]},
}


@pytest.fixture(autouse=True)
def _on(configure: Configure) -> None:
    configure(ENCRYPT_PROVIDER_TOKENS=True)


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    return [value] if isinstance(value, str) else []


def test_tokens_are_encrypted_wherever_they_are_and_nothing_else() -> None:
    stored = to_stored({**SECRETS, **READABLE}, {"rt"})

    encrypted = [text for text in texts(stored) if is_encrypted(text)]
    assert len(encrypted) == 11
    assert {name: stored[name] for name in READABLE} == READABLE
    assert stored["authed_user"]["id"] == "U1"
    assert stored["accounts"]["data"][0]["name"] == "Page"
    assert stored["twitter"]["user_id"] == "7"
    assert to_plain(stored) == {**SECRETS, **READABLE}
    assert to_stored(stored, {"rt"}) == stored


def test_setting_that_is_off_stores_plain_text(configure: Configure) -> None:
    configure(ENCRYPT_PROVIDER_TOKENS=False)

    assert to_stored(SECRETS) == SECRETS
    assert to_plain({"access_token": encrypt("a")}) == {"access_token": "a"}


def test_names_that_social_core_stores_or_identifies_users_by() -> None:
    names: set[str] = set()
    identifiers: set[str] = set()
    for module in iter_modules(social_core.backends.__path__):
        try:
            classes = vars(import_module(f"social_core.backends.{module.name}")).values()
        except ImportError:  # An optional dependency of one backend.
            continue
        for each in classes:
            if isinstance(each, type) and issubclass(each, BaseAuth):
                pairs = [(e, e) if isinstance(e, str) else e for e in each.EXTRA_DATA or ()]
                names |= {name for pair in pairs for name in pair[:2]}
                identifiers |= {each.ID_KEY, *each.LEGACY_ID_KEYS}

    assert {name for name in names if is_secret_name(name)} == {
        "access_token",
        "apiToken",
        "id_token",
        "oauth_token",
        "other_tokens",
        "refresh_token",
        "session_key",
    }
    assert not any(map(is_secret_name, identifiers))


@pytest.mark.parametrize("text", ["{", "[]", "null", "a text", ""])
def test_row_with_other_text_has_no_tokens(text: str) -> None:
    assert to_plain(text) == {}


def test_old_row_with_json_as_text_is_read() -> None:
    assert to_plain('{"access_token": "a"}') == {"access_token": "a"}
    assert find_tokens('{"access_token": "abc"}') == ["abc", "abc"]


def test_token_of_a_fallback_key_is_readable_and_renewed(settings: Any) -> None:
    old = encrypt("a")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, which is long enough for every algorithm"

    new = renew(old)

    assert decrypt(old) == decrypt(new) == "a"
    assert old != new == renew(new)
    settings.SECRET_KEY_FALLBACKS = []
    assert decrypt(new) == "a"
    with pytest.raises(LostToken):
        decrypt(old)


def other_purpose() -> str:
    return PREFIX + get_cipher(b"social_endpoints.flow.v1").encrypt(b"a").decode()


@pytest.mark.parametrize(
    "lost",
    [
        PREFIX,
        f"{PREFIX}\u00e4",
        f"{PREFIX}gAAAA",
        encrypt("abcdefgh")[:-4] + "AAA=",
        other_purpose(),
        PREFIX + get_cipher(b"").encrypt(b"a").decode(),
    ],
)
def test_changed_ciphertext_or_key_of_another_purpose_is_lost(lost: str) -> None:
    for read in (decrypt, renew, reveal):
        with pytest.raises(LostToken):
            read(lost)
    with pytest.raises(LostToken):
        reveal({"oauth_token": encrypt("a"), "oauth_token_secret": lost})
    assert to_plain({"access_token": {"oauth_token": lost, "user_id": 1}, "id": 1}) == {"id": 1}
    assert to_stored({"refresh_token": lost}) == {"refresh_token": lost}
    assert find_tokens({"refresh_token": lost}) == [lost]


@pytest.mark.parametrize("token", ["a", "\u00e4", "\ud800", "x" * 4_000, "gAAAAA"])
def test_encryption_is_randomized_and_reversible(token: str) -> None:
    first, second = encrypt(token), encrypt(token)

    assert first != second
    assert token not in (first, second)
    assert decrypt(first) == decrypt(second) == decrypt(token) == token
    assert convert({"access_token": first}, decrypt) == {"access_token": token}
    assert contains_encrypted({"a": [{"b": first}]})
    assert not contains_encrypted({"a": [{"b": token}]})
