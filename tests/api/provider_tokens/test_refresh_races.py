"""Workers that need the same token at the same moment, and refreshes inside of transactions."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import requests
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection, connections, transaction
from django.db.backends.signals import connection_created
from django.test import TestCase
from social_django.models import UserSocialAuth

from social_endpoints.internal.actions.token_refresh import PATIENCE
from social_endpoints.internal.connections.encryption import STATE
from social_endpoints.internal.connections.token_state import TokenState, describe
from social_endpoints.provider_tokens import (
    ProviderAuth,
    ProviderUnavailable,
    ReauthenticationRequired,
    get_access_token,
)
from tests.support.concurrency import together
from tests.support.log import logged
from tests.support.signals import connected
from tests.support.stored_tokens import connect
from tests.support.tcp_provider import Connection
from tests.support.token_server import TokenServer, answering
from tests.support.token_worker import tokens_of_processes

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 20
EXPIRED = describe("access-0", TokenState(expires_at=1))
MARKED = {STATE: describe("access-0", TokenState(needs_reconnect=True))}


def outcome_of(user: Any) -> str:
    """Return the token, or the type of the exception."""
    try:
        return get_access_token(user, "token-server").token
    except (ProviderUnavailable, ReauthenticationRequired) as error:
        return type(error).__name__


def stored(social: Any) -> dict[str, Any]:
    return UserSocialAuth.objects.get(pk=social.pk).extra_data


# --- Many workers -----------------------------------------------------------------------


def test_threads_refresh_once(
    ada: Any, server: TokenServer, caplog: pytest.LogCaptureFixture
) -> None:
    social = connect(ada)
    server.delay = 0.2

    with caplog.at_level(logging.INFO, logger="social_endpoints"):
        tokens = together([lambda: outcome_of(ada)] * WORKERS)

    assert [line["event"] for line in logged(caplog)] == ["refresh completed"]
    assert set(tokens) == server.access_tokens
    assert len(server.posted) == 1
    assert stored(social)["refresh_token"] == server.refresh_token


@pytest.mark.row_locks
def test_processes_refresh_once(ada: Any, server: TokenServer) -> None:
    social = connect(ada)
    server.delay = 0.2

    tokens = tokens_of_processes(server.url, ada, processes=2, threads=WORKERS // 2)

    assert Counter(tokens) == {server.access_tokens.pop(): WORKERS}
    assert len(server.posted) == 1
    assert stored(social)["refresh_token"] == server.refresh_token


def test_threads_that_got_a_401_refresh_once(ada: Any, server: TokenServer) -> None:
    connect(ada, expires_in=3600)
    server.delay = 0.2

    def ask() -> int:
        auth = ProviderAuth(ada, "token-server")
        return requests.get(f"{server.url}/api", auth=auth, timeout=10).status_code

    assert together([ask] * WORKERS) == [200] * WORKERS
    assert len(server.posted) == 1


def test_threads_extend_the_same_token_once(ada: Any, server: TokenServer) -> None:
    """A token that has not expired can stay the same (WeChat, Strava, Facebook)."""
    connect(ada, expires_in=30)

    def extend(connection: Connection, request: Any) -> None:
        time.sleep(0.2)
        connection.answer({"access_token": "access-0", "expires_in": 3600})

    server.answer = extend

    assert set(together([lambda: outcome_of(ada)] * WORKERS)) == {"access-0"}
    assert len(server.posted) == 1


def test_threads_mark_a_rejected_connection_once(ada: Any, server: TokenServer) -> None:
    connect(ada)
    server.answer = answering({"error": "invalid_grant"}, status=400)

    assert set(together([lambda: outcome_of(ada)] * WORKERS)) == {"ReauthenticationRequired"}
    assert len(server.posted) == 1


def test_threads_do_not_wait_for_an_outage_one_after_the_other(
    ada: Any, server: TokenServer
) -> None:
    connect(ada)

    def fail(connection: Connection, request: Any) -> None:
        time.sleep(1.5)
        connection.answer({}, status=503)

    server.answer = fail

    assert set(together([lambda: outcome_of(ada)] * WORKERS)) == {"ProviderUnavailable"}
    assert len(server.posted) <= 2


def test_slow_database_is_not_another_worker(ada: Any, server: TokenServer) -> None:
    connect(ada)
    queries: list[str] = []

    def delay_second(execute: Any, sql: str, *args: Any) -> Any:
        queries.append(sql)
        if len(queries) == 2:
            time.sleep(PATIENCE + 0.1)
        return execute(sql, *args)

    with connection.execute_wrapper(delay_second):
        assert {outcome_of(ada)} == server.access_tokens


# --- Transactions of the caller ---------------------------------------------------------


class Rollback(Exception):
    """The caller's transaction fails."""


