"""Indexes for the searches of a login: the recipes, the check, and the plans of the queries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, connections, migrations, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Collate, Lower, Upper
from django.test.utils import CaptureQueriesContext

from docs.recipes import email_index
from tests.support.checks import findings
from tests.support.configuration import Configure
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import DOCS, code_blocks
from tests.support.pipeline import AFTER_SOCIAL_USER, pipeline_with

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unique_email")]
changes_tables = pytest.mark.django_db(transaction=True)
# PostgreSQL rolls the index back, which is faster than to empty all tables after the test.
adds_index = pytest.mark.django_db(transaction=connection.vendor != "postgresql")
User = get_user_model()

VENDOR = connection.vendor
NAME = "of_the_tests"
CONSTRAINTS: dict[str, Any] = {
    "postgresql": models.UniqueConstraint(Upper("email"), name=NAME),
    "mysql": models.UniqueConstraint(fields=["email"], name=NAME),
    "sqlite": models.UniqueConstraint(Collate("email", "NOCASE"), name=NAME),
}
UNSUITABLE = {
    "postgresql": models.Index(Lower("email"), name=NAME),
    "mysql": models.Index(fields=["last_name", "email"], name=NAME),
    "sqlite": models.Index(fields=["email"], name=NAME),
}
BY_EMAIL = "social_core.pipeline.social_auth.associate_by_email"
BY_VERIFIED_EMAIL = "social_endpoints.pipeline.associate_by_verified_email"


def check(*aliases: str) -> list[str]:
    """Run the checks for databases and return their ids."""
    messages = findings(databases=aliases or ["default"])
    assert all(message.hint and not message.is_serious() for message in messages)
    return [message.id.removeprefix("social_endpoints.") for message in messages]


def run(operation: Any, *, backwards: bool = False) -> None:
    """Run an operation of a migration in the app of Django's user model."""
    before = MigrationExecutor(connection).loader.project_state()
    after = before.clone()
    operation.state_forwards("auth", after)
    with connection.schema_editor(atomic=False) as editor:
        if backwards:
            operation.database_backwards("auth", editor, after, before)
        else:
            operation.database_forwards("auth", editor, before, after)


@pytest.fixture
def add() -> Iterator[Callable[[Any], None]]:
    """Return a function that adds an index or a constraint until the end of the test."""
    with ExitStack() as stack:

        def add_to_users(index: Any) -> None:
            is_constraint = isinstance(index, models.UniqueConstraint)
            kind = migrations.AddConstraint if is_constraint else migrations.AddIndex
            run(kind("user", index))
            if not connection.in_atomic_block:  # Otherwise it is rolled back.
                stack.callback(User.objects.all().delete)
                stack.callback(run, kind("user", index), backwards=True)

        yield add_to_users


# --- The recipes ----------------------------------------------------------------------


@changes_tables
def test_recipe_creates_the_index_of_any_user_model() -> None:
    (operation,) = email_index.Migration.operations
    assert check() == ["W031"]

    run(operation)
    indexed = check()
    run(operation, backwards=True)

    assert (indexed, check()) == ([], ["W031"])


def test_recipe_runs_after_the_migrations_of_djangos_user_model() -> None:
    (newest,) = MigrationExecutor(connection).loader.graph.leaf_nodes("auth")

    assert newest in email_index.Migration.dependencies


@changes_tables
def test_recipe_leaves_other_databases_alone(settings: Any) -> None:
    settings.DATABASE_ROUTERS = [f"{__name__}.ElsewhereRouter"]

    run(*email_index.Migration.operations)
    settings.DATABASE_ROUTERS = []

    assert check() == ["W031"]


class ElsewhereRouter:
    """The users are in another database."""

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return "elsewhere" if model is User else None

    def allow_migrate(self, alias: str, app_label: str, **hints: Any) -> bool:
        return False


@changes_tables
@pytest.mark.skipif(VENDOR != "postgresql", reason="only PostgreSQL has this operation")
def test_recipe_for_a_large_table_of_the_project_creates_the_index() -> None:
    blocks = code_blocks(DOCS / "backend/unique_emails.rst", "python")
    project: dict[str, Any] = {}
    exec(next(each for each in blocks if "AddIndexConcurrently" in each), project)
    (operation,) = project["Migration"].operations
    assert project["Migration"].atomic is False

    run(operation)
    indexed = check()
    run(operation, backwards=True)

    assert indexed == []


# --- The check ------------------------------------------------------------------------


@adds_index
def test_index_of_the_hint_is_accepted(add: Callable[[Any], None]) -> None:
    (message,) = findings(databases=["default"])
    match = re.search(r"Index\(.+name=\.\.\.\)", str(message.hint))
    assert match
    names = {"Index": models.Index, "Upper": Upper, "Collate": Collate}
    add(eval(match[0].replace("...", repr(NAME)), names))

    assert check() == []


