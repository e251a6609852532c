"""The database fails: the response is a 503, the log has the cause, and nothing is half stored."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed, ValidationError
from social_core.exceptions import AuthPolicyError
from social_django.models import Nonce, UserSocialAuth

from social_endpoints.strategy import Strategy
from tests.support.account_views import route_account_views
from tests.support.accounts import disconnect, list_connections, logged_in, uids, user_with
from tests.support.authentication import SESSION, STATELESS
from tests.support.configuration import Configure
from tests.support.database_proxy import DatabaseProxy
from tests.support.failing_statements import Statements
from tests.support.frontend import Frontend, browser, error
from tests.support.handoff import handoff_params, post_to_callback
from tests.support.log import logged
from tests.support.openid_provider import OpenIDProvider
from tests.support.outages import FailingStep, execute, kill_connection, raise_database_error
from tests.support.pipeline import AFTER_SOCIAL_USER, LAST, pipeline_with

pytestmark = pytest.mark.django_db(transaction=True)
User = get_user_model()
Log = pytest.LogCaptureFixture

UNAVAILABLE = (503, "storage_unavailable")
FAIL = "tests.support.outages.fail"


@pytest.fixture(autouse=True)
def every_level(caplog: Log) -> None:
    caplog.set_level(logging.DEBUG, "social_endpoints")
    FailingStep.expect()


@pytest.fixture
def database() -> Iterator[dict[str, Any]]:
    """Return the settings of the connection. They are restored after the test."""
    settings = connection.settings_dict
    stored = {**settings, "OPTIONS": {**settings["OPTIONS"]}}
    yield settings
    connection.close()
    settings.update(stored)


@pytest.fixture
def step(settings: Any) -> type[FailingStep]:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, FAIL), (LAST, FAIL))
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = [
        FAIL,
        "social_core.pipeline.disconnect.get_entries",
        "social_core.pipeline.disconnect.disconnect",
    ]
    return FailingStep


def assert_unavailable(response: Any, caplog: Log, *codes: str) -> None:
    """Assert that a response says that the client can try again, and the log has the code."""
    assert error(response) == UNAVAILABLE
    assert response.data["error_recovery"] == "retry_later"
    assert response["Content-Type"] == "application/json"
    assert logged(caplog)[-1]["database_error"] in codes


def assert_all_or_nothing(token: str | None) -> None:
    """Assert that the only login is stored with all that belongs to it, or not at all."""
    expected = 0 if token is None else 1
    assert {model.objects.count() for model in (User, UserSocialAuth, Token)} == {expected}
    if token is not None:
        assert Token.objects.get().key == token
        assert User.objects.get().last_login


# --- The server is not available ---------------------------------------------------------


def stop_server(database: dict[str, Any]) -> None:
    """Connect to nothing. A restarted server refuses connections in the same way."""
    if connection.vendor == "sqlite":
        database["NAME"] = "/nonexistent/database"
    else:
        database["PORT"] = "1"
    connection.close()


def write_nothing(database: dict[str, Any]) -> None:
    """Open only connections that cannot write, as to a replica."""
    options = {
        "postgresql": {"options": "-c default_transaction_read_only=on"},
        "mysql": {"init_command": "SET SESSION TRANSACTION READ ONLY"},
        "sqlite": {"init_command": "PRAGMA query_only = ON"},
    }
    database["OPTIONS"] = {**database["OPTIONS"], **options[connection.vendor]}
    connection.close()


DOWN = ("OperationalError", "2002", "2003", "SQLITE_CANTOPEN")
READ_ONLY = ("25006", "1792", "SQLITE_READONLY")


def test_login_without_a_server_is_a_503(
    openid: OpenIDProvider, database: dict[str, Any], caplog: Log
) -> None:
    begun, callback = Frontend("body").authorize(openid)
    stored = {**database}
    stop_server(database)

    response = Frontend("body").complete(begun, callback)
    assert_unavailable(response, caplog, *DOWN)

    database.update(stored)
    assert (
        Frontend("body").complete(begun, callback).status_code == 201
    )  # The claim was not stored.


def test_login_without_a_server_keeps_the_callback_of_a_handoff(
    openid: OpenIDProvider, settings: Any, database: dict[str, Any], caplog: Log
) -> None:
    """The provider has posted it once. The claim was not stored, so the login can be completed."""
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    begun, posted = Frontend("body").authorize(openid)
    callback = handoff_params(post_to_callback(posted))
    stored = {**database}
    stop_server(database)

    for _ in range(2):
        response = Frontend("body").complete(begun, callback)
        assert_unavailable(response, caplog, *DOWN)

    database.update(stored)
    completed = [Frontend("body").complete(begun, callback) for _ in range(2)]
    assert [each.status_code for each in completed] == [201, 400]


def test_account_endpoints_without_a_server_are_a_503(
    database: dict[str, Any], caplog: Log
) -> None:
    client = logged_in(user_with(("oidc", "1"), ("github", "2")))
    stop_server(database)

    for request in (list_connections, partial(disconnect, connection="1"), Frontend.begin):
        subject = Frontend(client=client, below="connect/") if request == Frontend.begin else client
        assert_unavailable(request(subject), caplog, *DOWN)


def test_server_that_stops_while_the_provider_is_asked_is_a_503(
    openid: OpenIDProvider, database: dict[str, Any], caplog: Log
) -> None:
    stored = {**database}
    openid.before_userinfo = lambda: stop_server(database)

    response = Frontend("body").log_in(openid)
    assert_unavailable(response, caplog, *DOWN)

    openid.before_userinfo = lambda: None
    database.update(stored)
    assert_all_or_nothing(None)
    assert Frontend("body").log_in(openid).status_code == 201


def test_writes_of_a_read_only_database_are_a_503(
    openid: OpenIDProvider, database: dict[str, Any], caplog: Log
) -> None:
    ada = user_with(("oidc", "1"), ("github", "2"))
    client, github = logged_in(ada), ada.social_auth.get(uid="2")
    write_nothing(database)

    assert_unavailable(Frontend("body").log_in(openid), caplog, *READ_ONLY)
    assert_unavailable(disconnect(client, github), caplog, *READ_ONLY)
    assert list_connections(client).status_code == 200
    assert uids() == ["1", "2"]


def test_connection_to_a_server_that_became_read_only_is_replaced(openid: OpenIDProvider) -> None:
    begun, callback = Frontend("body").authorize(openid)
    statements = {
        "postgresql": "SET default_transaction_read_only = on",
        "mysql": "SET SESSION TRANSACTION READ ONLY",
        "sqlite": "PRAGMA query_only = ON",
    }
    execute(statements[connection.vendor])

    assert Frontend("body").complete(begun, callback).status_code == 201


@pytest.fixture
def limited(database: dict[str, Any]) -> Iterator[None]:
    """Connect as a user who may have one connection at a time."""
    name, postgresql = f"limited_{os.getpid()}", connection.vendor == "postgresql"
    quoted = name if postgresql else f"'{name}'@'%'"
    if postgresql:
        execute(f"CREATE ROLE {quoted} LOGIN PASSWORD 'p' CONNECTION LIMIT 1")
        execute(f"GRANT pg_read_all_data, pg_write_all_data TO {quoted}")
    else:
        identified = "IDENTIFIED BY 'p' WITH MAX_USER_CONNECTIONS 1"
        execute(f"GRANT ALL ON `{database['NAME']}`.* TO {quoted} {identified}")
    stored = {**database}
    database.update(USER=name, PASSWORD="p")
    connection.close()
    yield
    database.update(stored)
    connection.close()
    execute(f"DROP {'ROLE' if postgresql else 'USER'} {quoted}")


@pytest.mark.row_locks
@pytest.mark.usefixtures("limited")
def test_login_waits_for_a_free_connection(openid: OpenIDProvider, caplog: Log) -> None:
    client = logged_in(user_with(("oidc", "1"), ("github", "2")))
    connection.close()
    other = connection.copy()
    other.ensure_connection()

    assert_unavailable(list_connections(client), caplog, "53300", "1226")

    timer = threading.Timer(0.5, other.connection.close)
    timer.start()
    assert Frontend("body").log_in(openid).status_code == 201
    timer.join()


# --- Errors of a server that works -------------------------------------------------------


def fill_disk(database: dict[str, Any]) -> None:
    """Let the file of SQLite not grow; other servers raise the error on request."""
    if connection.vendor == "sqlite":
        database["OPTIONS"] = {**database["OPTIONS"], "init_command": "PRAGMA max_page_count = 1"}
        connection.close()
        FailingStep.expect(lambda: execute("CREATE TABLE more AS SELECT zeroblob(10000000)"))
    else:
        code = "53100" if connection.vendor == "postgresql" else "1114"
        FailingStep.expect(partial(raise_database_error, code))


def test_full_disk_is_a_503_and_not_retried(
    openid: OpenIDProvider,
    database: dict[str, Any],
    step: type[FailingStep],
    caplog: Log,
) -> None:
    fill_disk(database)

    response = Frontend("body").log_in(openid)

    assert_unavailable(response, caplog, "53100", "1114", "SQLITE_FULL")
    assert_all_or_nothing(None)
    assert step.calls == 1


@pytest.mark.row_locks
def test_claim_that_fails_leaves_the_flow_unused(openid: OpenIDProvider, caplog: Log) -> None:
    begun, callback = Frontend("body").authorize(openid)
    code = "53100" if connection.vendor == "postgresql" else "1114"
    failures = [code]

    def fail_once(execute: Any, sql: str, *args: Any) -> Any:
        if Nonce._meta.db_table in sql and failures:
            raise_database_error(failures.pop())
        return execute(sql, *args)

    with connection.execute_wrapper(fail_once):
        assert_unavailable(Frontend("body").complete(begun, callback), caplog, code)
        assert Frontend("body").complete(begun, callback).status_code == 201


OTHER_FAILURES = {
    "postgresql": ["53200", "54000", "57014", "58030", "XX000", "XX001", "25P03"],
    "mysql": ["28", "1021", "1030", "1053", "1290", "1317", "1836", "1969", "3024"],
}
MISTAKES = {"postgresql": ["P0001", "25001", "42703", "42501"], "mysql": ["1054", "1142", "1242"]}


@pytest.mark.row_locks
def test_other_failures_are_a_503(
    openid: OpenIDProvider, step: type[FailingStep], caplog: Log
) -> None:
    for code in OTHER_FAILURES[connection.vendor]:
        step.expect(*[partial(raise_database_error, code)] * 3)
        assert_unavailable(Frontend("body").log_in(openid), caplog, code)
        assert step.calls <= 3
        assert_all_or_nothing(None)


@pytest.mark.row_locks
def test_mistakes_in_queries_are_a_500(openid: OpenIDProvider, step: type[FailingStep]) -> None:
    for code in MISTAKES[connection.vendor]:
        step.expect(partial(raise_database_error, code))
        assert error(Frontend("body").log_in(openid)) == (500, "unknown_error"), code
        assert step.calls == 1


def test_missing_table_is_a_500(openid: OpenIDProvider) -> None:
    begun, callback = Frontend("body").authorize(openid)
    execute(f"ALTER TABLE {Nonce._meta.db_table} RENAME TO absent")

    response = Frontend("body").complete(begun, callback)

    execute(f"ALTER TABLE absent RENAME TO {Nonce._meta.db_table}")
    assert error(response) == (500, "unknown_error")
    assert Frontend("body").complete(begun, callback).status_code == 201


def turn_into_a_refusal(exception: Exception) -> None:
    """Raise an exception for the client while a failure of the database is handled."""
    other = connection.copy()
    stop_server(other.settings_dict)
    try:
        other.ensure_connection()
    except OperationalError:
        raise exception  # noqa: B904 - as a project may do it


REFUSALS = [AuthPolicyError(None), ValidationError({"name": ["Unknown."]}), AuthenticationFailed()]


def test_refusal_because_of_a_failure_is_a_503(
    openid: OpenIDProvider, step: type[FailingStep], caplog: Log
) -> None:
    for exception in REFUSALS:
        step.expect(*[partial(turn_into_a_refusal, exception)] * 3)
        assert_unavailable(Frontend("body").log_in(openid), caplog, *DOWN)
        assert_all_or_nothing(None)


def decide_to_refuse() -> None:
    """Raise an exception for the client in place of a failure, on purpose."""
    other = connection.copy()
    stop_server(other.settings_dict)
    try:
        other.ensure_connection()
    except OperationalError:
        raise AuthPolicyError(None) from None


def test_refusal_in_place_of_a_failure_is_that_of_the_project(
    openid: OpenIDProvider, step: type[FailingStep]
) -> None:
    step.expect(decide_to_refuse)

    assert error(Frontend("body").log_in(openid)) == (400, "authentication_disallowed")


# --- Locks -------------------------------------------------------------------------------


class OtherWriter:
    """Another connection to SQLite's file, which takes the only lock for writing.

    :param seconds: for how long it holds the lock.
    """

    def __init__(self, seconds: float) -> None:
        self._file: Any = sqlite3.connect(
            connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False
        )
        self._timer = threading.Timer(seconds, self._file.close)

    def lock(self) -> None:
        """Let the writes of this transaction, which has read already, fail at once."""
        self._file.execute("BEGIN IMMEDIATE")
        self._timer.start()
        Nonce.objects.create(server_url="", timestamp=0, salt="")

    def stop(self) -> None:
        self._timer.cancel()
        self._timer.join()
        self._file.close()


@pytest.fixture
def lock_errors(request: pytest.FixtureRequest) -> Iterator[list[Callable[[], None]]]:
    """Return functions that raise lock errors, one for each attempt.

    With SQLite, another connection holds the lock for longer than pauses without a wait would take.
    """
    if connection.vendor == "sqlite":
        writer = OtherWriter(getattr(request, "param", 0.8))
        yield [writer.lock]
        writer.stop()
    else:
        code = "40001" if connection.vendor == "postgresql" else "1213"
        yield [partial(raise_database_error, code)] * 5


def test_login_waits_for_locks(
    openid: OpenIDProvider,
    step: type[FailingStep],
    lock_errors: list[Callable[[], None]],
    settings: Any,
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, FAIL))
    step.expect(*lock_errors)

    response = Frontend("body").log_in(openid)

    assert response.status_code == 201
    assert step.calls == len(lock_errors) + 1
    assert_all_or_nothing(response.data["token"])


def test_disconnect_waits_for_locks(
    step: type[FailingStep], lock_errors: list[Callable[[], None]]
) -> None:
    ada = user_with(("oidc", "1"), ("github", "2"))
    client = logged_in(ada)
    step.expect(*lock_errors[:3])

    response = disconnect(client, ada.social_auth.get(uid="1"))

    assert response.status_code == 204
    assert uids() == ["2"]
    assert step.calls == len(lock_errors[:3]) + 1


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="Only for SQLite, a setting of Django limits the time."
)
@pytest.mark.parametrize("lock_errors", [60], indirect=True)
def test_lock_that_is_never_free_is_a_503(
    openid: OpenIDProvider,
    database: dict[str, Any],
    step: type[FailingStep],
    lock_errors: list[Callable[[], None]],
    settings: Any,
    caplog: Log,
) -> None:
    database["OPTIONS"] = {**database["OPTIONS"], "timeout": 0.3}
    connection.close()
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, FAIL))
    step.expect(*lock_errors)

    assert_unavailable(Frontend("body").log_in(openid), caplog, "SQLITE_BUSY")


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="Only for SQLite, a setting of Django limits the time."
)
def test_time_that_the_database_waits_for_a_lock_counts(
    openid: OpenIDProvider, database: dict[str, Any], caplog: Log
) -> None:
    database["OPTIONS"] = {**database["OPTIONS"], "timeout": 0.3}
    connection.close()
    begun, callback = Frontend("body").authorize(openid)
    statements = Statements()
    with closing(sqlite3.connect(database["NAME"])) as other, other:
        other.execute("BEGIN IMMEDIATE")
        with connection.execute_wrapper(statements):
            response = Frontend("body").complete(begun, callback)

    assert_unavailable(response, caplog, "SQLITE_BUSY")
    assert len(statements.seen) == 1


# --- Lost connections --------------------------------------------------------------------


@pytest.mark.row_locks
def test_lost_connection_costs_no_login(openid: OpenIDProvider, step: type[FailingStep]) -> None:
    begun, callback = Frontend("body").authorize(openid)
    User.objects.exists()
    kill_connection()  # Before the claim.
    openid.before_userinfo = kill_connection
    step.expect(kill_connection)  # In the pipeline.

    response = Frontend("body").complete(begun, callback)

    assert response.status_code == 201, response.data
    assert_all_or_nothing(response.data["token"])


@pytest.mark.row_locks
def test_connection_that_is_lost_in_each_attempt_is_a_503(
    openid: OpenIDProvider, step: type[FailingStep], caplog: Log
) -> None:
    step.expect(*[kill_connection] * 100)

    response = Frontend("body").log_in(openid)

    assert_unavailable(response, caplog, "57P01", "1927", "2006", "2013", "OperationalError")
    assert step.calls == 3
    assert_all_or_nothing(None)


@pytest.mark.row_locks
def test_connection_in_a_transaction_of_the_caller_is_left_alone(
    openid: OpenIDProvider, step: type[FailingStep], caplog: Log
) -> None:
    step.expect(*[kill_connection] * 100)

    def log_in() -> None:
        with transaction.atomic():
            inner = connection.connection
            assert error(Frontend("body").log_in(openid)) == UNAVAILABLE
            assert connection.connection is inner
            User.objects.exists()

    with pytest.raises(DatabaseError):
        log_in()


class DatabaseStrategy(Strategy):
    """A strategy whose settings are in the database."""

    def get_setting(self, name: str) -> Any:
        User.objects.exists()
        return super().get_setting(name)


@pytest.mark.row_locks
@pytest.mark.parametrize("stateless", [True, False])
def test_lost_connection_costs_no_request_of_a_signed_in_user(
    stateless: bool, openid: OpenIDProvider, settings: Any
) -> None:
    if stateless:
        route_account_views(settings, authentication=STATELESS)
    ada = user_with(("oidc", "1"), ("github", "2"))
    client, github = logged_in(ada), ada.social_auth.get(uid="2")
    connecting = Frontend("body", client=client, below="connect/")

    kill_connection()
    assert list_connections(client).status_code == 200
    kill_connection()
    assert disconnect(client, github).status_code == 204
    kill_connection()
    begun, callback = connecting.authorize(openid)
    kill_connection()
    assert connecting.complete(begun, callback).status_code == 201


@pytest.mark.row_locks
def test_lost_connection_costs_no_request_whose_settings_are_in_the_database(
    openid: OpenIDProvider, configure: Configure
) -> None:
    configure(STRATEGY=f"{__name__}.DatabaseStrategy")
    frontend = Frontend("body")
    User.objects.exists()

    kill_connection()
    assert all(each["capabilities"] for each in frontend.client.get("/auth/o/").data)
    kill_connection()
    begun, callback = Frontend("body").authorize(openid)
    kill_connection()
    assert Frontend("body").complete(begun, callback).status_code == 201


@pytest.fixture
def database_cache(settings: Any) -> Iterator[None]:
    """Use a cache in the database."""
    table = "outage_cache"
    backend = "django.core.cache.backends.db.DatabaseCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": table}}
    call_command("createcachetable", table, verbosity=0)
    yield
    execute(f"DROP TABLE {table}")


@pytest.mark.row_locks
@pytest.mark.usefixtures("database_cache")
def test_lost_connection_costs_no_handoff_in_a_cache_in_the_database(
    openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    begun, posted = Frontend("body").authorize(openid)
    User.objects.exists()

    kill_connection()
    callback = handoff_params(post_to_callback(posted))
    kill_connection()
    assert Frontend("body").complete(begun, callback).status_code == 201


def test_list_of_providers_without_a_server_is_a_503(
    configure: Configure, database: dict[str, Any], caplog: Log
) -> None:
    configure(STRATEGY=f"{__name__}.DatabaseStrategy")
    stop_server(database)

    assert_unavailable(Frontend().client.get("/auth/o/"), caplog, *DOWN)


@pytest.fixture
def pool(database: dict[str, Any]) -> Iterator[None]:
    """Use Django's connection pool, with more connections than a login has attempts."""
    connection.close()
    options = {"min_size": 5, "max_size": 5, "timeout": 10}
    database["OPTIONS"] = {**database["OPTIONS"], "pool": options}
    connection.ensure_connection()
    connection.close()  # All connections are idle then.
    connection.pool.wait()  # type: ignore[attr-defined]  # of PostgreSQL
    yield
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # of PostgreSQL


TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.mark.needs("psycopg_pool")
@pytest.mark.skipif(connection.vendor != "postgresql", reason="Only psycopg has a pool.")
@pytest.mark.usefixtures("pool")
def test_lost_connections_of_a_pool_cost_no_login(openid: OpenIDProvider) -> None:
    begun, callback = Frontend("body").authorize(openid)
    execute(TERMINATE)
    connection.close()

    assert Frontend("body").complete(begun, callback).status_code == 201


def time_out() -> None:
    """Lose the connection as in a network that drops all packets."""
    connection.close()
    driver_error = connection.Database.OperationalError("Connection timed out")
    raise OperationalError(*driver_error.args) from driver_error


def time_out_with_the_others() -> None:
    execute(TERMINATE)
    time_out()


@pytest.mark.needs("psycopg_pool")
@pytest.mark.skipif(connection.vendor != "postgresql", reason="Only psycopg has a pool.")
@pytest.mark.usefixtures("pool")
def test_pool_is_not_checked_after_a_time_out(
    openid: OpenIDProvider, step: type[FailingStep]
) -> None:
    step.expect(time_out, time_out_with_the_others)

    assert error(Frontend("body").log_in(openid)) == UNAVAILABLE
    assert not connection.pool.get_stats().get("connections_lost")


