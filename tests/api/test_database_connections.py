"""Database connections while a provider on a real socket is asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection, connections, transaction
from django.db.backends.signals import connection_created

from tests.support import http_provider
from tests.support.accounts import DISCONNECT_PIPELINE, disconnect, logged_in, user_with
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, error
from tests.support.id_token_providers import hexadecimal
from tests.support.native import post_tokens
from tests.support.openid_provider import OpenIDProvider
from tests.support.signals import received

User = get_user_model()
pytestmark = pytest.mark.django_db(transaction=True)

COUNT = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT count(*) FROM information_schema.processlist"
    " WHERE db = database() AND id <> connection_id()",
}
KILL = {
    "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT concat('KILL ', id) FROM information_schema.processlist"
    " WHERE db = database() AND id <> connection_id()",
}
HAS_SERVER = pytest.mark.skipif(connection.vendor not in COUNT, reason="SQLite has no server.")
POSTGRESQL = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="Roles and pools are PostgreSQL's."
)
HAS_POOL = [pytest.mark.needs("psycopg_pool"), POSTGRESQL]


@dataclass
class Observer:
    """Calls ``look`` in the provider's thread, for each request that the provider receives."""

    look: Callable[[], Any]
    provider: OpenIDProvider
    seen: dict[str, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.provider.before_response = self._observe

    def _observe(self, path: str) -> None:
        try:
            self.seen.setdefault(path, []).append(self.look())
        finally:
            connections.close_all()  # Those of the provider's thread.


@pytest.fixture
def provider(settings: Any) -> Iterator[OpenIDProvider]:
    """Return an OpenID provider on a real socket, with an endpoint that revokes tokens."""
    cache.clear()
    with http_provider.served() as (url, provider):
        settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = url
        provider.endpoints["revocation_endpoint"] = f"{url}/revoke"
        yield provider
    cache.clear()


@pytest.fixture
def is_open() -> Callable[[], bool]:
    """Return a function that says whether the test's own connection is open."""
    own = connections["default"]
    return lambda: own.connection is not None


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Use Django's connection pool, with a single connection."""
    options = {"min_size": 1, "max_size": 1, "timeout": 3}
    connection.close()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "pool", options)
    yield options
    connection.close()
    pooled: Any = connection
    pooled.close_pool()


@contextmanager
def another_database(alias: str, **settings: Any) -> Iterator[Any]:
    """Add a database to the project, and open a connection to it."""
    connections.settings[alias] = {**connections.settings["default"], **settings}
    try:
        connections[alias].connect()
        yield connections[alias]
    finally:
        connections[alias].close()
        if (inner := connections[alias].connection) is not None:
            inner.close()  # Django keeps a database in memory open.
        del connections[alias], connections.settings[alias]


def log_in(provider: OpenIDProvider, client: Any = None) -> Any:
    frontend = Frontend("body", **({"client": client, "below": "connect/"} if client else {}))
    begun = frontend.begin()
    return frontend.complete(begun, provider.authorize(begun.data["authorization_url"]))


def connect(provider: OpenIDProvider) -> Any:
    return log_in(provider, logged_in(User.objects.create_user("grace")))


def sign_in_natively(provider: OpenIDProvider) -> Any:
    User.objects.count()  # As a middleware of the project may do.
    now = int(time.time())
    claims = {"iss": provider.url, "aud": "our-client-id", "iat": now, "exp": now + 60}
    claims |= {"sub": "1", "preferred_username": "ada", "nonce": hexadecimal("nonce")}
    id_token = jwt.encode(claims, provider.private_key, "RS256", headers={"kid": "1"})
    return post_tokens("oidc", id_token=id_token, nonce="nonce")


def disconnect_and_revoke(provider: OpenIDProvider) -> Any:
    ada = user_with(("oidc", "1"), ("github", "2"))
    return disconnect(logged_in(ada), ada.social_auth.get(uid="1"))


