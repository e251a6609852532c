"""A provider's answer about a token, read without trust in its shape."""

from __future__ import annotations

import re
from typing import Any

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthResponseError

_TOO_LARGE = 10**12  # Of seconds; a timedelta holds 86 times as many.
_TOO_MANY_DIGITS = 10**64  # More are nobody's number, and Python turns 4,300 into no text.


class Answer:
    """A JSON object of a provider's, whose values are what their readers say or an error.

    ``content`` is the dictionary itself, for what the readers are not for.

    :raises AuthResponseError: it is no object.
    """

    def __init__(self, backend: BaseAuth[Any], content: Any) -> None:
        self._backend = backend
        if not isinstance(content, dict):
            raise self._error("malformed_response")
        self.content: dict[str, Any] = content

    def part(self, name: str) -> Answer:
        """Return the object under a name.

        :raises AuthResponseError: there is none.
        """
        return Answer(self._backend, self._required(name))

    def identifier(self, name: str) -> str:
        """Return a text that is not empty, or a whole number as text.

        :raises AuthResponseError: it is missing, or something else.
        """
        value = as_identifier(self._required(name))
        if value is None:
            raise self._error("malformed_response", name)
        return value

    def number(self, name: str) -> float:
        """Return a number; some providers write theirs as text.

        :raises AuthResponseError: it is missing, or something else: also ``true``, and a
            time in more seconds than there are.
        """
        value = self._required(name)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value):
            return int(value)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not abs(value) < _TOO_LARGE:  # Nothing compares with NaN.
            raise self._error("malformed_response", name)
        return float(value)

    def has(self, name: str) -> bool:
        """Say whether there is a value, and not null."""
        return self.content.get(name) is not None

    def _required(self, name: str) -> Any:
        if not self.has(name):
            raise self._error("missing_claim", name)
        return self.content[name]

    def _error(self, code: str, claim: str | None = None) -> AuthResponseError:
        return AuthResponseError(self._backend, code=code, claim=claim, stage="token_validation")


def as_identifier(value: Any) -> str | None:
    """Return what can name a user or a client, as text; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < _TOO_MANY_DIGITS else None
    return value if isinstance(value, str) and value else None