@adds_index
def test_constraint_is_accepted(add: Callable[[Any], None]) -> None:
    add(CONSTRAINTS[VENDOR])

    assert check() == []


@adds_index
def test_unsuitable_index_is_reported(add: Callable[[Any], None]) -> None:
    add(UNSUITABLE[VENDOR])

    assert check() == ["W031"]


@pytest.mark.parametrize("step", [BY_EMAIL, BY_VERIFIED_EMAIL, None])
def test_check_examines_projects_that_look_for_addresses(
    step: str | None, configure: Configure, settings: Any
) -> None:
    configure(UNIQUE_EMAIL=False)
    if step:
        settings.SOCIAL_AUTH_GITHUB_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, step))

    assert check() == (["W031"] if step else [])


def test_check_examines_only_the_database_of_the_users(settings: Any) -> None:
    assert findings() == []

    settings.DATABASE_ROUTERS = [f"{__name__}.ElsewhereRouter"]
    assert check() == []


@changes_tables
def test_check_accepts_a_database_without_the_table() -> None:
    def rename(name: str, new_name: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {name} RENAME TO {new_name}")

    rename("auth_user", "not_yet_migrated")
    try:
        assert check() == []
    finally:
        rename("not_yet_migrated", "auth_user")


def test_check_accepts_an_unknown_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(connections["default"]), "vendor", "oracle")

    assert check() == []


def test_check_accepts_a_user_model_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(User, "EMAIL_FIELD", "mail")

    assert check() == []


def test_check_leaves_the_settings_of_an_open_transaction_alone() -> None:
    with transaction.atomic():
        assert check() == ["W031"]
        if VENDOR == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SHOW enable_seqscan")
                assert cursor.fetchone() == ("on",)


@changes_tables
@pytest.mark.skipif(VENDOR != "mysql", reason="other databases ignore case in each collation")
def test_collation_that_distinguishes_case_is_reported() -> None:
    def change(collation: str) -> None:
        with connection.cursor() as cursor:
            column = f"email varchar(254) COLLATE {collation} NOT NULL"
            cursor.execute(f"ALTER TABLE auth_user MODIFY {column}")

    change("utf8mb4_bin")
    try:
        assert check() == ["W031", "W032"]
    finally:
        change("utf8mb4_general_ci")
    assert check() == ["W031"]


# --- The plans ------------------------------------------------------------------------


def plan(sql: str) -> str:
    """Return the plan of a query, of a table that is large."""
    explain = {"mysql": "EXPLAIN FORMAT=JSON", "sqlite": "EXPLAIN QUERY PLAN"}
    with transaction.atomic(), connection.cursor() as cursor:
        if VENDOR == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"{explain.get(VENDOR, 'EXPLAIN')} {sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def searches(openid: OpenIDProvider, frontend: Frontend, column: str) -> list[str]:
    """Log in for the first time; return the queries that search the users by a column."""
    begun, callback = frontend.authorize(openid)
    with CaptureQueriesContext(connection) as captured:
        assert frontend.complete(begun, callback).status_code == 201
    quoted = connection.ops.quote_name(column)
    queries = [each["sql"] for each in captured if each["sql"].startswith("SELECT")]
    return [sql for sql in queries if quoted in sql.partition(" WHERE ")[2]]


@pytest.mark.parametrize("active_filter", [None, {"is_active": True}, {"groups__isnull": True}, {}])
@adds_index
def test_index_serves_each_search_by_address(
    active_filter: Any,
    add: Callable[[Any], None],
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    add(CONSTRAINTS[VENDOR])
    if active_filter is not None:
        settings.SOCIAL_AUTH_ACTIVE_USERS_FILTER = active_filter
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, BY_VERIFIED_EMAIL))
    openid.userinfo["email_verified"] = True

    queries = searches(openid, Frontend(), "email")

    assert len(queries) == 2  # the step and UNIQUE_EMAIL
    for query in queries:
        assert NAME in plan(query)
        assert "SCAN" not in plan(query)  # as SQLite reports a table that is read as a whole


@pytest.mark.skipif(VENDOR == "mysql", reason="MariaDB has no constraints on expressions")
@adds_index
def test_constraint_on_the_lower_case_serves_the_search_by_username(
    add: Callable[[Any], None], openid: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    constraint = models.UniqueConstraint(Lower("username"), name=NAME)
    monkeypatch.setattr(User._meta, "constraints", [constraint])
    add(constraint)

    (query,) = searches(openid, Frontend(), "username")

    assert NAME in plan(query)