ENDPOINTS = pytest.mark.parametrize(
    ("call", "status", "paths"),
    [
        (log_in, 201, {"/.well-known/openid-configuration", "/token", "/jwks", "/userinfo"}),
        (connect, 201, {"/.well-known/openid-configuration", "/token", "/jwks", "/userinfo"}),
        (sign_in_natively, 201, {"/.well-known/openid-configuration", "/jwks"}),
        (disconnect_and_revoke, 204, {"/.well-known/openid-configuration", "/revoke"}),
    ],
)


@pytest.fixture
def _every_endpoint(settings: Any, configure: Configure) -> None:
    configure(NATIVE_PROVIDERS=["oidc"])
    settings.SOCIAL_AUTH_REVOKE_TOKENS_ON_DISCONNECT = True
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = DISCONNECT_PIPELINE


@ENDPOINTS
@pytest.mark.usefixtures("_every_endpoint")
def test_no_connection_is_open_while_the_provider_is_asked(
    call: Callable[[OpenIDProvider], Any],
    status: int,
    paths: set[str],
    provider: OpenIDProvider,
    is_open: Callable[[], bool],
    configure: Configure,
) -> None:
    configure(RELEASE_DATABASE_CONNECTIONS=True)
    connection.ensure_connection()
    observer = Observer(is_open, provider)

    response = call(provider)

    assert response.status_code == status, response.data
    assert observer.seen.keys() == paths
    assert not any(map(any, observer.seen.values()))


@pytest.mark.parametrize("choice", ["auto", False])
def test_connection_outside_of_a_pool_is_kept(
    choice: Any, provider: OpenIDProvider, is_open: Callable[[], bool], configure: Configure
) -> None:
    configure(RELEASE_DATABASE_CONNECTIONS=choice)
    observer = Observer(is_open, provider)

    assert log_in(provider).status_code == 201
    assert observer.seen["/token"] == observer.seen["/userinfo"] == [True]


def test_request_to_no_provider_keeps_the_connection(
    provider: OpenIDProvider, configure: Configure
) -> None:
    configure(RELEASE_DATABASE_CONNECTIONS=True)
    Frontend("body").begin()
    connection.ensure_connection()
    before = connection.connection

    Frontend("body").begin()

    assert connection.connection is before


def test_login_opens_one_connection_again(provider: OpenIDProvider, configure: Configure) -> None:
    configure(RELEASE_DATABASE_CONNECTIONS=True)
    frontend = Frontend("body")
    begun = frontend.begin()
    callback = provider.authorize(begun.data["authorization_url"])
    connection.ensure_connection()

    with received(connection_created) as opened:
        assert frontend.complete(begun, callback).status_code == 201

    assert len(opened) == 1


@HAS_SERVER
def test_server_has_no_connection_of_a_login_that_waits(
    provider: OpenIDProvider, configure: Configure
) -> None:
    configure(RELEASE_DATABASE_CONNECTIONS=True)
    observer = Observer(least_connections, provider)

    assert log_in(provider).status_code == 201
    assert observer.seen["/token"] == observer.seen["/userinfo"] == [0]


def least_connections() -> int:
    """Return how many connections the server has, after it had time to close them."""
    for _ in range(400):
        with connection.cursor() as cursor:
            cursor.execute(COUNT[connection.vendor])
            count = int(cursor.fetchone()[0])
        if not count:
            break
        time.sleep(0.01)
    return count


@HAS_SERVER
def test_login_survives_a_server_that_closes_connections_meanwhile(
    provider: OpenIDProvider, configure: Configure
) -> None:
    configure(RELEASE_DATABASE_CONNECTIONS=True)
    Observer(close_all_by_server, provider)

    assert log_in(provider).status_code == 201


def close_all_by_server() -> None:
    with connection.cursor() as cursor:
        cursor.execute(KILL[connection.vendor])
        for (statement,) in cursor.fetchall():
            if connection.vendor == "mysql":
                cursor.execute(statement)


