"""THROTTLE_RATES: how often an address and a user may call the endpoints."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.urls import include, path
from rest_framework import permissions
from rest_framework.authentication import TokenAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.throttling import BaseThrottle, UserRateThrottle

from social_endpoints.views import ProviderListView
from social_endpoints.views.base import EndpointView
from tests.support.accounts import logged_in, user_with
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, details, error
from tests.support.openid_provider import OpenIDProvider

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
User = get_user_model()
LIST = "/auth/o/"
BEGIN = f"/auth/o/github/?redirect_uri={REDIRECT_URI}"
CALLBACK = "/auth/o/oidc/callback/"


class MineView(EndpointView):
    authentication_classes = (TokenAuthentication,)
    permission_classes = (permissions.IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response(request.user.get_username())


class EveryoneView(MineView):
    permission_classes = (permissions.AllowAny,)


class RejectAll(BaseThrottle):
    seconds = 77.0

    def allow_request(self, request: Request, view: Any) -> bool:
        self.seconds = float(request.query_params.get("wait", 77))
        return False

    def wait(self) -> float | None:
        return self.seconds or None


class ThrottledList(ProviderListView):
    throttle_classes = (RejectAll,)


class TwoADay(UserRateThrottle):
    rate = "2/day"


class TwiceThrottledView(MineView):
    throttle_classes = (TwoADay,)


class UnreachableCache(LocMemCache):
    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("redis://:password@cache.example.com")


class UnreadableCache(LocMemCache):
    """A cache in which another program uses the same keys."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return 5


urlpatterns = [
    path("auth/", include("social_endpoints.urls")),
    path("mine/", MineView.as_view()),
    path("everyone/", EveryoneView.as_view()),
    path("throttled/", ThrottledList.as_view()),
    path("throttled-twice/", TwiceThrottledView.as_view()),
]


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    cache.clear()


@pytest.fixture
def limit(configure: Configure) -> Any:
    def set_rates(**rates: Any) -> None:
        configure(THROTTLE_RATES=rates)

    return set_rates


def statuses(client: APIClient, *paths: str, **extra: Any) -> list[int]:
    return [client.get(path, **extra).status_code for path in paths]


def seconds(response: Any) -> int:
    return int(response.headers["Retry-After"])


@pytest.mark.parametrize("rates", [None, {}, {"anon": None, "user": None}, {"user": "1/day"}])
def test_request_without_a_rate_is_not_counted(
    rates: Any, client: APIClient, settings: Any, configure: Configure
) -> None:
    configure(THROTTLE_RATES=rates)
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.UnreachableCache"}}

    assert statuses(client, LIST, LIST, LIST) == [200, 200, 200]


def test_requests_of_an_address_to_all_endpoints_count_together(
    client: APIClient, limit: Any
) -> None:
    limit(anon="2/day")

    assert statuses(client, LIST, BEGIN, LIST, BEGIN) == [200, 200, 429, 429]
    assert statuses(client, LIST, REMOTE_ADDR="192.0.2.7") == [200]


def test_throttled_request_has_retry_after_and_is_neither_counted_nor_cached(
    client: APIClient, limit: Any
) -> None:
    limit(anon="1/day")
    client.get(LIST)

    response = client.get(LIST)

    assert response.status_code == 429
    assert set(details(response)) == {"detail"}
    assert 86_000 < seconds(response) <= 86_400
    assert "no-store" in response.headers["Cache-Control"]
    assert "ETag" not in response.headers

    limit(anon="2/day")
    assert statuses(client, LIST, LIST) == [200, 429]
    limit(anon="1/day")
    assert seconds(client.get(LIST)) > 86_000


def test_throttled_completion_leaves_the_login_open(
    frontend: Frontend, openid: OpenIDProvider, limit: Any
) -> None:
    begun, callback = frontend.authorize(openid)
    limit(anon="1/day")
    frontend.client.get(LIST)

    throttled = frontend.complete(begun, callback)
    limit()

    assert (throttled.status_code, dict(throttled.cookies)) == (429, {})
    assert frontend.complete(begun, callback).status_code == 201


@pytest.mark.parametrize("method", ["get", "post"])
def test_throttled_handoff_is_a_page(method: str, client: APIClient, limit: Any) -> None:
    limit(anon="1/day")
    client.get(LIST)

    response = getattr(client, method)(CALLBACK, {"code": "code", "state": "state"})

    assert response.status_code == 429
    assert response.headers["Content-Type"].startswith("text/html")
    assert seconds(response) > 86_000
    assert b"too many requests" in response.content


# --- Addresses and users --------------------------------------------------------------


