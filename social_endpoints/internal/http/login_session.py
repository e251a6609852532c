"""Django's session in a login: stored inside the transaction, and restored after a rollback.

``SessionMiddleware`` saves a session after the view. If only that save failed, the login would be
committed, but the response would be an HTML page without a cookie.
"""

from __future__ import annotations

from copy import copy, deepcopy
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSession
from django.core.cache import caches
from django.db import router
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from social_endpoints.internal.backends.loading import storage
from social_endpoints.internal.errors.failures import is_database_failure
from social_endpoints.internal.translation import log_failure


class LoginSession:
    """The session of one request, with its state before the login.

    :param request: Django's request, before the view handles it.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request: Any = request
        self._user = getattr(request, "user", None)
        session = self._get()
        self._initial = None if session is None else _copy(session)
        if session is not None:
            _track(session)

    def load(self) -> None:
        """Read a session that a rollback does not restore, before the login changes it."""
        if self._initial is not None and not _is_in_transaction(self._initial):
            self._initial.keys()

    def save(self) -> None:
        """Store the session. It is called last in the transaction."""
        session = self._get()
        if session is None or session.is_empty():
            return
        if session.modified or settings.SESSION_SAVE_EVERY_REQUEST:  # As the middleware decides.
            self.load()
            session.keys()  # An unknown key is replaced when the session is read.
            try:
                session.save()
            except UpdateError:
                if session.stored_state is not None:
                    raise
                # A logout in another tab has deleted it, and this login did not sign in with it.
                session.flush()

    def finish(self) -> None:
        """Make failures of later saves harmless. It is called when the response is complete."""
        session = self._get()
        if session is not None:
            session.is_finished = True

    def leave(self) -> None:
        """Do not read the session any more, because the database does not answer.

        With ``SESSION_SAVE_EVERY_REQUEST``, the middleware reads it in every request. An exception
        would replace the response with an HTML page.
        """
        session = self._get()
        if session is not None:
            session.is_left = True

    def restore(self, *, is_rolled_back: bool) -> None:
        """Restore the state before the login, in a cache as well.

        :param is_rolled_back: whether the transaction of the login was just rolled back.
        """
        session = self._get()
        if session is None or not session.modified:
            return
        initial: Any = _copy(self._initial)
        self._request.session = _track(initial)
        if self._user is not None:
            self._request.user = self._user
        if is_rolled_back and _is_in_transaction(session):
            if session.session_key and hasattr(session, "cache_key"):  # That of "cached_db".
                caches[settings.SESSION_CACHE_ALIAS].delete(session.cache_key)
        elif session.session_key != initial.session_key:
            session.flush()
            _store_again(initial)
        elif session.stored_state is not None:
            initial.save()

    def _get(self) -> Any:
        session = getattr(self._request, "session", None)
        return session if isinstance(session, SessionBase) else None


class _TrackedSession(SessionBase):
    """Mixin for the class of a session, to save it once.

    :ivar stored_state: the state that :meth:`save` has stored, or None.
    :ivar is_finished: whether the login is committed, or has failed.
    :ivar is_left: whether the session cannot be read.
    """

    stored_state: Any = None
    is_finished = False
    is_left = False

    def load(self) -> dict[str, Any]:
        """Read the session. When the login is finished, log a failure."""
        try:
            if not self.is_left:
                return dict(super().load())
        except Exception as error:
            if not self.is_finished:
                raise
            log_failure("session not read", error)
        self.stored_state = self.session_key, {}  # It must not be saved as an empty one.
        return {}

    def save(self, must_create: bool = False) -> None:
        """Save the session unless it is stored. When the login is finished, log a failure.

        :raises UpdateError: the session was deleted. Django raises this also for a failure of the
            database, which is raised itself here.
        """
        if not must_create and self._state() == self.stored_state:
            return
        try:
            super().save(must_create=must_create)
            self._require_stored()
        except Exception as error:
            if self.is_finished and not must_create:
                log_failure("session not saved", error)
                return
            failure = error.__context__ if isinstance(error, UpdateError) else None
            if isinstance(failure, Exception) and is_database_failure(failure):
                raise failure from failure.__cause__
            raise
        self.stored_state = self._state()

    def _state(self) -> Any:
        return self.session_key, deepcopy(dict(self.items()))

    def _require_stored(self) -> None:
        """Require that a sign-in is stored: caches and files may fail without an exception."""
        if isinstance(self, DatabaseSession) or SESSION_KEY not in self:
            return
        if copy(self).load().get(SESSION_KEY) != self.get(SESSION_KEY):
            raise OSError("The session is not stored.")


def store_csrf_token(request: HttpRequest) -> None:
    """Store the CSRF token in the session if ``CSRF_USE_SESSIONS`` is set.

    Otherwise the middleware changes the session after the commit.
    """
    if settings.CSRF_USE_SESSIONS:
        middleware = CsrfViewMiddleware(lambda _: HttpResponse())
        middleware.process_response(request, HttpResponse())


def _is_in_transaction(session: Any) -> bool:
    """Return whether a session is stored in the database of the login's transaction."""
    if not isinstance(session, DatabaseSession):
        return False
    return bool(
        router.db_for_write(session.get_model_class()) == router.db_for_write(storage().user)
    )


def _copy(session: Any) -> Any:
    copied = copy(session)
    if session.accessed:  # Otherwise, each reads its data when they are needed.
        copied.clear()
        copied.update(deepcopy(dict(session.items())))
        copied.modified = session.modified
    return copied


def _store_again(session: Any) -> None:
    """Store a session that the login has deleted, unless another user is signed in.

    That user may have signed out in another tab.
    """
    if not session.accessed or not session.session_key or session.is_empty():
        return
    if copy(session).load():  # A rollback has restored it.
        return
    if SESSION_KEY in session:
        session.flush()
    else:
        session.save(must_create=True)


def _track(session: Any) -> Any:
    session.__class__ = _tracked_class(session.__class__)
    return session


@lru_cache(maxsize=8)
def _tracked_class(base: Any) -> Any:
    # The name is part of the key that signs the data.
    names = {"__module__": base.__module__, "__qualname__": base.__qualname__}
    return type(base.__name__, (_TrackedSession, base), names)
