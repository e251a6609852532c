"""The list of the current user's connections."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.db.models import JSONField, Value
from django.utils.dateparse import parse_datetime
from rest_framework.pagination import (
    CursorPagination,
    LimitOffsetPagination,
    PageNumberPagination,
)
from rest_framework.test import APIClient
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_django.models import UserSocialAuth

from tests.support.account_views import route_account_views
from tests.support.accounts import (
    CONNECTION_FIELDS,
    LAST_LOGIN,
    SECRET,
    disconnect,
    list_connections,
    logged_in,
    uids,
    user_with,
)
from tests.support.authentication import FIXED, FixedAuthentication
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db


def listed(response: Any) -> list[str]:
    body = response.json()
    return [one["uid"] for one in (body if isinstance(body, list) else body["results"])]


def test_list_contains_the_connections_of_the_user_without_secrets(ada: Any) -> None:
    user_with(("github", "3"), username="alan")

    response = list_connections(logged_in(ada))

    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    assert SECRET not in response.content.decode()
    first, second = ada.social_auth.order_by("pk")
    shown = json.loads(response.content)
    assert [(one["id"], one["provider"], one["title"], one["uid"]) for one in shown] == [
        (first.pk, "oidc", "OpenID Connect", "1"),
        (second.pk, "github", "GitHub", "2"),
    ]
    assert shown[0].keys() == CONNECTION_FIELDS
    assert parse_datetime(shown[0]["created"]) == first.created
    assert parse_datetime(shown[0]["last_used"]) == datetime.fromtimestamp(LAST_LOGIN, UTC)


def test_list_takes_two_queries(ada: Any, django_assert_num_queries: Any) -> None:
    client = logged_in(ada)
    for number in range(20):
        ada.social_auth.create(provider="github", uid=f"more-{number}")

    with django_assert_num_queries(2):  # The token's user, and the connections.
        assert len(list_connections(client).data) == 22


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "UTC"])
def test_times_are_in_one_time_zone_without_time_zone_support(
    zone: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.USE_TZ, settings.TIME_ZONE = False, zone
    ada = user_with()
    frontend.client, frontend.below = logged_in(ada), "connect/"

    connected = frontend.log_in(openid).json()

    (shown,) = list_connections(frontend.client).json()
    created, last_used = parse_datetime(shown["created"]), parse_datetime(shown["last_used"])
    now = datetime.now(ZoneInfo(zone)).replace(tzinfo=None)
    assert created is not None
    assert last_used is not None
    assert abs(created - last_used) < timedelta(minutes=1)
    assert abs(now - last_used) < timedelta(minutes=1)
    assert connected == shown


# --- last_used ------------------------------------------------------------------------


@pytest.mark.parametrize("auth_time", [None, "1700000000", -5, 10**30, 1.5, [], {}])
def test_last_used_is_the_last_change_without_a_valid_auth_time(auth_time: Any) -> None:
    user = user_with(("oidc", "1"))
    user.social_auth.update(extra_data={"auth_time": auth_time})

    (shown,) = list_connections(logged_in(user)).data

    assert parse_datetime(shown["last_used"]) == user.social_auth.get().modified


@pytest.mark.parametrize("extra_data", ['{"auth_time": 1}', "", [], None])
def test_extra_data_of_older_versions_is_listed_and_disconnected(ada: Any, extra_data: Any) -> None:
    social = ada.social_auth.get(uid="1")
    ada.social_auth.filter(pk=social.pk).update(extra_data=Value(extra_data, JSONField()))
    client = logged_in(ada)

    shown, response = list_connections(client), disconnect(client, social)

    assert shown.status_code == 200
    assert parse_datetime(shown.data[0]["last_used"]) == social.modified
    assert response.status_code == 204


def test_last_used_follows_the_logins(frontend: Frontend, openid: OpenIDProvider) -> None:
    frontend.log_in(openid)
    UserSocialAuth.objects.update(extra_data={"auth_time": 1})
    frontend.log_in(openid)

    (shown,) = list_connections(logged_in(UserSocialAuth.objects.get().user)).data

    assert datetime.fromisoformat(shown["last_used"]).year > 2000


# --- Titles ---------------------------------------------------------------------------


class Untitled(OpenIdConnectAuth):
    name = "untitled"

    @classmethod
    def get_title(cls, strategy: Any) -> str:
        raise KeyError(SECRET)


def test_missing_or_failing_title_is_replaced_with_the_name_and_logged(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Untitled"]

    # "myspace" is not configured any more.
    response = list_connections(logged_in(user_with(("untitled", "1"), ("myspace", "2"))))

    assert [one["title"] for one in response.data] == ["untitled", "myspace"]
    assert "exception=KeyError" in caplog.text
    assert SECRET not in caplog.text


class TitledInDatabase(OpenIdConnectAuth):
    name = "titled-in-database"

    @classmethod
    def get_title(cls, strategy: Any) -> str:
        raise OperationalError(SECRET)


def test_title_that_the_database_cannot_return_is_a_503(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.TitledInDatabase"]

    response = list_connections(logged_in(user_with(("titled-in-database", "1"))))

    assert (response.status_code, response.data["error_code"]) == (503, "storage_unavailable")


# --- Pages ----------------------------------------------------------------------------


class OnePerPage(PageNumberPagination):
    page_size = 1


class TwoPerPage(PageNumberPagination):
    page_size = 2


class TwoPerSlice(LimitOffsetPagination):
    default_limit = 2


class OnePerCursor(CursorPagination):
    page_size = 1


@pytest.mark.parametrize(
    ("pagination", "query", "first_page"),
    [
        (TwoPerPage, {"page": 2}, ["1", "2"]),
        (TwoPerSlice, {"offset": 2}, ["1", "2"]),
        (OnePerPage, {"page": 3}, ["1"]),
    ],
)
def test_list_is_paginated_as_the_view_configures_it(
    pagination: type, query: Any, first_page: list[str], ada: Any, settings: Any
) -> None:
    route_account_views(settings, pagination=pagination)
    ada.social_auth.create(provider="oidc", uid="3")

    first, last = list_connections(logged_in(ada)), list_connections(logged_in(ada), **query)

    assert (listed(first), listed(last)) == (first_page, ["3"])
    assert first.json()["count"] == 3


def test_cursor_pages_are_ordered_by_primary_key(ada: Any, settings: Any) -> None:
    route_account_views(settings, pagination=OnePerCursor)
    client = logged_in(ada)

    first = list_connections(client)
    second = client.get(first.json()["next"], secure=True)

    assert (listed(first), listed(second)) == (["1"], ["2"])
    assert second.json()["next"] is None


@pytest.mark.parametrize("pagination", [PageNumberPagination, LimitOffsetPagination])
@pytest.mark.undocumented("drf-spectacular describes a page")
def test_pagination_without_a_page_size_returns_a_plain_list(
    pagination: type, ada: Any, settings: Any
) -> None:
    route_account_views(settings, pagination=pagination)

    assert len(list_connections(logged_in(ada)).json()) == 2


@pytest.mark.parametrize(
    ("pagination", "query"),
    [
        *(
            (OnePerCursor, {"cursor": cursor})
            for cursor in ("cD0x", "cD1ub25zZW5zZQ==", "cD0lMDA=", "x", "cD0yMDI2LTEzLTAx")
        ),
        *((OnePerPage, {"page": page}) for page in ("0", "9" * 5_000, "\0", "x")),
        (LimitOffsetPagination, {"limit": "9" * 30}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_invalid_page_is_a_404(
    pagination: type, query: dict[str, str], ada: Any, settings: Any
) -> None:
    client = logged_in(ada)
    route_account_views(settings, pagination=pagination)

    with transaction.atomic():
        response = list_connections(client, **query)
        transaction.set_rollback(True)  # PostgreSQL ends a transaction in which a query failed.

    assert response.status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("exception", "status"), [(OperationalError, 503), (ProgrammingError, 500)]
)
@pytest.mark.parametrize("pagination", [None, OnePerPage])
def test_failing_query_is_not_a_missing_page(
    exception: type[Exception], status: int, pagination: Any, ada: Any, settings: Any
) -> None:
    client = logged_in(ada)
    route_account_views(settings, pagination=pagination)

    def fail(execute: Any, sql: str, *args: Any) -> Any:
        if UserSocialAuth._meta.db_table in sql:
            raise exception
        return execute(sql, *args)

    with connection.execute_wrapper(fail):
        responses = [list_connections(client), disconnect(client, "1")]

    assert [response.status_code for response in responses] == [status, status]
    assert all(response.data["error_id"] for response in responses)


# --- Views and authentication ---------------------------------------------------------


def test_anonymous_request_is_a_401(ada: Any) -> None:
    for response in (list_connections(APIClient()), disconnect(APIClient(), "1")):
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Token"
        assert "no-store" in response.headers["Cache-Control"]
    assert uids() == ["1", "2"]


@pytest.mark.undocumented("no authentication class of a project has two models")
def test_row_of_another_model_with_the_key_of_a_user_is_a_403(
    ada: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    route_account_views(settings, authentication=FIXED)
    group = Group(pk=ada.pk)
    group.is_authenticated = True  # type: ignore[attr-defined]  # as another user model has it
    monkeypatch.setattr(FixedAuthentication, "user", group)

    assert list_connections(APIClient()).status_code == 403
    assert disconnect(APIClient(), ada.social_auth.first()).status_code == 403
    assert uids() == ["1", "2"]
