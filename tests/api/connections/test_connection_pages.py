"""The linked identities: pages, other models, and two requests at any level of isolation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.db import connections as databases
from rest_framework.authentication import TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.test import APIClient, APIRequestFactory
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.backends.utils import load_backends

from social_endpoints.views import ConnectionListView
from tests.support.accounts import (
    DISCONNECT_PIPELINE,
    SECRET,
    listed,
    logged_in,
    uids,
    unlink,
    user_with,
)

User = get_user_model()

pytestmark = pytest.mark.django_db

TOKEN = "rest_framework.authentication.TokenAuthentication"

SESSION = "rest_framework.authentication.SessionAuthentication"

PAGES = "rest_framework.pagination"


@pytest.fixture(autouse=True)
def _project(settings: Any) -> Iterator[None]:
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [TOKEN]}
    # Core remembers for as long as the process lives which backends there are.
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)
    yield
    load_backends(settings.AUTHENTICATION_BACKENDS, force_load=True)


@pytest.fixture
def ada() -> Any:
    """Return a user with two identities."""
    return user_with(("oidc", "1"), ("github", "2"))


def set_pipeline(settings: Any, *steps: Callable[..., Any], before: str = "get_entries") -> None:
    """Put steps of this module into the pipeline of an unlinking."""
    pipeline = list(DISCONNECT_PIPELINE)
    index = pipeline.index(f"social_core.pipeline.disconnect.{before}")
    pipeline[index:index] = [f"{step.__module__}.{step.__name__}" for step in steps]
    settings.SOCIAL_AUTH_DISCONNECT_PIPELINE = pipeline


class SmallPages(PageNumberPagination):
    """Pages of a size of their own."""

    page_size = 1


@pytest.mark.parametrize(
    ("pagination", "query", "size"),
    [
        (f"{PAGES}.PageNumberPagination", {"page": 2}, 2),
        (f"{PAGES}.LimitOffsetPagination", {"offset": 2}, 2),
        ("tests.api.connections.test_connection_pages.SmallPages", {"page": 3}, 1),
    ],
)
def test_pages(pagination: str, query: Any, size: int, ada: Any, settings: Any) -> None:
    pages = {"DEFAULT_PAGINATION_CLASS": pagination, "PAGE_SIZE": 2}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **pages}
    ada.social_auth.create(provider="oidc", uid="3")

    first, last = listed(logged_in(ada)).json(), listed(logged_in(ada), **query).json()

    assert [each["uid"] for each in first["results"]] == ["1", "2"][:size]
    assert [each["uid"] for each in last["results"]] == ["3"]
    assert first["count"] == 3


def test_pages_of_a_cursor(ada: Any, settings: Any) -> None:
    pages = {"DEFAULT_PAGINATION_CLASS": f"{PAGES}.CursorPagination", "PAGE_SIZE": 1}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **pages}
    client = logged_in(ada)

    first = listed(client).json()
    second = client.get(first["next"], secure=True).json()

    pages_seen = [[each["uid"] for each in page["results"]] for page in (first, second)]
    assert pages_seen == [["1"], ["2"]]
    assert second["next"] is None


@pytest.mark.parametrize("cursor", ["cD1ub25zZW5zZQ==", "cD0lMDA=", "x", "cD0yMDI2LTEzLTAx"])
def test_cursor_of_ones_own_making(cursor: str, ada: Any, settings: Any) -> None:
    pages = {"DEFAULT_PAGINATION_CLASS": f"{PAGES}.CursorPagination", "PAGE_SIZE": 1}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **pages}

    assert listed(logged_in(ada), cursor=cursor).status_code == 404


@pytest.mark.parametrize(
    "query", [{"page": "0"}, {"page": "9" * 5_000}, {"page": "\0"}, {"page": "x"}]
)
def test_page_that_is_none(query: Any, ada: Any, settings: Any) -> None:
    pages = {"DEFAULT_PAGINATION_CLASS": f"{PAGES}.PageNumberPagination", "PAGE_SIZE": 1}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **pages}

    assert listed(logged_in(ada), **query).status_code == 404


def test_pages_without_a_size_are_a_plain_list(ada: Any, settings: Any) -> None:
    pages = {"DEFAULT_PAGINATION_CLASS": f"{PAGES}.PageNumberPagination"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **pages}

    assert len(listed(logged_in(ada)).json()) == 2


class ListInPages(ConnectionListView):
    """The list, paginated by the view."""

    pagination_class = SmallPages


def test_pages_of_a_subclass(ada: Any, rf: Any) -> None:
    token = Token.objects.create(user=ada)
    request = rf.get("/", headers={"Authorization": f"Token {token.key}"})

    assert ListInPages.as_view()(request).data["count"] == 2


class Authentication:
    """Authenticates as whoever is set here."""

    user: Any = None

    def authenticate(self, request: Any) -> Any:
        return self.user, None

    def authenticate_header(self, request: Any) -> str:
        return "Test"


@pytest.fixture
def authenticated(settings: Any) -> Iterator[Any]:
    """Return what authenticates: as ``user``, whatever that is."""
    dotted_path = "tests.api.connections.test_connection_pages.Authentication"
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [dotted_path]}
    yield Authentication
    Authentication.user = None


def test_row_of_another_model_with_the_key_of_a_user(ada: Any, authenticated: Any) -> None:
    authenticated.user = Group(pk=ada.pk)
    authenticated.user.is_authenticated = True

    assert listed(APIClient()).status_code == 403
    assert unlink(APIClient(), ada.social_auth.first()).status_code == 403
    assert uids() == ["1", "2"]


def ask_password(strategy: Any, **kwargs: Any) -> None:
    if strategy.request_data().get("password") != "sesame":
        raise ValidationError({"password": ["Wrong."]})


def test_step_reads_the_request(ada: Any, settings: Any) -> None:
    set_pipeline(settings, ask_password)
    client, social = logged_in(ada), ada.social_auth.first()

    assert unlink(client, social).json() == {"password": ["Wrong."]}
    assert unlink(client, social, data={"password": "x"}, format="json").status_code == 400
    assert uids() == ["1", "2"]
    assert unlink(client, social, data={"password": "sesame"}, format="json").status_code == 204


MEETING = threading.Barrier(2)


def meet(**kwargs: Any) -> None:
    """Wait for the other, who comes unless it waits for a lock of ours."""
    try:
        MEETING.wait(0.5)
    except threading.BrokenBarrierError:
        MEETING.reset()


def together(calls: list[Callable[[], Any]]) -> list[Any]:
    """Make each call in a thread of its own; return what they return, the least first."""
    answers: list[Any] = []

    def run(call: Callable[[], Any]) -> None:
        try:
            answers.append(call())
        finally:
            databases.close_all()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(answers, key=lambda answer: answer.status_code)


@pytest.fixture(params=["as it is", "repeatable read"])
def _isolation(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run at the database's own level of isolation, and at one that reads no newer rows."""
    options = databases["default"].settings_dict["OPTIONS"]
    levels: dict[str, Any] = {"postgresql": 3, "mysql": "repeatable read"}  # 3 is psycopg's.
    if request.param == "repeatable read" and connection.vendor in levels:
        options["isolation_level"] = levels[connection.vendor]
    yield
    options.pop("isolation_level", None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_isolation")
@pytest.mark.parametrize("same", [True, False], ids=["the same", "the two last"])
@pytest.mark.parametrize("meets", [True, False], ids=["in the pipeline", "anywhere"])
def test_two_at_the_same_moment(same: bool, meets: bool, ada: Any, settings: Any) -> None:
    if meets:
        set_pipeline(settings, meet)
    first, second = ada.social_auth.order_by("pk")
    clients = [logged_in(ada), logged_in(ada)]
    socials = [first, first if same else second]

    pairs = zip(clients, socials, strict=True)
    answers = together([lambda c=c, s=s: unlink(c, s) for c, s in pairs])  # type: ignore[misc]

    assert [answer.status_code for answer in answers] == [204, 404 if same else 400]
    if not same:
        assert answers[1].data["error_code"] == "disconnect_disallowed"
    assert len(uids()) == 1


class Untitled(OpenIdConnectAuth):
    """A backend whose title depends on what is not there."""

    name = "untitled"

    @classmethod
    def get_title(cls, strategy: Any) -> str:
        raise KeyError(SECRET)


def test_a_provider_whose_title_cannot_be_told(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.connections.test_connection_pages.Untitled"]
    user = user_with(("untitled", "1"))

    answer = listed(logged_in(user))

    assert [one["title"] for one in answer.data] == ["untitled"]
    assert "untitled has no title: KeyError" in caplog.text
    assert SECRET not in caplog.text


def test_a_view_of_the_projects_with_its_own_authentication(settings: Any) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": []}

    class OwnView(ConnectionListView):
        authentication_classes = (TokenAuthentication,)

    user = user_with(("oidc", "1"))
    key = Token.objects.create(user=user).key
    request = APIRequestFactory().get("/", headers={"Authorization": f"Token {key}"})

    answer = OwnView.as_view()(request)

    assert [one["uid"] for one in answer.data] == ["1"]
