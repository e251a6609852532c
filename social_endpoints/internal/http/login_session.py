"""Django's session in a login: stored inside the transaction, and restored after a rollback.

``SessionMiddleware`` saves a session after the view. If only that save failed, the login would be
committed, but the response would be an HTML page without a cookie.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy, deepcopy
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSession
from django.core.cache import caches
from django.db import router
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework.status import HTTP_503_SERVICE_UNAVAILABLE

from social_endpoints.internal.backends.loading import storage
from social_endpoints.internal.errors.failures import CacheUnavailable, find_database_failure
from social_endpoints.internal.translation import log_failure


class LoginSession:
    """The session of one request, with its state before the login.

    :param request: Django's request, before the view handles it.
    :ivar is_sign_in: whether the login has signed the user in to the session.
    """

    is_sign_in = False

    def __init__(self, request: HttpRequest) -> None:
        self._request: Any = request
        self._user = getattr(request, "user", None)
        session = self._get()
        self._key = None if session is None else session.session_key
        self._initial = None if session is None else _copy(session)
        self._stored: Any = None
        self._is_lost = False  # Whether it could not be read, so that a save would empty it.

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
            must_exist = self.is_sign_in or session.session_key != self._key
            save_session(session, if_deleted=None if must_exist else session.flush)
            _require_sign_in(session)
            self._stored = _state(session)

    def restore(self, *, is_rolled_back: bool) -> None:
        """Restore the state before the login, in a cache as well.

        :param is_rolled_back: whether the transaction of the login was just rolled back.
        """
        session = self._get()
        if session is None or not session.modified:
            return
        initial = self._request.session = _copy(self._initial)
        self._stored = None
        if self._user is not None:
            self._request.user = self._user
        if is_rolled_back and _is_in_transaction(session):
            if session.session_key and hasattr(session, "cache_key"):  # The engine "cached_db".
                caches[settings.SESSION_CACHE_ALIAS].delete(session.cache_key)
        elif session.session_key != initial.session_key:
            session.flush()
            is_known = initial.accessed and initial.session_key
            if is_known and not copy(initial).load():  # The login has deleted it.
                if SESSION_KEY in initial:
                    initial.flush()  # That user may have signed out in another tab.
                else:
                    initial.save(must_create=True)
        elif session.session_key and _state(session) != _state(initial):
            initial.save()

    def finish(self, response: Any) -> None:
        """Log failures of later reads and saves, which would replace the response.

        A session is not saved again if it is already stored in this state. After a failure of
        storage, no session is read, because the response would wait.
        """
        session = self._get()
        if session is None:
            return
        engine_load, engine_save = session.load, session.save

        def load() -> Any:
            try:
                if response.status_code != HTTP_503_SERVICE_UNAVAILABLE:
                    return engine_load()
            except Exception as error:  # noqa: BLE001 - engines raise any exception
                log_failure("session not read", error)
            self._is_lost = True
            return {}

        def save(must_create: bool = False) -> None:
            if must_create:
                engine_save(must_create=True)
            elif _state(session) != self._stored and not self._is_lost:
                try:
                    engine_save()
                except Exception as error:  # noqa: BLE001 - engines raise any exception
                    log_failure("session not saved", error)

        session.load, session.save = load, save

    def _get(self) -> Any:
        session = getattr(self._request, "session", None)
        return session if isinstance(session, SessionBase) else None


def save_session(session: Any, *, if_deleted: Callable[[], object] | None) -> None:
    """Save a session in a login.

    :param if_deleted: called if a logout in another tab has deleted the session.
    :raises UpdateError: the storage has failed, or has lost the session.
    """
    try:
        session.save()
    except UpdateError as error:
        if if_deleted is None or find_database_failure(error) is not None:
            raise
        if_deleted()


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
    if session.accessed:  # Otherwise, each instance reads the data when it needs them.
        copied.clear()
        copied.update(deepcopy(dict(session.items())))
        copied.modified = session.modified
    return copied


def _state(session: Any) -> Any:
    return session.session_key, deepcopy(dict(session.items()))


def _require_sign_in(session: Any) -> None:
    """Require that a sign-in is stored: caches and files may fail without an exception."""
    if isinstance(session, DatabaseSession) or SESSION_KEY not in session:
        return
    if copy(session).load().get(SESSION_KEY) != session.get(SESSION_KEY):
        raise CacheUnavailable("The session is not stored.")
