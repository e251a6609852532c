"""Refresh the access token of a connection once, however many workers need it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from django.db import DatabaseError, connections, transaction
from social_core.exceptions import AuthResponseError, SocialAuthBaseException

from social_endpoints.conf import get_seconds
from social_endpoints.exceptions import ProviderUnavailable, ReauthenticationRequired
from social_endpoints.internal.actions.refresh_errors import is_rejected, is_unreadable_response
from social_endpoints.internal.backends import loading
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.backends.token_refresh import ask_for_tokens, mark, merge
from social_endpoints.internal.connections.stored_tokens import StoredTokens
from social_endpoints.internal.errors.failures import find_database_failure, is_lock_error
from social_endpoints.internal.flows.flow import CONNECT, Flow
from social_endpoints.internal.flows.primary import on_primary
from social_endpoints.internal.log.events import log_completed
from social_endpoints.internal.network.database import on_own_connection, release_connections
from social_endpoints.internal.network.sessions import ProviderRequests
from social_endpoints.internal.retries import Retries, retry_query

PATIENCE = 1.0
"""Seconds. A worker that has waited longer for another worker does not ask the provider itself,
because the request of the other worker has failed."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.25  # seconds


class _NotVisible(Exception):
    """The row is not visible outside of the caller's transaction."""


class _Blocked(Exception):
    """The row is locked, perhaps by the caller's transaction, which would wait for itself."""


def refresh(provider: Provider, social: Any) -> Any:
    """Refresh the access token of a connection, or use what another worker has stored meanwhile.

    The row is locked while the provider is asked. The new tokens are committed before this function
    returns, also if the caller's transaction is rolled back later. There are two exceptions: the
    row is not visible outside of that transaction, as in test cases, or the database is SQLite,
    which has one writer.

    :param social: the row as the caller has read it.
    :returns: the new value of ``extra_data``.
    :raises ReauthenticationRequired: the connection was disconnected, or its refresh token is
        missing or was rejected before.
    :raises ProviderUnavailable: other workers need too long.
    :raises SocialAuthBaseException: the provider has failed, or has rejected the refresh token now.
        In that case, the connection is marked.
    """
    work = TokenRefresh(provider, social)
    connection = connections[work.using]
    if connection.vendor == "sqlite":
        with _process_lock(work):
            return work.run()
    if transaction.get_autocommit(using=work.using):
        return work.run()
    try:
        return on_own_connection(partial(work.run, is_elsewhere=True))
    except _NotVisible:
        return work.run()
    except _Blocked:
        extra_data = work.read_locked()
    return on_own_connection(work.run) if extra_data is None else extra_data


_process_locks: WeakValueDictionary[tuple[str, Any], Lock] = WeakValueDictionary()
_guard = Lock()


@contextmanager
def _process_lock(work: TokenRefresh) -> Iterator[None]:
    """Hold a lock in place of that of the row, which SQLite does not have."""
    with _guard:
        key = (work.using, work.pk)
        lock = _process_locks.setdefault(key, Lock())
    # A thread in a transaction may block the one that holds this lock.
    is_free = transaction.get_autocommit(using=work.using)
    seconds = max(work.deadline - time.monotonic(), 0) if is_free else PATIENCE
    if not lock.acquire(blocking=False):
        work.begin_waiting()
        if not lock.acquire(timeout=seconds):
            raise ProviderUnavailable("locked")
    try:
        yield
    finally:
        lock.release()