def in_failing_transaction(work: Callable[[], Any]) -> Any:
    outcomes = []

    def run() -> None:
        with transaction.atomic():
            outcomes.append(work())
            raise Rollback

    with pytest.raises(Rollback):
        run()
    return outcomes[0]


@pytest.mark.row_locks
def test_rollback_of_the_caller_keeps_the_new_tokens(ada: Any, server: TokenServer) -> None:
    social = connect(ada)

    token = in_failing_transaction(lambda: outcome_of(ada))

    assert {token} == server.access_tokens
    assert stored(social)["access_token"] == token
    assert stored(social)["refresh_token"] == server.refresh_token
    assert outcome_of(ada) == token


@pytest.mark.row_locks
def test_rollback_of_the_caller_keeps_the_mark(ada: Any, server: TokenServer) -> None:
    connect(ada)
    server.answer = answering({"error": "invalid_grant"}, status=400)

    assert in_failing_transaction(lambda: outcome_of(ada)) == "ReauthenticationRequired"
    assert outcome_of(ada) == "ReauthenticationRequired"
    assert len(server.posted) == 1


@pytest.mark.needs("psycopg_pool")
@pytest.mark.skipif(connection.vendor != "postgresql", reason="Django has a pool for psycopg only")
def test_refresh_in_a_transaction_needs_no_connection_of_the_pool(
    ada: Any, server: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The callers hold all of its connections, and would wait for one another."""
    connect(ada)
    connection.close()
    options = {"min_size": 1, "max_size": 1, "timeout": 10}
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "pool", options)
    try:
        assert {in_failing_transaction(lambda: outcome_of(ada))} == server.access_tokens
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # of PostgreSQL


@pytest.mark.row_locks
def test_rollback_without_autocommit_keeps_the_new_tokens(
    ada: Any, server: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    social = connect(ada)
    connection.close()
    with monkeypatch.context() as project:
        project.setitem(connection.settings_dict, "AUTOCOMMIT", False)
        token = outcome_of(ada)
        connection.close()  # The caller does not commit.

    assert {token} == server.access_tokens
    assert stored(social)["access_token"] == token
    assert stored(social)["refresh_token"] == server.refresh_token


@pytest.mark.row_locks
def test_second_call_in_a_transaction_sees_the_new_token(ada: Any, server: TokenServer) -> None:
    connect(ada)

    with transaction.atomic():
        tokens = {outcome_of(ada), outcome_of(ada)}

    assert tokens == server.access_tokens
    assert len(server.posted) == 1


@pytest.mark.row_locks
def test_threads_in_transactions_refresh_once(ada: Any, server: TokenServer) -> None:
    connect(ada)
    server.delay = 0.1

    def work() -> str:
        with transaction.atomic():
            return outcome_of(ada)

    assert set(together([work] * 8)) == server.access_tokens
    assert len(server.posted) == 1


@pytest.mark.row_locks
def test_caller_that_has_locked_the_row_does_not_wait_for_itself(
    ada: Any, server: TokenServer
) -> None:
    social = connect(ada)

    with transaction.atomic():
        UserSocialAuth.objects.select_for_update().get(pk=social.pk)
        with pytest.raises(ProviderUnavailable) as raised:
            get_access_token(ada, "token-server")

    assert raised.value.cause == "locked_by_caller"
    assert server.posted == []
    assert {outcome_of(ada)} == server.access_tokens


@pytest.mark.row_locks
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"access_token": "access-9"}, "access-9"),
        (MARKED, "ReauthenticationRequired"),
        (None, "ReauthenticationRequired"),
    ],
)
def test_caller_that_locks_the_row_after_a_slow_refresh_uses_its_result(
    change: dict[str, Any] | None, expected: str, ada: Any, server: TokenServer
) -> None:
    """The test whether the caller itself has locked the row comes a moment too late."""
    social = connect(ada)
    is_locked, is_tested, is_free = threading.Event(), threading.Event(), threading.Event()

    def refresh_slowly() -> None:
        with transaction.atomic():
            rows = UserSocialAuth.objects.filter(pk=social.pk)
            rows.select_for_update().get()
            is_locked.set()
            is_tested.wait(10)
            if change is None:
                rows.delete()
            else:
                rows.update(extra_data={**social.extra_data, **change})
        is_free.set()

    def wait_before_locking(execute: Any, sql: str, *args: Any) -> Any:
        if "FOR UPDATE" in sql:
            is_tested.set()
            is_free.wait(10)
        return execute(sql, *args)

    def work() -> str:
        is_locked.wait(10)
        with transaction.atomic(), connection.execute_wrapper(wait_before_locking):
            return outcome_of(ada)

    assert together([refresh_slowly, work])[1] == expected
    assert server.posted == []


@pytest.mark.row_locks
@pytest.mark.parametrize("is_refreshed", [True, False])
def test_caller_in_a_transaction_asks_only_after_a_short_wait(
    is_refreshed: bool, ada: Any, server: TokenServer
) -> None:
    social = connect(ada)
    is_locked, is_waiting = threading.Event(), threading.Event()

    def lock() -> None:
        with transaction.atomic():
            UserSocialAuth.objects.select_for_update().get(pk=social.pk)
            is_locked.set()
            is_waiting.wait(10)
            if not is_refreshed:
                time.sleep(PATIENCE + 0.5)

    def notice_failure(execute: Any, *args: Any) -> Any:
        try:
            return execute(*args)
        except DatabaseError:
            is_waiting.set()
            raise

    def notice_failures(connection: Any, **kwargs: Any) -> None:
        connection.execute_wrappers.append(notice_failure)

    def work() -> str:
        is_locked.wait(10)
        with transaction.atomic():
            return outcome_of(ada)

    with connected(notice_failures, connection_created):
        outcome = together([lock, work])[1]

    assert {outcome} == (server.access_tokens if is_refreshed else {"ProviderUnavailable"})
    assert len(server.posted) == is_refreshed


@pytest.mark.skipif(connection.vendor != "postgresql", reason="Others have no such schemas.")
def test_row_of_another_schema_is_not_used(ada: Any, server: TokenServer) -> None:
    """Only the caller's connection may have the schema of a tenant."""
    other = connect(ada, uid="2", token="access-of-another-tenant", expires_in=3600)

    with transaction.atomic():
        with connection.cursor() as cursor:
            table = UserSocialAuth._meta.db_table
            cursor.execute(f"CREATE TEMPORARY TABLE {table} (LIKE {table}) ON COMMIT DROP")
        social = UserSocialAuth(pk=other.pk, user=ada, provider="token-server", uid="1")
        social.extra_data = {**other.extra_data, STATE: EXPIRED, "access_token": "access-0"}
        social.save(force_insert=True)
        token = outcome_of(ada)

    assert {token} == server.access_tokens


@pytest.mark.row_locks
def test_wait_for_a_lock_is_limited(ada: Any, server: TokenServer, configure: Any) -> None:
    configure(LOGIN_TIMEOUT=0.5)
    social = connect(ada)
    is_locked, is_over = threading.Event(), threading.Event()

    def lock() -> None:
        with transaction.atomic():
            UserSocialAuth.objects.select_for_update().get(pk=social.pk)
            is_locked.set()
            is_over.wait(10)

    def work() -> str:
        is_locked.wait(10)
        try:
            return outcome_of(ada)
        finally:
            is_over.set()

    assert together([lock, work])[1] == "ProviderUnavailable"
    assert server.posted == []


@pytest.mark.row_locks
def test_no_connection_to_the_database_is_left_open(ada: Any, server: TokenServer) -> None:
    connect(ada)
    opened = count_connections()

    with transaction.atomic():
        outcome_of(ada)

    assert count_connections() == opened


def count_connections() -> int:
    """Return the number of connections to the database of the tests."""
    query = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()",
        "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = database()",
    }[connection.vendor]
    deadline, numbers = time.monotonic() + 5, list[int]()
    while time.monotonic() < deadline and (len(numbers) < 3 or len(set(numbers[-3:])) > 1):
        with connections["default"].cursor() as cursor:
            cursor.execute(query)
            numbers.append(cursor.fetchone()[0])
        time.sleep(0.05)
    return numbers[-1]


