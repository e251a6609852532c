"""Values that a column cannot hold: the same result on every database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from social_django.models import DjangoStorage, UserSocialAuth

from tests.support.frontend import Frontend, error
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import ASK_NAME, BEFORE_CREATE_USER, pipeline_with

pytestmark = pytest.mark.django_db
User = get_user_model()

HALF = "\ud83d"
MALFORMED = (400, "malformed_response")


def log_in_as(openid: OpenIDProvider, subject: Any, **userinfo: Any) -> Any:
    openid.claims["sub"] = openid.userinfo["sub"] = subject
    openid.userinfo |= userinfo
    return Frontend().log_in(openid)


# --- Descriptive values ---------------------------------------------------------------


@pytest.mark.parametrize("returning", [False, True])
@pytest.mark.parametrize(
    ("userinfo", "names"),
    [
        ({"given_name": "x" * 151, "family_name": "y" * 200}, ("x" * 150, "y" * 150)),
        ({"given_name": HALF + "Ada", "family_name": f"L{HALF}"}, ("\ufffdAda", "L\ufffd")),
        ({"given_name": "A\0da", "family_name": "L\0"}, ("A\ufffdda", "L\ufffd")),
        ({"given_name": None, "family_name": None, "name": "x" * 400}, ("x" * 150, "")),
    ],
)
def test_name_is_cut_to_its_column(
    returning: bool, userinfo: Any, names: Any, openid: OpenIDProvider
) -> None:
    if returning:
        assert log_in_as(openid, "user-1").status_code == 201
        User.objects.update(first_name="", last_name="")

    responses = [log_in_as(openid, "user-1", **userinfo) for _ in range(2)]

    assert [response.status_code for response in responses] == [201, 201], responses[0].data
    assert User.objects.values_list("first_name", "last_name").get() == names


@pytest.fixture
def three_bytes(transactional_db: None) -> Iterator[None]:
    """Store users in a table with MySQL's old character set, if the database is one of MySQL."""
    convert = "ALTER TABLE auth_user CONVERT TO CHARACTER SET {}"
    is_mysql = connection.vendor == "mysql"
    with connection.cursor() as cursor:
        if is_mysql:
            cursor.execute(convert.format("utf8mb3"))
        yield
        if is_mysql:
            cursor.execute(convert.format("utf8mb4"))


def test_name_with_an_emoji_is_stored_as_well_as_the_table_can(
    three_bytes: None, openid: OpenIDProvider
) -> None:
    responses = [
        log_in_as(openid, "user-1", given_name="Ada \U0001f600", family_name="Lovelace")
        for _ in range(2)
    ]

    assert [response.status_code for response in responses] == [201, 201]
    shown = "\ufffd" if connection.vendor == "mysql" else "\U0001f600"
    assert User.objects.values_list("first_name", "last_name").get() == (f"Ada {shown}", "Lovelace")


class LockedUsers(UserSocialAuth):
    """A project's storage that meets another transaction's lock once."""

    calls = 0

    class Meta:
        proxy = True
        app_label = "social_django"

    @classmethod
    def changed(cls, user: Any) -> None:
        LockedUsers.calls += 1
        if LockedUsers.calls == 1:
            raise OperationalError(1205, "Lock wait timeout exceeded")
        super().changed(user)


class LockedStorage(DjangoStorage):
    user = LockedUsers


@pytest.mark.django_db(transaction=True)
def test_lock_on_a_user_whose_name_has_an_emoji_runs_the_pipeline_again(
    openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_STORAGE = f"{__name__}.LockedStorage"

    assert log_in_as(openid, "user-1", given_name="Ada \U0001f600").status_code == 201
    assert LockedUsers.calls == 2


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (HALF, "\ufffd"),
        ({"list": [HALF, {HALF: 1}]}, {"list": ["\ufffd", {"\ufffd": 1}]}),
        ({"list": ["a\0", {"\0": 1}]}, {"list": ["a\ufffd", {"\ufffd": 1}]}),
        (float("nan"), None),
        ([float("inf")], [None]),
        ("\U0001f600", "\U0001f600"),
        ("x" * 5_000, "x" * 5_000),
    ],
)
def test_extra_data_is_stored_without_what_json_columns_refuse(
    paused: bool, value: Any, stored: Any, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_EXTRA_DATA = ["other"]
    frontend = Frontend()
    openid.userinfo["other"] = openid.claims["note"] = value
    if paused:
        settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))

    response = frontend.log_in(openid)
    if paused:
        response = frontend.resume(response, name="Ada")

    assert response.status_code == 201, response.data
    assert UserSocialAuth.objects.get().extra_data["other"] == stored


# --- Identifying values ---------------------------------------------------------------


@pytest.mark.parametrize("subject", ["x" * 256, HALF, f"a{HALF}", "a\0", "\ufffd", " "])
def test_identifier_is_refused_and_not_changed(subject: str, openid: OpenIDProvider) -> None:
    # OpenID Connect limits the length of the claim as well.
    expected = (400, "invalid_claim") if len(subject) > 255 else MALFORMED

    assert error(log_in_as(openid, subject)) == expected
    assert not User.objects.exists()


def test_identifier_of_the_columns_length_is_accepted(openid: OpenIDProvider) -> None:
    responses = [log_in_as(openid, "x" * 255) for _ in range(2)]

    assert [response.status_code for response in responses] == [201, 201]


@pytest.mark.parametrize(
    "email", ["a" * 244 + "@example.com", f"{HALF}@example.com", "a\0@example.com"]
)
def test_address_is_refused_and_not_cut(email: str, openid: OpenIDProvider) -> None:
    assert error(log_in_as(openid, "user-1", email=email)) == MALFORMED
    assert not User.objects.exists()


def test_new_address_of_a_returning_user_is_refused_if_the_project_updates_it(
    openid: OpenIDProvider, settings: Any
) -> None:
    email = "a" * 244 + "@example.com"
    responses = [log_in_as(openid, "user-1"), log_in_as(openid, "user-1", email=email)]
    settings.SOCIAL_AUTH_NO_DEFAULT_PROTECTED_USER_FIELDS = True

    assert [response.status_code for response in responses] == [201, 201]
    assert error(log_in_as(openid, "user-1")) == MALFORMED
    assert User.objects.get().email == "ada@example.com"


def test_identifiers_that_differ_in_case_or_spaces_belong_to_different_persons(
    openid: OpenIDProvider,
) -> None:
    assert log_in_as(openid, "abc").status_code == 201

    others = [log_in_as(openid, subject) for subject in ("ABC", "abc ", "\u00e4bc")]

    if connection.vendor == "mysql":
        # Its collation does not distinguish them, so the unique constraint refuses the others.
        assert {error(other) for other in others} <= {(400, "identity_in_use")}
        assert UserSocialAuth.objects.get().uid == "abc"
    else:
        assert [other.status_code for other in others] == [201] * 3


# --- Storage classes of a project -----------------------------------------------------


class PlainUsers:
    """A project's user storage that is not a model."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(UserSocialAuth, name)


class PlainStorage(DjangoStorage):
    user = PlainUsers()


def test_storage_that_is_not_a_model_is_supported(openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_STORAGE = f"{__name__}.PlainStorage"

    responses = [log_in_as(openid, "user-1") for _ in range(2)]

    assert [response.status_code for response in responses] == [201, 201]
