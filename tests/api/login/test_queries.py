"""How many queries a login takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext
from rest_framework.authtoken.models import Token
from social_django.models import DjangoStorage, UserSocialAuth

from tests.support.frontend import Frontend
from tests.support.interpreter import python
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import DEFAULT_PIPELINE

# As a project has it: with no transaction around the whole.
pytestmark = [pytest.mark.django_db(transaction=True)]
User = get_user_model()

CONTROL = {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"}


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count what is said to the database, by its first word, however Django knows of it."""
    kinds: Counter[str] = Counter()
    sent: list[str] = []

    def send(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        sent.append(sql)
        return execute(sql, *rest)

    with CaptureQueriesContext(connection) as captured, connection.execute_wrapper(send):
        yield kinds
    kinds.update(query["sql"].split()[0] for query in captured.captured_queries)
    assert len(sent) <= kinds.total()


def queries(kinds: Counter[str]) -> int:
    """Return how many read or write rows."""
    return sum(number for kind, number in kinds.items() if kind not in CONTROL)


def rows() -> int:
    return sum(model._default_manager.count() for model in apps.get_models())


@pytest.fixture
def log_in(openid: OpenIDProvider, frontend: Frontend) -> Callable[[], Counter[str]]:
    """Return what logs in, and returns what that has said to the database."""

    def complete() -> Counter[str]:
        begun = frontend.begin()
        answer = openid.authorize(begun.data["authorization_url"])
        with counted() as kinds:
            completed = frontend.complete(begun, answer)
        assert completed.status_code == 201, completed.data
        user = User.objects.get()
        assert completed.data["token"] == Token.objects.using("default").get(user=user).key
        assert user.last_login is not None
        return kinds

    return complete


def test_begin(openid: OpenIDProvider, frontend: Frontend) -> None:
    before = rows()

    with counted() as kinds:
        assert frontend.begin().status_code == 200

    assert (kinds, rows()) == ({}, before)


def test_a_new_user(log_in: Callable[[], Counter[str]]) -> None:
    kinds = log_in()

    assert kinds == {
        "BEGIN": 1,
        "SELECT": 4,  # the identity, the same of before social-core 6.2, the name, the token
        "INSERT": 4,  # claim, user, identity, token
        "UPDATE": 3,  # what the provider says of the identity and of the user; last_login
        "SAVEPOINT": 4,
        "RELEASE": 4,
        "COMMIT": 1,
    }
    assert queries(kinds) == 11


def test_a_returning_user(log_in: Callable[[], Counter[str]]) -> None:
    log_in()

    for _ in range(2):
        kinds = log_in()
        # Claim; identity and user; token; what the provider says; last_login.
        assert kinds == {"BEGIN": 1, "INSERT": 1, "SELECT": 2, "UPDATE": 2, "COMMIT": 1}
        assert queries(kinds) == 5


def test_a_project_without_autocommit(
    openid: OpenIDProvider, frontend: Frontend, log_in: Callable[[], Counter[str]]
) -> None:
    """Its transaction goes on after a flow that was used already."""
    log_in()
    begun = frontend.begin()
    cookies = deepcopy(frontend.client.cookies)
    callback = openid.authorize(begun.data["authorization_url"])
    transaction.set_autocommit(False)
    try:
        with counted() as kinds:
            first = frontend.complete(begun, callback)
            frontend.client.cookies = cookies
            second = frontend.complete(begun, callback)
        assert User.objects.exists()
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)

    assert (first.status_code, second.status_code) == (201, 400)
    assert kinds["SAVEPOINT"] == 3  # two claims, one login


# --- The token that is read with the user ---------------------------------------------


def test_a_returning_user_without_a_token(log_in: Callable[[], Counter[str]]) -> None:
    log_in()
    Token.objects.all().delete()

    assert queries(log_in()) == 6


