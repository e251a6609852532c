"""Session engines and middleware of a project."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, ClassVar

from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError

ENGINES = ["db", "cached_db", "cache", "file", "signed_cookies", "own"]


class ServiceError(Exception):
    """The exception of a client library."""


def engine(name: str) -> str:
    """Return the module of one of the engines."""
    return __name__ if name == "own" else f"django.contrib.sessions.backends.{name}"


class SessionStore(SessionBase):
    """Sessions in a service. Django looks for this name."""

    rows: ClassVar[dict[str | None, dict[str, Any]]] = {}
    is_down: ClassVar[bool] = False

    def load(self) -> dict[str, Any]:
        if self.session_key not in self.rows:
            self._session_key = None
            return {}
        return deepcopy(self.rows[self.session_key])

    def exists(self, session_key: str | None) -> bool:
        return session_key in self.rows

    def create(self) -> None:
        self._session_key = self._get_new_session_key()
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            self.create()
            return
        if self.is_down:
            raise ServiceError
        if must_create is self.exists(self.session_key):
            raise CreateError if must_create else UpdateError
        self.rows[self.session_key] = deepcopy(self._get_session(no_load=must_create))

    def delete(self, session_key: str | None = None) -> None:
        self.rows.pop(session_key or self.session_key, None)


class ChangesSession:
    """Middleware that changes the session before and after each view."""

    before_change: ClassVar[Callable[[], object]] = staticmethod(lambda: None)

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        request.session["path"] = request.path
        response = self.get_response(request)
        self.before_change()
        request.session["status"] = response.status_code
        return response
