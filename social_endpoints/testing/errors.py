"""The exceptions with which a helper for tests reports a login that does not succeed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from social_endpoints.testing.credentials import TOKEN_FIELDS

_SECRETS = frozenset({*TOKEN_FIELDS, "authorization_url", "flow", "partial_token", "refresh"})
"""Fields that are not shown, because the log of a test run may be public."""

_MAX_LENGTH = 2_000


class SocialLoginError(AssertionError):
    """A response of the endpoints is not the one of a successful login.

    :param response: the response.
    :param advice: what to do.
    """

    def __init__(self, response: Any, advice: str = "") -> None:
        self.response = response
        self.advice = advice
        method, path = _request_line(response)
        text = f"{method} {path} returned {response.status_code}: {describe(response)}"
        super().__init__(f"{text}\n{advice}" if advice else text)

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep only the message for another process, as the parallel runner of Django needs it."""
        return _restore_error, (type(self), str(self))


class LoginPaused(SocialLoginError):
    """A pipeline step has paused the login to ask the user for something.

    ``response.data`` contains ``partial_token``, ``fields`` and ``redirect_to``.
    """


def _restore_error(error_class: type[SocialLoginError], message: str) -> SocialLoginError:
    error = error_class.__new__(error_class, message)
    error.response, error.advice = None, ""
    return error


def response_data(response: Any) -> dict[str, Any]:
    """Return the content of a response before the project's renderer has changed its names."""
    data = getattr(response, "data", None)
    return dict(data) if isinstance(data, Mapping) else {}


def describe(response: Any) -> str:
    """Return the body of a response for a message, without secrets."""
    data = response_data(response)
    if not data:
        location = response.headers.get("Location")
        if location:
            return f"a redirect to {location.partition('?')[0]}"
        return f"a body of the type {response.headers.get('Content-Type')!r}"
    shown = {name: "…" if name in _SECRETS else each for name, each in data.items()}
    return json.dumps(shown, default=str, ensure_ascii=False)[:_MAX_LENGTH]


def _request_line(response: Any) -> tuple[str, str]:
    request = getattr(response, "request", None)
    if not isinstance(request, Mapping):
        return "The request", ""
    method = str(request.get("REQUEST_METHOD") or request.get("method", ""))
    return method, urlsplit(str(request.get("PATH_INFO") or request.get("path", ""))).path