# --- The COMMIT --------------------------------------------------------------------------


@pytest.fixture
def proxy(database: dict[str, Any]) -> Iterator[DatabaseProxy]:
    """Return a proxy between Django and the database."""
    proxy = DatabaseProxy(connection.vendor, database["HOST"], database["PORT"])
    plain = {"sslmode": "disable"} if connection.vendor == "postgresql" else {}
    database.update(HOST="127.0.0.1", PORT=proxy.port, OPTIONS={**database["OPTIONS"], **plain})
    connection.close()
    yield proxy
    proxy.stop()


@pytest.mark.row_locks
@pytest.mark.parametrize("is_stored", [True, False])
def test_login_whose_commit_gets_no_answer_is_a_503(
    is_stored: bool, openid: OpenIDProvider, proxy: DatabaseProxy, caplog: Log
) -> None:
    def cut_the_commit() -> None:
        proxy.word, proxy.forwards = b"COMMIT", is_stored

    openid.before_userinfo = cut_the_commit
    response = Frontend("body").log_in(openid)

    assert_unavailable(response, caplog, "OperationalError", "2006", "2013")
    openid.before_userinfo = lambda: None
    assert_all_or_nothing(Token.objects.get().key if is_stored else None)
    again = Frontend("body").log_in(openid)
    assert again.status_code == 201
    assert_all_or_nothing(again.data["token"])