@pytest.mark.parametrize(
    ("proxies", "first", "second", "is_same"),
    [
        # The client writes the header.
        (0, "192.0.2.1", "192.0.2.2", True),
        # The proxy appends the last address. The client writes the ones before it.
        (1, "192.0.2.1", "192.0.2.2", False),
        (1, "192.0.2.9, 192.0.2.1", "192.0.2.8, 192.0.2.1", True),
        (1, "192.0.2.1, 192.0.2.2", "192.0.2.1, 192.0.2.3", False),
        (2, "192.0.2.9, 192.0.2.1, 10.0.0.1", "192.0.2.8, 192.0.2.1, 10.0.0.2", True),
        # The whole header, which is DRF's default.
        (None, "192.0.2.1, 10.0.0.1", "192.0.2.1,10.0.0.1", True),
        (None, "192.0.2.9, 192.0.2.1", "192.0.2.8, 192.0.2.1", False),
        *((None, malformed, malformed, True) for malformed in ("x" * 8_000, "\x7f and é", "")),
    ],
)
def test_address_behind_proxies_is_found_with_num_proxies(
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

    responses = [client.get(LIST, headers={"X-Forwarded-For": each}) for each in (first, second)]

    assert [response.status_code for response in responses] == [200, 429 if is_same else 200]


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        # A host has a whole IPv6 network of 64 bits.
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:DB8:0:0::1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        # A socket for IPv4 and IPv6.
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        # A Unix socket.
        ("", "", True),
    ],
)
def test_addresses_of_one_host_count_together(
    first: str, second: str, is_same: bool, client: APIClient, limit: Any
) -> None:
    limit(anon="1/day")

    responses = [client.get(LIST, REMOTE_ADDR=address) for address in (first, second)]

    assert [response.status_code for response in responses] == [200, 429 if is_same else 200]


def test_requests_of_a_user_count_together_from_all_addresses(limit: Any) -> None:
    limit(user="2/day")
    ada, grace = logged_in(user_with()), logged_in(user_with(username="grace"))

    assert statuses(ada, "/mine/", "/everyone/", "/mine/") == [200, 200, 429]
    assert statuses(grace, "/mine/") == [200]
    assert statuses(ada, "/mine/", REMOTE_ADDR="192.0.2.7") == [429]
    assert "Retry-After" in ada.get("/mine/").headers


def test_user_and_address_count_separately(client: APIClient, limit: Any) -> None:
    limit(anon="1/day", user="1/day")
    ada = logged_in(user_with())
    address = str(User.objects.get().pk)

    assert statuses(client, LIST, REMOTE_ADDR=address) == [200]
    assert statuses(ada, "/everyone/", REMOTE_ADDR=address) == [200]
    assert statuses(client, "/everyone/", REMOTE_ADDR=address) == [429]
    # An endpoint without authentication counts the address of a user.
    assert statuses(ada, LIST, LIST, REMOTE_ADDR="192.0.2.7") == [200, 429]


def test_user_without_a_rate_for_users_is_not_counted(limit: Any) -> None:
    limit(anon="1/day")

    assert statuses(logged_in(user_with()), "/mine/", "/mine/", "/mine/") == [200, 200, 200]


# --- The project's throttles, rates and cache -----------------------------------------


def test_throttles_of_a_view_apply_as_well(client: APIClient, limit: Any) -> None:
    limit(anon="1/day")

    first, second = client.get("/throttled/"), client.get("/throttled/")

    assert seconds(first) == 77
    assert seconds(second) > 86_000


def test_throttle_of_drf_in_a_view_has_its_own_counter(limit: Any) -> None:
    limit(user="2/day")

    assert statuses(logged_in(user_with()), *["/throttled-twice/"] * 3) == [200, 200, 429]


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
def test_invalid_rate_is_a_500(
    rates: Any, client: APIClient, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configure(THROTTLE_RATES=rates)

    listed, posted, page = client.get(LIST), client.post("/auth/o/github/"), client.get(CALLBACK)

    assert error(listed) == (500, "invalid_setting")
    assert (posted.status_code, page.status_code) == (500, 500)
    assert "THROTTLE_RATES" in caplog.text


@pytest.mark.parametrize(
    "period", ["s", "sec", "second", "m", "min", "minute", "h", "hour", "d", "day"]
)
def test_periods_of_drf_are_valid(period: str, client: APIClient, limit: Any) -> None:
    limit(anon=f"100/{period}")

    assert statuses(client, LIST) == [200]


@pytest.mark.parametrize(
    ("backend", "event"),
    [
        ("UnreachableCache", "cache failed exception=ConnectionError"),
        ("UnreadableCache", "throttle cache failed exception=TypeError"),
    ],
)
def test_failing_cache_allows_all_requests_and_is_logged(
    backend: str,
    event: str,
    client: APIClient,
    limit: Any,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.{backend}"}}
    limit(anon="1/day")

    assert statuses(client, LIST, LIST) == [200, 200]
    assert event in caplog.text
    assert "password" not in "".join(record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    ("wait", "text"),
    [
        ("0", "later."),
        ("0.2", "in 1 second."),
        ("119", "in 119 seconds."),
        ("119.5", "in 2 minutes."),
        ("86000", "in 1434 minutes."),
    ],
)
def test_text_contains_the_time(wait: str, text: str) -> None:
    throttled = APIClient().get("/throttled/", {"wait": wait})

    assert error(throttled) == (429, "throttled")
    assert throttled.json()["detail"] == f"There were too many requests. Please try again {text}"
    assert ("Retry-After" in throttled.headers) is (wait != "0")
