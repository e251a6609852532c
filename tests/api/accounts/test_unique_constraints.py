"""Unique constraints of the user model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import F, UniqueConstraint
from django.db.models.functions import Lower
from social_django.models import UserSocialAuth

from tests.support.concurrency import THREADS
from tests.support.email_policies import EMAIL, assert_in_use, assert_only_account
from tests.support.frontend import Frontend, error
from tests.support.newcomers import Newcomers
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import (
    AFTER_GET_USERNAME,
    AFTER_SOCIAL_USER,
    ASK_NAME,
    pipeline_with,
)

pytestmark = pytest.mark.django_db
User = get_user_model()

HERE = "tests.api.accounts.test_unique_constraints"


def choose_username(*args: Any, **kwargs: Any) -> dict[str, Any]:
    return {"username": "ada"}


def remove_required_value(details: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Set a column to NULL that must have a value."""
    return {"details": {**details, "is_staff": None}}


@pytest.fixture
def index(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[None]:
    """Create a unique index on an expression of the users' table, if there is one."""
    expression = request.param
    if expression is None:
        yield
        return
    on_table = ""
    if connection.vendor == "mysql":  # Its collation ignores case.
        expression = expression.removeprefix("lower(").removesuffix(")")
        on_table = " ON auth_user"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE UNIQUE INDEX of_the_tests ON auth_user ({expression})")
    yield
    User.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX of_the_tests{on_table}")


@pytest.mark.parametrize(
    ("index", "stored"),
    [("email", EMAIL), ("lower(email)", EMAIL), ("lower(email)", EMAIL.upper())],
    indirect=["index"],
)
def test_taken_address_is_rejected(
    stored: str, index: None, frontend: Frontend, openid: OpenIDProvider
) -> None:
    User.objects.create(username="taken", email=stored, is_active=stored == EMAIL)

    assert_in_use(frontend.log_in(openid))
    assert_only_account()


@pytest.mark.parametrize("index", ["email", "lower(email)"], indirect=True)
def test_address_taken_during_a_pause_is_rejected(
    index: None, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, ASK_NAME))
    paused = frontend.log_in(openid)
    User.objects.create(username="faster", email=EMAIL)

    assert_in_use(frontend.resume(paused, name="Ada"))
    assert User.objects.count() == 1


@pytest.mark.parametrize("index", ["email", "lower(email)"], indirect=True)
@pytest.mark.parametrize("email", [None, "", " "])
def test_missing_address_is_not_reported_as_taken(
    email: str | None, index: None, frontend: Frontend, openid: OpenIDProvider
) -> None:
    User.objects.create(username="other", email="")
    openid.userinfo["email"] = email

    assert error(frontend.log_in(openid)) == (400, "profile_email_missing")
    assert User.objects.count() == 1


@pytest.mark.parametrize("index", ["lower(email)"], indirect=True)
def test_simultaneous_first_logins_with_one_address_create_one_account(
    index: None, newcomers: Newcomers
) -> None:
    completed = newcomers.log_in()

    assert sorted(response.status_code for response in completed) == [201] + [400] * (THREADS - 1)
    codes = {response.data.get("error_code", "email_in_use") for response in completed}
    assert codes == {"email_in_use"}
    assert User.objects.count() == UserSocialAuth.objects.count() == 1


@pytest.fixture
def choosing_username(settings: Any) -> None:
    step = (AFTER_GET_USERNAME, f"{HERE}.choose_username")
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with(step)


@pytest.mark.parametrize(
    ("index", "taken"),
    [(None, "ada"), ("lower(username)", "ada"), ("lower(username)", "ADA")],
    indirect=["index"],
)
def test_taken_username_of_a_step_is_rejected(
    taken: str, index: None, choosing_username: None, frontend: Frontend, openid: OpenIDProvider
) -> None:
    User.objects.create(username=taken)

    assert_in_use(frontend.log_in(openid), "username")
    assert_only_account()


@pytest.mark.parametrize("index", ["lower(username)"], indirect=True)
def test_username_that_differs_in_case_is_replaced_if_the_model_says_so(
    index: None, frontend: Frontend, openid: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    constraints = [UniqueConstraint(Lower(name), name=name) for name in ("email", "username")]
    constraints.append(UniqueConstraint(F("username"), name="plain"))
    monkeypatch.setattr(User._meta, "constraints", constraints)
    User.objects.create(username="ADA")

    assert frontend.log_in(openid).status_code == 201
    assert User.objects.latest("pk").username.startswith("ada")


@pytest.mark.parametrize("index", ["last_name"], indirect=True)
def test_other_unique_column_is_an_unknown_error(
    index: None, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_USER_FIELDS = ["username", "email", "last_name"]
    User.objects.create(username="other", last_name="Lovelace")

    assert error(frontend.log_in(openid)) == (500, "unknown_error")
    assert_only_account()


@pytest.mark.django_db(transaction=True)
def test_missing_value_is_not_reported_as_taken_address(
    ada: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_USER_FIELDS = ["username", "email", "is_staff"]
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((1, f"{HERE}.remove_required_value"))

    assert error(frontend.log_in(openid)) == (500, "unknown_error")
    assert_only_account()


def test_several_accounts_for_associate_by_email_are_rejected(
    ada: Any, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    step = "social_core.pipeline.social_auth.associate_by_email"
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((AFTER_SOCIAL_USER, step))
    User.objects.create(username="other", email=EMAIL)

    assert_in_use(frontend.log_in(openid))
    assert not UserSocialAuth.objects.exists()