@pytest.mark.row_locks
def test_tokens_are_stored_although_the_database_closed_the_connection_meanwhile(
    ada: Any, server: TokenServer
) -> None:
    """Some servers end a transaction that is idle while the provider is asked."""
    social = connect(ada)
    rotated = threading.Event()

    def answer(tcp: Connection, request: Any) -> None:
        if not rotated.is_set():
            rotated.set()
            together([end_other_connections])
            tcp.answer({"access_token": "access-1", "refresh_token": "refresh-1"})

    server.answer = answer

    assert outcome_of(ada) == "access-1"
    assert stored(social)["refresh_token"] == "refresh-1"
    assert len(server.posted) == 1


def end_other_connections() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return
        cursor.execute(
            "SELECT id FROM information_schema.processlist"
            " WHERE db = database() AND id <> connection_id()"
        )
        for (number,) in cursor.fetchall():
            cursor.execute(f"KILL {number}")


@pytest.mark.row_locks
def test_tokens_are_stored_although_the_database_restarts_meanwhile(
    ada: Any, server: TokenServer
) -> None:
    social = connect(ada)
    settings = connection.settings_dict
    port = settings["PORT"]

    def answer(tcp: Connection, request: Any) -> None:
        together([end_other_connections])
        settings["PORT"] = "1"  # No server listens there.
        threading.Timer(0.5, settings.update, [{"PORT": port}]).start()
        tcp.answer({"access_token": "access-1", "refresh_token": "refresh-1"})

    server.answer = answer

    assert outcome_of(ada) == "access-1"
    assert stored(social)["refresh_token"] == "refresh-1"
    assert len(server.posted) == 1


