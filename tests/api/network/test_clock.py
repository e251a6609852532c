"""The clock of a server is set forward or back by an hour while everything is in use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import pytest
from django.core.cache import cache as default_cache

from social_endpoints.internal.cache import CacheUnavailable, cache
from social_endpoints.internal.flows import handoff_cache
from social_endpoints.internal.flows.token import open_flow, seal
from tests.support import caches
from tests.support.caches import SwitchedCache, TrackedCache
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, browser, error
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.tcp_provider import Connection, LogIn, PassTime, Provider

pytestmark = pytest.mark.django_db

HOUR = 3_600
DISCOVERY = "/.well-known/openid-configuration"
ENDPOINTS = {
    "token_endpoint": f"{ISSUER}/token",
    "userinfo_endpoint": f"{ISSUER}/userinfo",
    "jwks_uri": f"{ISSUER}/jwks",
}

Clock = Callable[[float], AbstractContextManager[None]]

both_ways = pytest.mark.parametrize("ahead", [-HOUR, HOUR], ids=["set forward", "set back"])


@pytest.fixture(autouse=True)
def tracked_cache(settings: Any) -> None:
    """Use a cache whose entries a test can change."""
    settings.CACHES = {"default": {"BACKEND": "tests.support.caches.TrackedCache", "TIMEOUT": None}}
    default_cache.clear()


@pytest.fixture
def clock() -> Clock:
    """Return a context in which the clock is ahead. At its end, the clock is set right."""

    @contextmanager
    def clock(ahead: float) -> Iterator[None]:
        real, real_ns = time.time, time.time_ns
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time", lambda: real() + ahead)
            patch.setattr(time, "time_ns", lambda: real_ns() + round(ahead * 1e9))
            yield

    return clock


def statuses(calls: Iterable[Callable[[], Any]]) -> list[int]:
    return [call().status_code for call in calls]


def sealed_ahead(token: str, ahead: float) -> str:
    """Return a flow as it would be if the clock had been ahead at the begin."""
    flow = open_flow(token, provider="oidc", purpose="login")
    assert flow is not None
    flow.expires += round(ahead)
    for value in flow.session.values():
        if isinstance(value, dict):
            times = [name for name, each in value.items() if isinstance(each, int)]
            value.update({name: value[name] + round(ahead) for name in times})
    return seal(flow)


@pytest.mark.parametrize(("ahead", "status"), [(-HOUR, 400), (5, 201), (HOUR, 201)])
def test_open_login_expires_or_completes_once(
    ahead: float, status: int, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(FLOW_TRANSPORT="body")
    frontend = Frontend("body")
    begun, callback = frontend.authorize(openid)
    begun.data["flow"] = sealed_ahead(begun.data["flow"], ahead)

    first, second = (frontend.complete(begun, callback) for _ in range(2))

    assert (first.status_code, second.status_code) == (status, 400)
    assert second.data["error_recovery"] == "restart_login"
    assert frontend.log_in(openid).status_code == 201


@both_ways
def test_clock_that_is_set_during_a_login_has_no_effect(
    ahead: float, frontend: Frontend, openid: OpenIDProvider, clock: Clock
) -> None:
    with ExitStack() as stack:
        openid.before_userinfo = lambda: stack.enter_context(clock(-ahead))

        assert frontend.log_in(openid).status_code == 201


@both_ways
def test_callback_of_a_handoff_expires_or_is_used_once(ahead: float, clock: Clock) -> None:
    callback = {"code": "the provider's"}
    with clock(ahead):
        code = handoff_cache.store_callback("oidc", "state", callback)

    taken = [handoff_cache.take_callback("oidc", "state", code) for _ in range(2)]

    assert taken == [callback if ahead > 0 else None, None]


@both_ways
def test_stored_document_is_requested_once(
    ahead: float, openid: OpenIDProvider, clock: Clock
) -> None:
    with clock(ahead):
        Frontend().begin()
    assert openid.paths == [DISCOVERY]

    assert statuses([lambda: Frontend().log_in(openid)] * 2) == [201, 201]
    assert openid.paths[1:] == [
        *(DISCOVERY, "/token", "/jwks", "/userinfo"),
        *("/token", "/userinfo"),
    ]


def test_expired_document_is_requested_after_a_failure_before_the_clock_was_set_back(
    openid: OpenIDProvider, clock: Clock
) -> None:
    openid.headers["Cache-Control"] = "max-age=300"
    Frontend().begin()
    caches.age_documents(400)
    openid.wire.replace("GET", ISSUER + DISCOVERY, status=500)
    with clock(HOUR):
        begun = [Frontend().begin().status_code for _ in range(2)]
    assert begun == [200, 200]

    openid.wire.remove("GET", ISSUER + DISCOVERY)
    moved = {"issuer": ISSUER, **ENDPOINTS, "authorization_endpoint": f"{ISSUER}/moved"}
    openid.wire.add("GET", ISSUER + DISCOVERY, json=moved)
    assert Frontend().begin().data["authorization_url"].startswith(f"{ISSUER}/moved")


def list_providers() -> Any:
    return browser().get("/auth/o/")


def set_counters(ahead: float) -> None:
    """Change the times of the counted requests, because DRF's clock cannot be changed."""
    for name in TrackedCache.names:
        if name.startswith("social_endpoints_"):
            default_cache.set(name, [each + ahead for each in default_cache.get(name)])