class Identities:
    """The project's own way to find an identity."""

    found = False

    def __getattr__(self, name: str) -> Any:
        return getattr(UserSocialAuth, name)

    def get_social_auth(self, *args: Any, **kwargs: Any) -> Any:
        self.found = True
        return UserSocialAuth.get_social_auth(*args, **kwargs)

    def user_exists(self, *args: Any, **kwargs: Any) -> bool:
        return False

    def create_user(self, *args: Any, **kwargs: Any) -> Any:
        return User.objects.create_user(*args, **kwargs)


class Storage(DjangoStorage):
    """A storage with it."""

    user = Identities()


def test_an_identity_in_a_storage_of_the_projects(
    log_in: Callable[[], Counter[str]], settings: Any
) -> None:
    log_in()
    settings.SOCIAL_AUTH_STORAGE = "tests.api.login.test_queries.Storage"

    assert queries(log_in()) == 5
    assert Storage.user.found


def test_a_name_that_is_taken_in_a_storage_of_the_projects(
    openid: OpenIDProvider, frontend: Frontend, settings: Any
) -> None:
    """It sets no savepoint, as social_django does."""
    User.objects.create_user("ada")
    settings.SOCIAL_AUTH_STORAGE = "tests.api.login.test_queries.Storage"

    answer = frontend.log_in(openid)

    assert (answer.status_code, answer.data["error_code"]) == (400, "username_in_use")


def test_tokens_in_a_database_of_their_own() -> None:
    """They cannot be read with the user."""
    outcome = python("-m", "tests.support.tokens_elsewhere")

    assert outcome.returncode == 0, outcome.stderr


class Replicas:
    """A router that reads where nothing can be read."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica" if model is Token else "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"


def test_a_token_is_not_read_from_a_replica(
    log_in: Callable[[], Counter[str]], settings: Any
) -> None:
    """It may have been deleted."""
    log_in()
    settings.DATABASE_ROUTERS = [Replicas()]

    assert queries(log_in()) == 5


def replace_token(user: Any, **kwargs: Any) -> None:
    """Have the token replaced, as a step that ends all other sessions."""
    Token.objects.filter(user=user).delete()
    Token.objects.create(user_id=user.pk)


def test_a_step_that_replaces_the_token(log_in: Callable[[], Counter[str]], settings: Any) -> None:
    log_in()
    settings.SOCIAL_AUTH_PIPELINE = [
        *DEFAULT_PIPELINE,
        "tests.api.login.test_queries.replace_token",
    ]

    log_in()


@pytest.fixture
def receive() -> Iterator[Callable[..., None]]:
    """Return what connects a receiver to ``post_save`` of a model."""
    connected: list[Any] = []

    def connect(receiver: Any, sender: Any) -> None:
        post_save.connect(receiver, sender)
        connected.append((receiver, sender))

    yield connect
    for receiver, sender in connected:
        post_save.disconnect(receiver, sender)


def test_a_token_that_is_made_with_the_user(
    log_in: Callable[[], Counter[str]], receive: Callable[..., None]
) -> None:
    def make(instance: Any, created: bool, **kwargs: Any) -> None:
        if created:
            Token.objects.create(user=instance)

    receive(make, User)

    assert queries(log_in()) == 11


def test_a_token_that_is_made_behind_the_user(
    log_in: Callable[[], Counter[str]], receive: Callable[..., None]
) -> None:
    def make(instance: Any, created: bool, **kwargs: Any) -> None:
        if created:
            Token.objects.create(user_id=instance.pk)

    receive(make, User)

    log_in()


def test_a_token_that_is_deleted_with_a_change_of_the_user(
    openid: OpenIDProvider, log_in: Callable[[], Counter[str]], receive: Callable[..., None]
) -> None:
    log_in()
    openid.userinfo["given_name"] = "Augusta Ada"

    def delete(instance: Any, update_fields: Any, **kwargs: Any) -> None:
        if update_fields is None:  # last_login is saved when the login is answered.
            instance.auth_token.delete()

    receive(delete, User)

    log_in()


def test_a_token_that_is_replaced_during_the_login(
    log_in: Callable[[], Counter[str]], receive: Callable[..., None]
) -> None:
    log_in()
    receive(lambda instance, **kwargs: replace_token(instance.user), UserSocialAuth)

    log_in()