@pytest.mark.row_locks
@pytest.mark.parametrize("is_deleted", [True, False])
def test_connection_that_loses_its_tokens_meanwhile_needs_a_new_connect(
    is_deleted: bool, ada: Any, server: TokenServer
) -> None:
    social = connect(ada)
    is_locked = threading.Event()

    def change() -> None:
        with transaction.atomic():
            rows = UserSocialAuth.objects.filter(pk=social.pk)
            rows.select_for_update().get()
            is_locked.set()
            time.sleep(0.2)
            if is_deleted:
                rows.delete()
            else:
                rows.update(extra_data={})

    def work() -> str:
        is_locked.wait(10)
        return outcome_of(ada)

    assert together([change, work])[1] == "ReauthenticationRequired"
    assert server.posted == []


# --- SQLite, which locks no rows --------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"access_token": "of a login", "refresh_token": "refresh-9"}, "of a login"),
        ({"refresh_token": "refresh-9", **MARKED}, "ReauthenticationRequired"),
        (None, "ReauthenticationRequired"),
    ],
)
def test_change_during_a_refresh_counts(
    change: dict[str, Any] | None, expected: str, ada: Any, server: TokenServer
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the row is locked")
    social = connect(ada)

    def answer(tcp: Connection, request: Any) -> None:
        rows = UserSocialAuth.objects.filter(pk=social.pk)
        if change is None:
            together([rows.delete])
        else:
            together([lambda: rows.update(extra_data={**social.extra_data, **change})])
        tcp.answer({"access_token": "access-1", "refresh_token": "refresh-1"})

    server.answer = answer

    assert outcome_of(ada) == expected


def test_transaction_does_not_wait_long_for_a_refresh(ada: Any, server: TokenServer) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the row is locked")
    connect(ada)
    has_begun, is_over = threading.Event(), threading.Event()

    def answer(tcp: Connection, request: Any) -> None:
        has_begun.set()
        is_over.wait(10)
        tcp.answer({"access_token": "access-1"})

    def work() -> str:
        has_begun.wait(10)
        with transaction.atomic():
            outcome = outcome_of(ada)
        is_over.set()
        return outcome

    server.answer = answer

    assert together([lambda: outcome_of(ada), work]) == ["access-1", "ProviderUnavailable"]


class TestInTestCase(TestCase):
    """Django's TestCase runs each test in a transaction that no other connection can see."""

    def test_refresh_in_the_transaction_of_a_test(self) -> None:
        server = TokenServer()
        try:
            from tests.support.token_server import settings_of

            ada = get_user_model().objects.create_user("ada")
            social = connect(ada)
            with self.settings(**settings_of(server.url)):
                token = outcome_of(ada)
            assert {token} == server.access_tokens
            assert stored(social)["refresh_token"] == server.refresh_token
        finally:
            server.provider.stop()