@pytest.fixture
def busy_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Connect as a role that may have one connection.

    :return: a function that takes this connection for a moment, in another thread.
    """
    role = f"one_connection_{connection.settings_dict['NAME']}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 1")
        for objects in ("TABLES", "SEQUENCES"):
            cursor.execute(f"GRANT ALL ON ALL {objects} IN SCHEMA public TO {role}")
    connection.close()
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "USER", role)
        other = connections.create_connection("default")
        other.inc_thread_sharing()

        def take() -> None:
            other.ensure_connection()
            threading.Timer(0.3, other.close).start()

        yield take
        connection.close()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP OWNED BY {role}")
        cursor.execute(f"DROP ROLE {role}")


@POSTGRESQL
def test_login_waits_for_a_server_without_a_free_connection(
    provider: OpenIDProvider, configure: Configure, busy_server: Callable[[], None]
) -> None:
    configure(RELEASE_DATABASE_CONNECTIONS=True)
    provider.before_userinfo = busy_server

    assert log_in(provider).status_code == 201


@pytest.mark.parametrize("choice", [True, "auto"])
def test_open_transaction_keeps_its_connection(
    choice: Any, provider: OpenIDProvider, is_open: Callable[[], bool], configure: Configure
) -> None:
    configure(RELEASE_DATABASE_CONNECTIONS=choice)
    observer = Observer(is_open, provider)

    with transaction.atomic():
        before = connection.connection
        assert log_in(provider).status_code == 201
        assert connection.connection is before
        transaction.set_rollback(True)

    assert observer.seen["/token"] == observer.seen["/userinfo"] == [True]
    assert not User.objects.exists()


def test_connection_without_autocommit_is_kept(
    provider: OpenIDProvider, configure: Configure, tmp_path: Path
) -> None:
    configure(RELEASE_DATABASE_CONNECTIONS=True)
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db"), "OPTIONS": {}}

    with another_database("manual", **sqlite, AUTOCOMMIT=False) as manual:
        before = manual.connection
        assert log_in(provider).status_code == 201
        assert manual.connection is before


@pytest.mark.parametrize(("name", "expected"), [("file", False), (":memory:", True)])
def test_every_open_database_is_released_but_one_in_memory(
    name: str, expected: bool, provider: OpenIDProvider, configure: Configure, tmp_path: Path
) -> None:
    configure(RELEASE_DATABASE_CONNECTIONS=True)
    path = name if name == ":memory:" else str(tmp_path / name)
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": path, "OPTIONS": {}}

    with another_database("other", **sqlite) as other:
        before = other.connection
        observer = Observer(lambda: other.connection is before, provider)
        assert log_in(provider).status_code == 201

    assert observer.seen["/token"] == observer.seen["/userinfo"] == [expected]


@pytest.mark.usefixtures("pool", "_every_endpoint")
class TestPool:
    """Django's pool, with one connection for the login and for the provider's thread."""

    pytestmark = HAS_POOL

    @ENDPOINTS
    def test_others_use_the_pool_while_the_provider_is_asked(
        self,
        call: Callable[[OpenIDProvider], Any],
        status: int,
        paths: set[str],
        provider: OpenIDProvider,
    ) -> None:
        observer = Observer(User.objects.exists, provider)

        response = call(provider)

        assert response.status_code == status, response.data
        assert observer.seen.keys() == paths
        pooled: Any = connection
        assert pooled.pool.get_stats().get("requests_errors", 0) == 0

    def test_off_switch_keeps_the_connection(
        self, provider: OpenIDProvider, is_open: Callable[[], bool], configure: Configure
    ) -> None:
        configure(RELEASE_DATABASE_CONNECTIONS=False)
        observer = Observer(is_open, provider)

        assert log_in(provider).status_code == 201
        assert observer.seen["/token"] == observer.seen["/userinfo"] == [True]

    def test_pool_without_a_free_connection_is_a_503(
        self, provider: OpenIDProvider, pool: dict[str, Any]
    ) -> None:
        pool["timeout"] = 0.5
        other = connection.copy()
        other.inc_thread_sharing()
        provider.before_userinfo = other.ensure_connection

        response = log_in(provider)
        other.close()

        assert error(response) == (503, "storage_unavailable")
        assert response.data["error_recovery"] == "retry_later"
        provider.before_userinfo = lambda: None
        assert log_in(provider).status_code == 201