@pytest.mark.row_locks
@pytest.mark.parametrize("is_stored", [True, False])
def test_claim_that_gets_no_answer_signs_in_at_most_once(
    is_stored: bool, openid: OpenIDProvider, proxy: DatabaseProxy
) -> None:
    begun, callback = Frontend("body").authorize(openid)
    proxy.word, proxy.forwards = Nonce._meta.db_table.encode(), is_stored

    response = Frontend("body").complete(begun, callback)

    assert error(response) == ((400, "state_mismatch") if is_stored else (201, None))
    assert_all_or_nothing(None if is_stored else response.data["token"])
    assert Nonce.objects.count() == 1


# --- Sessions ----------------------------------------------------------------------------


@pytest.fixture
def session_client(settings: Any) -> Any:
    """Return a client whose session is saved in every request, of a user with two connections."""
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    settings.SESSION_SAVE_EVERY_REQUEST = True
    route_account_views(settings, authentication=SESSION)
    client = browser()
    client.force_login(user_with(("oidc", "1"), ("github", "2")))
    return client


def test_session_that_cannot_be_read_is_a_503(
    session_client: Any, database: dict[str, Any], caplog: Log
) -> None:
    stop_server(database)

    assert_unavailable(list_connections(session_client), caplog, *DOWN)


def test_session_that_cannot_be_saved_does_not_replace_the_response(
    session_client: Any, database: dict[str, Any]
) -> None:
    write_nothing(database)

    assert list_connections(session_client).status_code == 200
