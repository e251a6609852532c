"""The codes and tokens that a fake provider has issued."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from threading import RLock

from social_endpoints.testing.claims import Claims

CODE_LIFETIME = 600
"""Seconds for which a code can be redeemed (RFC 6749 section 4.1.2: at most ten minutes)."""


@dataclass
class Grant:
    """The access that a person has granted to a client.

    :param params: the parameters of the authorization request.
    :param lifetime: seconds for which an access token is valid.
    """

    client_id: str
    params: dict[str, str]
    claims: Claims
    scope: str = ""
    lifetime: int = 3_600
    auth_time: int = field(default_factory=lambda: int(time.time()))
    expires: float = 0
    is_redeemed: bool = False


class Grants:
    """Codes, access tokens and refresh tokens in memory, for any number of threads."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._codes: dict[str, Grant] = {}
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}

    def issue_code(self, grant: Grant) -> str:
        """Return a new code."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._codes[code] = grant
        return code

    def is_code(self, value: str) -> bool:
        """Return whether a value is a code that was issued, even if it is used up."""
        return value in self._codes

    def redeem(self, code: str) -> Grant | None:
        """Return the grant of a code, once.

        A second use revokes the tokens of the first one (RFC 6749 section 4.1.2).
        """
        with self._lock:
            grant = self._codes.get(code)
            if grant is None or time.time() > grant.auth_time + CODE_LIFETIME:
                return None
            if grant.is_redeemed:
                self._revoke(grant)
                return None
            grant.is_redeemed = True
            return grant

    def issue_access_token(self, grant: Grant, token: str = "") -> str:
        """Return a new access token, or register a given one."""
        token = token or secrets.token_urlsafe(24)
        with self._lock:
            grant.expires = time.time() + grant.lifetime
            self._access[token] = grant
        return token

    def issue_refresh_token(self, grant: Grant) -> str:
        """Return a new refresh token."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._refresh[token] = grant
        return token

    def rotate(self, refresh_token: str, accepts: Callable[[Grant], bool]) -> Grant | None:
        """Return the grant of a refresh token, which is no longer valid.

        :param accepts: whether a grant belongs to the client. If not, the token stays valid.
        """
        with self._lock:
            grant = self._refresh.get(refresh_token)
            if grant is None or not accepts(grant):
                return None
            return self._refresh.pop(refresh_token)

    def find(self, token: str) -> Grant | None:
        """Return the grant of a valid access token."""
        grant = self._access.get(token)
        return grant if grant is not None and time.time() < grant.expires else None

    def find_any(self, values: Iterable[str]) -> tuple[str, Grant] | None:
        """Return the first value that is a valid access token, and its grant."""
        found: Iterator[tuple[str, Grant | None]] = ((value, self.find(value)) for value in values)
        return next(((value, grant) for value, grant in found if grant is not None), None)

    def revoke(self, token: str) -> None:
        """Revoke the grant of a token, with all its tokens (RFC 7009 section 2.1)."""
        with self._lock:
            grant = self._access.get(token) or self._refresh.get(token)
            if grant is not None:
                self._revoke(grant)

    def _revoke(self, grant: Grant) -> None:
        for tokens in (self._access, self._refresh):
            for token in [token for token, each in tokens.items() if each is grant]:
                del tokens[token]
