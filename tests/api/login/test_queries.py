"""The budgets of queries and rows, and the database that a login reads from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import wraps
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.authtoken.models import Token
from social_django.models import AbstractUserSocialAuth, DjangoStorage, UserSocialAuth

from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import ASK_NAME, BEFORE_CREATE_USER, pipeline_with

# As in a project: without a transaction around the request.
pytestmark = [pytest.mark.django_db(transaction=True)]
User = get_user_model()

CONTROL = {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"}


@contextmanager
def counted_statements() -> Iterator[Counter[str]]:
    """Count the SQL statements by their first word."""
    statements: Counter[str] = Counter()
    with CaptureQueriesContext(connection) as captured:
        yield statements
    statements.update(query["sql"].split()[0] for query in captured.captured_queries)


def queries(statements: Counter[str]) -> int:
    return sum(number for word, number in statements.items() if word not in CONTROL)


@pytest.fixture
def log_in(openid: OpenIDProvider, frontend: Frontend) -> Callable[[], Counter[str]]:
    """Return a function that logs in and returns the statements of the completion."""

    def complete() -> Counter[str]:
        begun, callback = frontend.authorize(openid)
        with counted_statements() as statements:
            completed = frontend.complete(begun, callback)
        assert completed.status_code == 201, completed.data
        user = User.objects.using("default").get()
        assert completed.data["token"] == Token.objects.using("default").get(user=user).key
        assert user.last_login is not None
        return statements

    return complete


# --- Budgets --------------------------------------------------------------------------


def test_begin_executes_no_query_and_writes_no_row(
    openid: OpenIDProvider, frontend: Frontend
) -> None:
    with counted_statements() as statements:
        assert frontend.begin().status_code == 200

    assert statements == {}
    assert not any(model._default_manager.exists() for model in (User, *_social_models()))


def _social_models() -> Iterator[Any]:
    # Other tests define models of this app that have no table.
    models = apps.get_app_config("social_django").get_models()
    return (model for model in models if model.__module__ == "social_django.models")


def test_completion_of_new_user_executes_eleven_queries(
    log_in: Callable[[], Counter[str]],
) -> None:
    statements = log_in()

    assert statements == {
        "BEGIN": 1,
        "SELECT": 4,  # the identity, the identity of social-core < 6.2, the user name, the token
        "INSERT": 4,  # claim, user, identity, token
        "UPDATE": 3,  # extra_data, the user's details, last_login
        "SAVEPOINT": 4,
        "RELEASE": 4,
        "COMMIT": 1,
    }
    assert queries(statements) == 11


def test_completion_of_returning_user_executes_five_queries_and_six_with_custom_pipeline(
    log_in: Callable[[], Counter[str]], settings: Any
) -> None:
    log_in()

    for _ in range(2):
        # claim; identity with user, token; extra_data, last_login
        assert log_in() == {"BEGIN": 1, "INSERT": 1, "SELECT": 2, "UPDATE": 2, "COMMIT": 1}

    settings.SOCIAL_AUTH_PIPELINE = pipeline_with()
    assert queries(log_in()) == 6  # is_active is read again.


def test_used_flow_does_not_break_a_transaction_of_the_project(
    openid: OpenIDProvider, frontend: Frontend, log_in: Callable[[], Counter[str]]
) -> None:
    log_in()
    begun, callback = frontend.authorize(openid)
    cookies = deepcopy(frontend.client.cookies)
    transaction.set_autocommit(False)
    try:
        first = frontend.complete(begun, callback)
        frontend.client.cookies = cookies
        second = frontend.complete(begun, callback)
        assert User.objects.exists()
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)

    assert (first.status_code, second.status_code) == (201, 400)


# --- The primary database -------------------------------------------------------------


class ReplicaRouter:
    """Sends reads to a database that does not exist."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"


def test_login_reads_from_the_primary_database(
    log_in: Callable[[], Counter[str]], settings: Any
) -> None:
    settings.DATABASE_ROUTERS = [ReplicaRouter()]

    assert queries(log_in()) == 11
    assert queries(log_in()) == 5


def test_resumed_login_reads_from_the_primary_database(
    openid: OpenIDProvider, frontend: Frontend, settings: Any
) -> None:
    frontend.log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
    settings.DATABASE_ROUTERS = [ReplicaRouter()]

    resumed = frontend.resume(frontend.log_in(openid), name="Ada")

    assert resumed.status_code == 201


# --- Storage classes ------------------------------------------------------------------


@pytest.fixture
def changed_upstream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decorate social_django's query, and have it use ``cls._manager()``."""
    original = AbstractUserSocialAuth.get_social_auth

    @classmethod  # type: ignore[misc]  # the decorated function takes the class
    @wraps(original)
    def get_social_auth(cls: Any, provider: str, uid: str, id_key: str | None = None) -> Any:
        wanted = {"provider": provider, "uid": uid}
        if id_key is not None:
            wanted["id_key"] = id_key
        return cls._manager().select_related("user").filter(**wanted).first()

    monkeypatch.setattr(AbstractUserSocialAuth, "get_social_auth", get_social_auth)


def test_harmless_change_of_the_query_upstream_does_not_break_a_login(
    changed_upstream: None, log_in: Callable[[], Counter[str]]
) -> None:
    assert queries(log_in()) == 11
    assert queries(log_in()) == 5


class ProjectUsers:
    """A project's user storage, which is not a model and sets no savepoint."""

    calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(UserSocialAuth, name)

    def get_social_auth(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return UserSocialAuth.get_social_auth(*args, **kwargs)

    def get_user(self, *args: Any, **kwargs: Any) -> Any:
        return UserSocialAuth.get_user(*args, **kwargs)

    def user_exists(self, *args: Any, **kwargs: Any) -> bool:
        return False

    def create_user(self, *args: Any, **kwargs: Any) -> Any:
        return User.objects.create_user(*args, **kwargs)


class ProjectPartials:
    """A project's storage of paused pipelines, which is not a model."""

    def __getattr__(self, name: str) -> Any:
        return getattr(DjangoStorage.partial, name)


class ProjectStorage(DjangoStorage):
    user = ProjectUsers()
    partial = ProjectPartials()


def test_methods_of_a_project_storage_are_called(
    log_in: Callable[[], Counter[str]], openid: OpenIDProvider, frontend: Frontend, settings: Any
) -> None:
    log_in()
    settings.SOCIAL_AUTH_STORAGE = "tests.api.login.test_queries.ProjectStorage"

    assert queries(log_in()) == 5
    assert ProjectStorage.user.calls
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
    assert frontend.resume(frontend.log_in(openid), name="Ada").status_code == 201


def test_taken_username_in_a_project_storage_is_rejected(
    openid: OpenIDProvider, frontend: Frontend, settings: Any
) -> None:
    User.objects.create_user("ada")
    settings.SOCIAL_AUTH_STORAGE = "tests.api.login.test_queries.ProjectStorage"

    assert error(frontend.log_in(openid)) == (400, "username_in_use")


def replace_token(user: Any, **kwargs: Any) -> None:
    """End all other sessions of a user, as a pipeline step."""
    Token.objects.filter(user=user).delete()
    Token.objects.create(user_id=user.pk)


def test_step_that_replaces_the_token_is_respected(
    log_in: Callable[[], Counter[str]], settings: Any
) -> None:
    log_in()
    path = "tests.api.login.test_queries.replace_token"
    settings.SOCIAL_AUTH_PIPELINE = [*pipeline_with(), path]

    log_in()