@both_ways
def test_requests_before_the_clock_was_set_are_not_counted(
    ahead: float, configure: Configure
) -> None:
    configure(THROTTLE_RATES={"anon": "2/min"})
    assert statuses([list_providers] * 3) == [200, 200, 429]

    set_counters(ahead)

    assert statuses([list_providers] * 3) == [200, 200, 429]
    assert int(list_providers().headers["Retry-After"]) <= 60


def test_counter_with_requests_in_the_future_forgets_old_requests(configure: Configure) -> None:
    configure(THROTTLE_RATES={"anon": "2/min"})
    list_providers()
    set_counters(HOUR)
    list_providers()
    set_counters(-61)

    assert statuses([list_providers] * 3) == [200, 200, 429]


def test_requests_to_a_server_whose_clock_is_ahead_are_counted(configure: Configure) -> None:
    configure(THROTTLE_RATES={"anon": "2/min"})
    assert statuses([list_providers] * 2) == [200, 200]

    set_counters(30)

    assert statuses([list_providers] * 2) == [429, 429]


def test_open_circuit_does_not_outlast_its_pause(
    provider: Provider, log_in: LogIn, settings: Any, configure: Configure, clock: Clock
) -> None:
    settings.SOCIAL_AUTH_REQUESTS_TIMEOUT = 1
    configure(PROVIDER_TIMEOUTS=1)
    provider.special["/token"] = Connection.read  # It does not respond.
    with clock(HOUR):
        refusals = [error(log_in(provider)) for _ in range(2)]
    assert refusals == [(400, "timeout"), (400, "provider_unavailable")]

    provider.special.clear()

    assert log_in(provider).status_code == 201


def test_resting_session_is_used(
    provider: Provider, log_in: LogIn, pass_time: PassTime, clock: Clock
) -> None:
    with clock(HOUR):
        assert log_in(provider).status_code == 201
    pass_time(1)

    assert log_in(provider, "2").status_code == 201
    assert provider.handshakes == 1


@both_ways
def test_pause_of_the_cache_does_not_change(
    ahead: float, settings: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CACHES = {"default": {"BACKEND": "tests.support.caches.SwitchedCache"}}
    monkeypatch.setattr(SwitchedCache, "error", ConnectionError())
    monkeypatch.setattr(SwitchedCache, "calls", 0)
    with clock(ahead), pytest.raises(CacheUnavailable):
        cache.get("name")
    with pytest.raises(CacheUnavailable):
        cache.get("name")
    assert SwitchedCache.calls == 1

    caches.end_pause()
    with pytest.raises(CacheUnavailable):
        cache.get("name")
    assert SwitchedCache.calls == 2
