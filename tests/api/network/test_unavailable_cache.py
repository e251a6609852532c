"""A cache that has stopped or that hangs: each request asks it once at most, most do not."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.core.cache import InvalidCacheBackendError
from django.core.cache import cache as default_cache

from social_endpoints.internal.cache import (
    MAX_SECONDS,
    MAX_WAIT,
    TRIAL,
    CacheUnavailable,
    cache,
    limit_cache_use,
    optional_cache,
)
from social_endpoints.internal.errors.failures import CACHE_MISTAKES
from tests.support import caches
from tests.support.accounts import disconnect, list_connections, logged_in, user_with
from tests.support.caches import CacheServer, SwitchedCache
from tests.support.concurrency import together
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, browser, error
from tests.support.handoff import handoff_params, post_to_callback
from tests.support.id_token_providers import hexadecimal, signed
from tests.support.interpreter import python
from tests.support.native import post_tokens
from tests.support.openid_provider import ISSUER, OpenIDProvider

pytestmark = pytest.mark.django_db

SWITCHED = {"default": {"BACKEND": "tests.support.caches.SwitchedCache", "LOCATION": "switched"}}
NONCE = "n-0S6_WzA2Mj"

Requests = dict[str, Callable[[], Any]]


@pytest.fixture(params=["stopped", "hanging"])
def server(request: pytest.FixtureRequest) -> Iterator[CacheServer]:
    server = CacheServer(is_silent=request.param == "hanging")
    yield server
    server.stop()


@pytest.fixture
def switched(settings: Any, monkeypatch: pytest.MonkeyPatch) -> type[SwitchedCache]:
    """Use a cache that a test switches off."""
    settings.CACHES = dict(SWITCHED)
    default_cache.clear()
    for name, value in {"error": None, "calls": 0, "meanwhile": lambda: None}.items():
        monkeypatch.setattr(SwitchedCache, name, value)
    return SwitchedCache


def sign_in_natively(openid: OpenIDProvider) -> Any:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "our-client-id", "sub": "user-2", "iat": now, "exp": now + 300}
    payload = json.dumps({**claims, "nonce": hexadecimal(NONCE)}).encode()
    return post_tokens("oidc", id_token=signed(payload, openid.private_key, kid="1"), nonce=NONCE)


def begin_with_handoff(openid: OpenIDProvider, settings: Any) -> tuple[Frontend, Any, Any]:
    """Return a frontend, its begin, and the parameters that the provider posts."""
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    frontend = Frontend()
    begun, posted = frontend.authorize(openid)
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {}
    return frontend, begun, posted


def prepare(openid: OpenIDProvider, settings: Any) -> Requests:
    """Begin everything while the cache works. Return one request to each endpoint."""
    ada = user_with(("github", "1"), ("oidc", "2"))
    client = logged_in(ada)
    _, _, first_post = begin_with_handoff(openid, settings)
    receiver, handed_off, second_post = begin_with_handoff(openid, settings)
    handoff = handoff_params(post_to_callback(second_post))
    frontend, connecting = Frontend(), Frontend(client=client, below="connect/")
    begun, callback = frontend.authorize(openid)
    connect_begun, connect_callback = connecting.authorize(openid)
    return {
        "list": lambda: browser().get("/auth/o/"),
        "begin": lambda: Frontend().begin(),
        "connect": lambda: connecting.complete(connect_begun, connect_callback),
        "complete": lambda: frontend.complete(begun, callback),
        "native": lambda: sign_in_natively(openid),
        "connections": lambda: list_connections(client),
        "disconnect": lambda: disconnect(client, ada.social_auth.get(provider="github")),
        "callback": lambda: post_to_callback(first_post),
        "handoff": lambda: receiver.complete(handed_off, handoff),
    }


STATUS = {
    "list": 200,
    "begin": 200,
    "connect": 201,
    "complete": 201,
    "native": 201,
    "connections": 200,
    "disconnect": 204,
    "callback": 503,
    "handoff": 503,
}


@pytest.mark.needs("redis")
@pytest.mark.parametrize(
    ("rates", "without_cache"),
    [(None, {"list", "connections", "disconnect"}), ({"anon": "90/min", "user": "90/min"}, set())],
)
def test_each_endpoint_asks_a_cache_that_fails_once(
    rates: Any,
    without_cache: set[str],
    server: CacheServer,
    openid: OpenIDProvider,
    configure: Configure,
    settings: Any,
) -> None:
    configure(NATIVE_PROVIDERS=["oidc"])
    working, requests = settings.CACHES, prepare(openid, settings)
    configure(THROTTLE_RATES=rates)

    statuses, connections = {}, {}
    for name, send in requests.items():
        settings.CACHES, before = server.configuration(), len(server.connections)
        statuses[name] = send().status_code
        connections[name] = len(server.connections) - before

    assert statuses == STATUS
    assert connections == {name: int(name not in without_cache) for name in requests}
    settings.CACHES = working
    assert requests["callback"]().status_code == 303
    assert requests["handoff"]().status_code == 201


@pytest.mark.needs("redis")
def test_process_does_not_use_a_cache_after_a_failure(
    server: CacheServer,
    openid: OpenIDProvider,
    configure: Configure,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    requests = prepare(openid, settings)
    configure(THROTTLE_RATES={"anon": "90/min", "user": "90/min"}, NATIVE_PROVIDERS=["oidc"])
    settings.CACHES = server.configuration()

    statuses = {name: send().status_code for name, send in requests.items()}

    assert statuses == STATUS
    assert len(server.connections) == 1
    events = [record.getMessage().split()[:2] for record in caplog.records]
    assert events.count(["cache", "failed"]) == 1


@pytest.mark.needs("redis")
def test_one_request_tries_the_cache_after_the_pause(
    server: CacheServer, configure: Configure, settings: Any
) -> None:
    configure(THROTTLE_RATES={"anon": "90/min"})
    settings.CACHES = server.configuration()
    for connections in (1, 2, 3):
        responses = together([lambda: browser().get("/auth/o/")] * (1 if connections == 1 else 4))

        assert {response.status_code for response in responses} == {200}
        assert len(server.connections) == connections
        caches.end_pause()


class TimePasses(logging.Handler):
    """Lets the pause pass while a failure is logged."""

    def emit(self, record: logging.LogRecord) -> None:
        caches.end_pause()


def test_request_that_outlasts_the_pause_does_not_ask_again(
    openid: OpenIDProvider, configure: Configure, switched: type[SwitchedCache]
) -> None:
    configure(THROTTLE_RATES={"anon": "90/min"})
    switched.error = ConnectionError()
    logger, handler = logging.getLogger("social_endpoints"), TimePasses()
    logger.addHandler(handler)
    try:
        statuses = [Frontend().begin().status_code for _ in range(2)]
    finally:
        logger.removeHandler(handler)

    assert (statuses, switched.calls) == ([200, 200], 2)


def test_handoff_is_refused_in_json_and_says_to_retry(
    openid: OpenIDProvider, settings: Any, switched: type[SwitchedCache]
) -> None:
    frontend, begun, posted = begin_with_handoff(openid, settings)
    params = handoff_params(post_to_callback(posted))
    switched.error = ConnectionError()

    responses = [frontend.complete(begun, params) for _ in range(2)]

    assert [error(each) for each in responses] == [(503, "storage_unavailable")] * 2
    assert [each.data["error_recovery"] for each in responses] == ["retry_later"] * 2
    assert [each.data["error_stage"] for each in responses] == ["callback"] * 2
    switched.error = None
    caches.end_pause()
    assert frontend.complete(begun, params).status_code == 201


def test_handoff_whose_removal_fails_is_completed_once(
    openid: OpenIDProvider, settings: Any, switched: type[SwitchedCache]
) -> None:
    """A server that hangs may remove the callback later."""
    frontend, begun, posted = begin_with_handoff(openid, settings)
    params = handoff_params(post_to_callback(posted))
    last = switched.calls + 1

    def meanwhile() -> None:
        switched.error = ConnectionError() if switched.calls > last else None

    switched.meanwhile = meanwhile
    first = frontend.complete(begun, params)
    switched.meanwhile = lambda: None
    switched.error = None
    caches.end_pause()

    assert (first.status_code, frontend.complete(begun, params).status_code) == (201, 400)


# --- The guard -------------------------------------------------------------------------


def refused() -> None:
    with pytest.raises(CacheUnavailable):
        cache.get("name")


def test_cache_that_works_again_is_used(switched: type[SwitchedCache]) -> None:
    switched.error = ConnectionError()
    refused()
    switched.error = None
    refused()
    assert switched.calls == 1

    caches.end_pause()
    cache.set("name", 1)

    assert (cache.get("name"), cache.incr("name"), cache.touch("name")) == (1, 2, True)
    assert (cache.add("name", 3), cache.delete("name"), cache.has_key("name")) == (
        False,
        True,
        False,
    )


def test_other_operations_do_not_wait_for_the_one_that_tries_the_cache(
    switched: type[SwitchedCache],
) -> None:
    switched.error = ConnectionError()
    refused()

    def meanwhile() -> None:
        switched.meanwhile = lambda: None
        refused()
        assert switched.calls == 2
        caches.end_pause(TRIAL)
        refused()
        assert switched.calls == 3

    switched.meanwhile = meanwhile
    caches.end_pause()
    refused()
    refused()

    assert switched.calls == 3


def test_request_does_not_ask_again_after_a_pause(switched: type[SwitchedCache]) -> None:
    switched.error = ConnectionError()
    with limit_cache_use():
        refused()
        caches.end_pause()
        refused()
    assert switched.calls == 1

    with limit_cache_use():
        refused()
    assert switched.calls == 2


def test_status_belongs_to_a_configuration(switched: type[SwitchedCache], settings: Any) -> None:
    switched.error = ConnectionError()
    refused()
    switched.error = None

    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.set("name", 1)

    assert cache.get("name") == 1


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: cache.incr("missing"),
        lambda: cache.set("name", lambda: None),
    ],
)
def test_mistake_of_the_caller_is_not_a_failure(
    mistake: Any, switched: type[SwitchedCache]
) -> None:
    with pytest.raises(CACHE_MISTAKES):
        mistake()

    assert cache.get("name") is None


def test_cache_that_cannot_be_imported_is_a_mistake(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "no.such.Cache"}}

    for _ in range(2):
        with pytest.raises(InvalidCacheBackendError):
            cache.get("name")


class TimeLimit(BaseException):
    """Interrupts a request, as gunicorn and gevent do."""


def test_operation_that_is_interrupted_is_a_failure(switched: type[SwitchedCache]) -> None:
    switched.error = TimeLimit()
    with pytest.raises(TimeLimit):
        cache.get("name")

    refused()
    assert switched.calls == 1


def test_request_that_has_waited_asks_only_what_it_needs(switched: type[SwitchedCache]) -> None:
    switched.meanwhile = partial(caches.age_operations, MAX_SECONDS)
    with limit_cache_use():
        assert optional_cache.get("name") is None
        switched.meanwhile = lambda: None
        with pytest.raises(CacheUnavailable):
            optional_cache.get("name")
        assert cache.get("name") is None

    assert optional_cache.get("name") is None


def test_operation_that_does_not_end_is_a_failure_for_the_others(
    switched: type[SwitchedCache], caplog: pytest.LogCaptureFixture
) -> None:
    def meanwhile() -> None:
        switched.meanwhile = lambda: None
        assert cache.get("name") is None
        caches.age_operations(MAX_WAIT)
        refused()
        refused()

    switched.meanwhile = meanwhile
    assert cache.get("name") is None
    refused()
    assert switched.calls == 2
    assert [record.getMessage() for record in caplog.records] == [
        "cache failed exception=TimeoutError"
    ]

    caches.end_pause()
    assert [cache.get("name"), cache.get("name")] == [None, None]


def test_operation_that_takes_long_is_a_failure_if_the_backend_hides_it(
    switched: type[SwitchedCache],
) -> None:
    switched.meanwhile = partial(caches.age_operations, MAX_WAIT)
    with limit_cache_use():
        assert cache.get("name", "missing") == "missing"
        refused()
    refused()

    assert switched.calls == 1


FORK = """
import os, django
from django.conf import settings
django.setup()
settings.CACHES = {"default": {"BACKEND": "tests.support.caches.FailingCache"}}
from social_endpoints.internal import cache
for _ in range(2):
    try:
        cache.cache.get("name")
    except cache.CacheUnavailable:
        pass
assert cache._process.begin(None) is None
cache._process._lock.acquire()
process = os.fork()
if not process:
    os._exit(0 if cache._process.begin(None) is not None else 1)
print(os.waitpid(process, 0)[1])
"""


def test_forked_child_has_a_status_of_its_own() -> None:
    outcome = python("-c", FORK)

    assert (outcome.stdout, outcome.returncode) == ("0\n", 0), outcome.stderr
