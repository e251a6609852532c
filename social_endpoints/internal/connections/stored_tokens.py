"""The connections of a user, and the tokens in their ``extra_data``."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError

from social_endpoints.internal.connections.encryption import to_plain
from social_endpoints.internal.connections.token_state import (
    TokenState,
    digest,
    read_auth_time,
    read_state,
)
from social_endpoints.internal.retries import retry_query
from social_endpoints.types import AccessToken

OAUTH1 = "OAuth"
"""``token_type`` of OAuth 1.0a: the scheme of its ``Authorization`` header (RFC 5849)."""

_TOKEN = re.compile(r"[\x20-\x7e]+")  # RFC 6749 appendix A.12


def read_connections(users: Any, user: Any, provider: str) -> list[Any]:
    """Return the connections of a user at a provider, in the order of their creation.

    :param users: the project's user storage.
    :param user: the user. An authentication class may have read the primary key from a token.
    """
    try:
        rows = users.get_social_auth_for_user(user, provider).order_by("pk")
        connections: list[Any] = retry_query(rows.db, lambda: [*rows])
    except (TypeError, ValueError, OverflowError, ValidationError):  # It has another type.
        return []
    # Some databases ignore case.
    return [social for social in connections if social.provider == provider]


def find_last_used(connections: Iterable[Any]) -> Any:
    """Return the connection with which its user has signed in last, or None if there is none."""
    return max(connections, key=_last_use, default=None)


def _last_use(social: Any) -> tuple[float, float, Any]:
    modified = social.modified.timestamp()  # Decides between logins in the same second.
    return read_auth_time(social.extra_data) or modified, modified, social.pk


def is_token(value: Any) -> bool:
    """Return whether a value is a token that can be sent in a header."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """The tokens of a connection in clear.

    :param extra_data: without the tokens that cannot be decrypted.
    :param is_lost: whether the access token cannot be decrypted.
    """

    extra_data: dict[str, Any] = field(repr=False)
    state: TokenState
    is_lost: bool

    @classmethod
    def read(cls, extra_data: Any) -> StoredTokens:
        """Return the tokens in the value of the column. Old rows can contain text there."""
        plain = to_plain(extra_data)
        is_stored = isinstance(extra_data, Mapping) and bool(extra_data.get("access_token"))
        return cls(plain, read_state(extra_data), is_stored and not plain.get("access_token"))

    @property
    def token(self) -> str | None:
        """The access token or, for OAuth 1.0a, the ``oauth_token``.

        None if there is none, or if other code has stored one that cannot be sent.
        """
        token: Any = self.extra_data.get("access_token")
        if isinstance(token, Mapping):  # Yammer describes the token in an object.
            token = token.get("oauth_token" if self.is_oauth1 else "token")
        return token if is_token(token) else None

    @property
    def is_oauth1(self) -> bool:
        """Whether the access token is one of OAuth 1.0a."""
        token = self.extra_data.get("access_token")
        return isinstance(token, Mapping) and "oauth_token" in token

    @property
    def oauth1_secret(self) -> str | None:
        """The ``oauth_token_secret`` of OAuth 1.0a. Evernote's is empty and not stored."""
        token: Any = self.extra_data.get("access_token")
        secret = token.get("oauth_token_secret", "") if self.is_oauth1 else None
        return secret if isinstance(secret, str) else None

    @property
    def identity(self) -> str:
        """A digest that differs if the access token has been replaced."""
        return digest(self.extra_data.get("access_token"))

    @property
    def version(self) -> str:
        """A digest that also differs if the access token was extended, or can be refreshed anew."""
        values = (self.extra_data.get(name) for name in ("access_token", "refresh_token"))
        return digest([*values, self.state.expires_at])

    def lives(self, seconds: float = 0) -> bool:
        """Return whether there is an access token that does not expire in this time.

        A token with an unknown expiry counts as one that does not expire.
        """
        expires_at = self.state.expires_at
        return self.token is not None and (
            expires_at is None or expires_at - time.time() > max(seconds, 0)
        )

    def to_access_token(self) -> AccessToken:
        """Return the value for the project."""
        expires_at = self.state.expires_at
        token_type = OAUTH1 if self.is_oauth1 else self.extra_data.get("token_type")
        if not isinstance(token_type, str) or not token_type:
            token_type = "Bearer"
        return AccessToken(
            token=self.token or "",
            expires_at=None if expires_at is None else datetime.fromtimestamp(expires_at, UTC),
            scopes=self.state.scopes,
            token_type=token_type,
        )


class NotRefreshable(Exception):
    """A rejected access token cannot be refreshed."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials for requests to the API of a provider.

    :param identity: identifies the access token.
    :param uid: the uid of the connection.
    :param oauth1: client key, client secret and token secret of OAuth 1.0a, or None.
    """

    access_token: AccessToken
    identity: str
    uid: str
    oauth1: tuple[str, str, str] | None = field(default=None, repr=False)