class TokenRefresh:
    """One refresh: at most one request to the provider, and as many attempts to store its result.

    :ivar using: alias of the database.
    :ivar deadline: when waiting for other workers ends, by ``time.monotonic()``.
    """

    def __init__(self, provider: Provider, social: Any) -> None:
        self.rows = on_primary(loading.storage().user.objects)
        self.using: str = self.rows.db
        self.pk = social.pk
        self._identity = {"pk": social.pk, "provider": social.provider, "uid": social.uid}
        self.deadline = time.monotonic() + get_seconds("LOGIN_TIMEOUT")
        self._provider = provider
        self._seen = StoredTokens.read(social.extra_data).version
        self._waits_since: float | None = None
        self._retries = Retries(self.using)
        self._pauses = 0
        self._is_elsewhere = False
        self._has_asked = False
        self._backend: Any = None
        self._user: Any = None
        self._refresh_token: str | None = None
        self._response: dict[str, Any] | None = None
        self._rejection: SocialAuthBaseException | None = None

    def run(self, *, is_elsewhere: bool = False) -> Any:
        """Lock, ask and store; return the new value of ``extra_data``.

        :param is_elsewhere: whether to check that the caller's transaction, which uses another
            connection, has neither created nor locked the row.
        :raises _NotVisible: the row is not visible on this connection.
        :raises _Blocked: the row has been locked for some time.
        """
        self._is_elsewhere = is_elsewhere
        if is_elsewhere:
            self._require_visible()
        while True:
            try:
                self._retries.connect()
                extra_data = self._attempt()
                break
            except Exception as error:
                if not self._may_repeat(error):
                    raise
        if self._rejection is not None:
            raise self._rejection
        if self._response is not None:
            log_completed("refresh")
        return extra_data

    def begin_waiting(self) -> None:
        """Measure how long this worker waits for another worker."""
        if self._waits_since is None:
            self._waits_since = time.monotonic()

    def read_locked(self) -> Any:
        """Lock the row in the caller's transaction; return what another worker has stored.

        :returns: the new value of ``extra_data``, or None if another transaction holds the lock.
        :raises ProviderUnavailable: the row has not changed, so the caller has held the lock.
        """
        try:
            with transaction.atomic(using=self.using):
                row = self._get_locked()
        except DatabaseError:
            return None
        if row is None:
            raise ReauthenticationRequired("no_connection")
        stored = StoredTokens.read(row.extra_data)
        has_changed = stored.version != self._seen and stored.lives()
        if not has_changed and not stored.state.needs_reconnect:
            raise ProviderUnavailable("locked_by_caller")
        return row.extra_data

    @property
    def _has_result(self) -> bool:
        return self._response is not None or self._rejection is not None

    @property
    def _has_waited_long(self) -> bool:
        since = self._waits_since
        return since is not None and time.monotonic() - since > PATIENCE

    def _require_visible(self) -> None:
        # A locking read would wait for the transaction that has created the row (InnoDB). With a
        # schema for each tenant, this connection may find the row of another tenant.
        found = retry_query(self.using, self.rows.filter(**self._identity).exists)
        if not found:
            raise _NotVisible

    def _get_locked(self) -> Any:
        has_nowait = connections[self.using].features.has_select_for_update_nowait
        return self.rows.select_for_update(nowait=has_nowait).filter(pk=self.pk).first()

    def _attempt(self) -> Any:
        if connections[self.using].vendor == "sqlite" and not self._has_result:
            # An open transaction would block the writers of all other rows.
            current = self._get_current(self.rows.filter(pk=self.pk).first())
            if not self._has_result:
                return current
        with transaction.atomic(using=self.using):
            self._retries.lock()
            row = self._get_locked()
            if not self._has_result:
                current = self._get_current(row)
                if not self._has_result:
                    return current
            return self._store(row)

    def _get_current(self, row: Any) -> Any:
        """Return ``extra_data`` if another worker has refreshed it, else ask the provider."""
        if row is None:
            raise ReauthenticationRequired("no_connection")
        stored = StoredTokens.read(row.extra_data)
        if stored.state.needs_reconnect:
            raise ReauthenticationRequired("marked")
        if stored.version != self._seen and stored.lives():
            return row.extra_data
        if stored.version == self._seen and self._has_waited_long:
            raise ProviderUnavailable("refresh_failed")
        self._ask(row, stored)
        return None

    def _ask(self, row: Any, stored: StoredTokens) -> None:
        flow = Flow(self._provider.name, CONNECT, "", user_id=str(row.user_id))
        _, backend = loading.load(self._provider, request=None, data={}, flow=flow)
        self._backend = backend
        self._refresh_token = backend.get_refresh_token(stored.extra_data)
        if not self._refresh_token:
            raise ReauthenticationRequired("expired")
        # Read now, because a failure after the request would lose the new tokens; and with the row,
        # because a router could send a query of its own to a replica.
        self._user = self.rows.select_related("user").get(pk=self.pk).user
        self._has_asked = True
        try:
            with ProviderRequests():
                self._response = ask_for_tokens(backend, row, stored, self._refresh_token)
        except SocialAuthBaseException as error:
            if not is_rejected(backend, error):
                raise
            self._rejection = error
        except Exception as error:
            if not is_unreadable_response(backend, error):
                raise
            raise AuthResponseError(backend, code="malformed_response", stage="refresh") from error
        self.deadline = time.monotonic() + get_seconds("LOGIN_TIMEOUT")

    def _store(self, row: Any) -> Any:
        """Store the result, unless another request has replaced the refresh token meanwhile.

        That is only possible if the connection to the database was lost, or with SQLite.
        """
        if row is None:
            raise ReauthenticationRequired("no_connection")
        stored = StoredTokens.read(row.extra_data)
        if self._backend.get_refresh_token(stored.extra_data) != self._refresh_token:
            self._rejection = None
            return row.extra_data
        if self._response is None:
            extra_data = mark(row.extra_data)
        else:
            extra_data = merge(self._backend, row, self._user, self._response)
        # Not save(), because receivers of the project could fail and lose the tokens.
        self.rows.filter(pk=self.pk).update(extra_data=extra_data)
        return extra_data

    def _may_repeat(self, error: Exception) -> bool:
        if self._has_asked and not self._has_result:
            return False  # The provider may have replaced the refresh token.
        failure = find_database_failure(error)
        if failure is None:
            return False
        if is_lock_error(failure) and connections[self.using].vendor != "sqlite":
            self._wait()
            return True
        return self._retries.allow(error) or self._may_wait_for_database()

    def _may_wait_for_database(self) -> bool:
        """Wait a moment for a database that does not accept connections.

        It may be restarting. The new tokens would be lost.
        """
        is_down = connections[self.using].connection is None
        if not (is_down and self._has_result) or time.monotonic() > self.deadline:
            return False
        time.sleep(_LONGEST_PAUSE)
        return True

    def _wait(self) -> None:
        self.begin_waiting()
        longest = min(_FIRST_PAUSE * 2**self._pauses, _LONGEST_PAUSE)
        pause = longest * (0.5 + random.random() / 2)  # noqa: S311 - not a secret
        self._pauses += 1
        if time.monotonic() + pause > self.deadline:
            raise ProviderUnavailable("locked")
        if self._is_elsewhere and self._has_waited_long and not self._has_asked:
            raise _Blocked
        release_connections()
        time.sleep(pause)
