"""How often the endpoints may be called."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.urls import include, path
from rest_framework import permissions
from rest_framework.authentication import TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.throttling import BaseThrottle

from social_endpoints.views import ProviderListView
from social_endpoints.views.base import EndpointView
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.login.test_throttling")]
User = get_user_model()
LIST = "/auth/o/"
BEGIN = f"/auth/o/github/?redirect_uri={REDIRECT_URI}"
CALLBACK = "/auth/o/oidc/callback/"


class MineView(EndpointView):
    """An endpoint for users who are logged in."""

    authentication_classes = (TokenAuthentication,)
    permission_classes = (permissions.IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response(request.user.get_username())


class ForEveryoneView(MineView):
    """An endpoint that knows its users, and does not insist."""

    permission_classes = (permissions.AllowAny,)


class Never(BaseThrottle):
    """A throttle of the project's."""

    def allow_request(self, request: Request, view: Any) -> bool:
        return False

    def wait(self) -> float:
        return 77


class ListOfTheProject(ProviderListView):
    """A view of the project's with a throttle of its own."""

    throttle_classes = (Never,)


class BrokenCache(LocMemCache):
    """A cache that is down."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("redis://:password@cache.example.com")


urlpatterns = [
    path("auth/", include("social_endpoints.urls")),
    path("mine/", MineView.as_view()),
    path("everyone/", ForEveryoneView.as_view()),
    path("never/", ListOfTheProject.as_view()),
]


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


@pytest.fixture
def limit(configure: Configure) -> Any:
    """Return what sets the rates."""

    def set_rates(**rates: Any) -> None:
        configure(THROTTLE_RATES=rates)

    return set_rates


def user(name: str) -> APIClient:
    """Return the browser of a user who is logged in."""
    client = APIClient()
    token = Token.objects.create(user=User.objects.create_user(name))
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def statuses(client: APIClient, *paths: str, **extra: Any) -> list[int]:
    """Return what the paths are answered with, one after another."""
    return [client.get(path, **extra).status_code for path in paths]


@pytest.mark.parametrize("rates", [None, {}, {"anon": None, "user": None}, {"user": "1/day"}])
def test_nothing_is_counted_without_a_rate(
    rates: Any, client: APIClient, settings: Any, configure: Configure
) -> None:
    configure(THROTTLE_RATES=rates)
    settings.CACHES = {"default": {"BACKEND": "tests.api.login.test_throttling.BrokenCache"}}

    assert statuses(client, LIST, LIST, LIST) == [200, 200, 200]


def test_an_address(client: APIClient, limit: Any) -> None:
    limit(anon="2/day")

    assert statuses(client, LIST, BEGIN, LIST, BEGIN) == [200, 200, 429, 429]
    assert statuses(client, LIST, REMOTE_ADDR="192.0.2.7") == [200]


def test_answer(client: APIClient, limit: Any) -> None:
    limit(anon="1/day")
    client.get(LIST)

    answer = client.get(LIST)

    assert answer.status_code == 429
    assert set(answer.json()) == {"detail"}
    assert 86_000 < int(answer.headers["Retry-After"]) <= 86_400
    assert "no-store" in answer.headers["Cache-Control"]
    assert "ETag" not in answer.headers


def test_what_is_refused_does_not_count(client: APIClient, limit: Any) -> None:
    limit(anon="1/day")
    statuses(client, LIST, LIST, LIST)

    limit(anon="2/day")

    assert statuses(client, LIST, LIST) == [200, 429]


def test_a_rate_that_was_lowered_says_when_too(client: APIClient, limit: Any) -> None:
    limit(anon="5/day")
    statuses(client, *[LIST] * 5)
    limit(anon="2/day")

    answer = client.get(LIST)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 86_000


def test_a_throttled_completion_uses_nothing_up(
    frontend: Frontend, openid: OpenIDProvider, limit: Any, settings: Any
) -> None:
    unlimited = settings.SOCIAL_ENDPOINTS
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    limit(anon="1/day")
    frontend.client.get(LIST)

    throttled = frontend.complete(begun, callback)
    settings.SOCIAL_ENDPOINTS = unlimited
    completed = frontend.complete(begun, callback)

    assert (throttled.status_code, completed.status_code) == (429, 201)
    assert not throttled.cookies


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_page_of_the_hand_off(method: str, client: APIClient, limit: Any) -> None:
    limit(anon="1/day")
    client.get(LIST)

    answer = getattr(client, method)(CALLBACK, {"code": "code", "state": "state"})

    assert answer.status_code == 429
    assert answer.headers["Content-Type"].startswith("text/html")
    assert int(answer.headers["Retry-After"]) > 86_000
    assert "throttled" in answer.content.decode()


# --- Whose requests they are ----------------------------------------------------------


@pytest.mark.parametrize(
    ("proxies", "first", "second", "is_same"),
    [
        # The header is what the client says, and so nothing.
        (0, "192.0.2.1", "192.0.2.2", True),
        # The proxy has put the last address there. What stands before it is what the client says.
        (1, "192.0.2.1", "192.0.2.2", False),
        (1, "192.0.2.9, 192.0.2.1", "192.0.2.8, 192.0.2.1", True),
        (1, "192.0.2.1, 192.0.2.2", "192.0.2.1, 192.0.2.3", False),
        (2, "192.0.2.9, 192.0.2.1, 10.0.0.1", "192.0.2.8, 192.0.2.1, 10.0.0.2", True),
        # The whole header, as DRF has it where the project says nothing.
        (None, "192.0.2.1, 10.0.0.1", "192.0.2.1,10.0.0.1", True),
        (None, "192.0.2.9, 192.0.2.1", "192.0.2.8, 192.0.2.1", False),
    ],
)
def test_behind_proxies(
    proxies: int | None,
    first: str,
    second: str,
    is_same: bool,
    client: APIClient,
    limit: Any,
    settings: Any,
) -> None:
    settings.REST_FRAMEWORK = {"NUM_PROXIES": proxies}
    limit(anon="1/day")

    answers = [
        client.get(LIST, headers={"X-Forwarded-For": addresses}).status_code
        for addresses in (first, second)
    ]

    assert answers == [200, 429 if is_same else 200]


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        # Whoever has one IPv6 address has all of its network of 64 bits.
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:DB8:0:0::1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        # A socket for both families.
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        # A socket of Unix's.
        ("", "", True),
    ],
)
def test_what_counts_as_one_address(
    first: str, second: str, is_same: bool, client: APIClient, limit: Any
) -> None:
    limit(anon="1/day")

    answers = [client.get(LIST, REMOTE_ADDR=address).status_code for address in (first, second)]

    assert answers == [200, 429 if is_same else 200]


@pytest.mark.parametrize("header", ["x" * 8_000, "\x7f and spaces, é", ""])
def test_any_header_is_a_key(header: str, client: APIClient, limit: Any) -> None:
    limit(anon="1/day")

    answers = statuses(client, LIST, LIST, headers={"X-Forwarded-For": header})

    assert answers == [200, 429]


def test_users(limit: Any) -> None:
    limit(user="2/day")
    ada, grace = user("ada"), user("grace")

    assert statuses(ada, "/mine/", "/everyone/", "/mine/") == [200, 200, 429]
    assert statuses(grace, "/mine/") == [200]
    assert statuses(ada, "/mine/", REMOTE_ADDR="192.0.2.7") == [429]
    assert "Retry-After" in ada.get("/mine/").headers


def test_a_user_is_no_address(client: APIClient, limit: Any) -> None:
    limit(anon="1/day", user="1/day")
    ada = user("ada")
    address = str(User.objects.get().pk)

    assert statuses(client, LIST, REMOTE_ADDR=address) == [200]
    assert statuses(ada, "/everyone/", REMOTE_ADDR=address) == [200]
    assert statuses(client, "/everyone/", REMOTE_ADDR=address) == [429]
    # Nobody is known where anybody may ask.
    assert statuses(ada, LIST, REMOTE_ADDR="192.0.2.7") == [200]
    assert statuses(ada, LIST, REMOTE_ADDR="192.0.2.7") == [429]


def test_without_a_rate_for_users_they_are_not_counted(limit: Any) -> None:
    limit(anon="1/day")

    assert statuses(user("ada"), "/mine/", "/mine/", "/mine/") == [200, 200, 200]


# --- The project's own, and its mistakes ----------------------------------------------


def test_throttles_of_the_project_apply_too(client: APIClient, limit: Any) -> None:
    limit(anon="1/day")

    first, second = client.get("/never/"), client.get("/never/")

    assert first.headers["Retry-After"] == "77"
    assert int(second.headers["Retry-After"]) > 86_000


@pytest.mark.parametrize(
    "rates",
    [
        {"anon": "often"},
        {"anon": "10"},
        {"anon": "0/min"},
        {"anon": "-1/min"},
        {"anon": "ten/min"},
        {"anon": "10/month"},
        {"anon": "10/min/s"},
        {"anon": "10/"},
        {"anon": 10},
        {"user": "often"},
        {"anonymous": "10/min"},
        "10/min",
    ],
)
def test_wrong_rate(
    rates: Any, client: APIClient, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configure(THROTTLE_RATES=rates)

    answers = client.get(LIST), client.post("/auth/o/github/"), client.get(CALLBACK)

    assert [answer.status_code for answer in answers] == [500, 500, 500]
    assert answers[0].json()["error_code"] == "invalid_setting"
    assert "THROTTLE_RATES" in caplog.text


@pytest.mark.parametrize(
    "period", ["s", "sec", "second", "m", "min", "minute", "h", "hour", "d", "day"]
)
def test_periods_of_drf(period: str, client: APIClient, limit: Any) -> None:
    limit(anon=f"100/{period}")

    assert statuses(client, LIST) == [200]


def test_a_cache_that_is_down_lets_everyone_in(
    client: APIClient, limit: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES = {"default": {"BACKEND": "tests.api.login.test_throttling.BrokenCache"}}
    limit(anon="1/day")

    assert statuses(client, LIST, LIST) == [200, 200]
    assert "Requests cannot be counted: ConnectionError" in caplog.text
    assert "password" not in "".join(record.getMessage() for record in caplog.records)
