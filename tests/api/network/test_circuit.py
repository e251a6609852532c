"""Providers that do not respond: the circuit breaker, and the limit for requests that wait."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.db import connections, transaction
from social_core.backends.open_id import OpenIdAuth

from social_endpoints.internal.network.circuit import PAUSE_RATIO, Circuit
from social_endpoints.internal.network.document_cache import process_cache
from social_endpoints.internal.network.network_half import places
from social_endpoints.signals import provider_availability_changed
from tests.support.accounts import disconnect, logged_in, uids, user_with
from tests.support.caches import redis_cache
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, error
from tests.support.handoff import handoff_params, post_to_callback
from tests.support.interpreter import python
from tests.support.log import logged
from tests.support.native import assert_refused, post_tokens
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.signals import connected, received
from tests.support.tcp_backends import PATHS
from tests.support.tcp_provider import Connection, Provider, drip

pytestmark = pytest.mark.django_db

LOCAL = "django.core.cache.backends.locmem.LocMemCache"
TIMED_OUT = (400, "timeout")
REFUSED = (400, "provider_unavailable")
LIMIT = 3
TIMEOUT = 0.1


class RecordingCache(LocMemCache):
    """Records the operations of circuits."""

    operations: ClassVar[list[str]] = []

    def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self._record("get", key)
        return super().get(key, *args, **kwargs)

    def set(self, key: str, *args: Any, **kwargs: Any) -> None:
        self._record("set", key)
        super().set(key, *args, **kwargs)

    def add(self, key: str, *args: Any, **kwargs: Any) -> bool:
        self._record("add", key)
        return super().add(key, *args, **kwargs)

    def _record(self, operation: str, key: str) -> None:
        if "circuit" in key:
            self.operations.append(operation)


class OneOpenId(OpenIdAuth):
    """A provider of OpenID 2.0 that the project has chosen."""

    name = "one-openid"
    URL = "https://openid.example.net/"


def fetch_picture(backend: Any, **kwargs: Any) -> None:
    backend.request(f"{backend.setting('URL')}/picture")


class Login:
    """A login that has returned from the provider. Its callback can be posted more than once."""

    def __init__(self, provider: Provider, backend: str = "loopback") -> None:
        self.backend, self.frontend = backend, Frontend("body")
        self.begun = self.frontend.begin(backend)
        (state,) = parse_qs(urlsplit(self.begun.data["authorization_url"]).query)["state"]
        self.callback = {"code": provider.grant(), "state": state}

    def complete(self) -> Any:
        return self.frontend.complete(self.begun, self.callback, self.backend)


def use_cache(settings: Any, backend: str) -> None:
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": secrets.token_hex(4)}}


@pytest.fixture
def silent(settings: Any) -> Iterator[Provider]:
    """Return a provider whose token endpoint does not respond."""
    use_cache(settings, LOCAL)
    provider = Provider()
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, *PATHS]
    settings.SOCIAL_AUTH_REQUESTS_TIMEOUT = TIMEOUT
    for name in ("LOOPBACK", "OWN_REQUEST"):
        for setting, value in {"KEY": "our-id", "SECRET": "secret", "URL": provider.url}.items():
            setattr(settings, f"SOCIAL_AUTH_{name}_{setting}", value)
    process_cache.clear()
    hang(provider)
    yield provider
    provider.stop()
    process_cache.clear()


def hang(provider: Provider, path: str = "/token") -> None:
    def wait(connection: Connection) -> None:
        connection.read()  # Until the client closes the connection.

    provider.special[path] = wait


def open_circuit(provider: Provider) -> None:
    for _ in range(LIMIT):
        assert error(Login(provider).complete()) == TIMED_OUT
    assert error(Login(provider).complete()) == REFUSED


def circuit(url: str, timeout: float = TIMEOUT, name: str = "loopback") -> Circuit:
    return Circuit(name, url, {"timeout": timeout, "verify": True})


def open_at(url: str, name: str) -> str:
    """Open the circuit of a URL and return the name of its pause in the cache."""
    opened = circuit(url, name=name)
    cache.set(opened._count_name, LIMIT)
    cache.set(opened._pause_name, f"{time.time() + 7} random")
    return opened._pause_name


def end_pause(provider: Provider) -> None:
    name = circuit(f"{provider.url}/token")._pause_name
    deleted = [process_cache.delete(name)]
    with suppress(ConnectionError):
        deleted.append(cache.delete(name))
    assert any(deleted)


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        Event().wait(0.01)
    raise AssertionError


# --- The circuit ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "backend",
    [
        LOCAL,
        "django.core.cache.backends.dummy.DummyCache",
        "tests.support.caches.FailingCache",
        "tests.support.caches.SilentCache",
        pytest.param("redis", marks=pytest.mark.needs("redis")),
    ],
)
def test_provider_is_not_asked_after_time_outs_in_a_row(
    backend: str, silent: Provider, settings: Any
) -> None:
    if backend == "redis":
        settings.CACHES = redis_cache(secrets.token_hex(4))
    else:
        use_cache(settings, backend)
    login = Login(silent)
    for _ in range(LIMIT):
        assert error(Login(silent).complete()) == TIMED_OUT

    refused = [login.complete(), login.complete()]

    assert [error(each) for each in refused] == [REFUSED] * 2
    assert refused[0].data["error_recovery"] == "retry_later"
    assert refused[0].data["error_stage"] == "callback"
    assert refused[0]["Retry-After"] == "30"
    assert silent.requests == {"POST /token": LIMIT}

    silent.special.clear()
    end_pause(silent)
    assert login.complete().status_code == 201
    assert Login(silent).complete().status_code == 201


@pytest.mark.parametrize("status", [200, 400, 500, 503])
def test_any_response_ends_the_row(status: int, silent: Provider) -> None:
    for _ in range(2):
        hang(silent)
        for _ in range(LIMIT - 1):
            assert error(Login(silent).complete()) == TIMED_OUT
        silent.special["/token"] = lambda connection: connection.answer({}, status=status)
        assert Login(silent).complete().data["error_code"] not in {
            "timeout",
            "provider_unavailable",
        }


def test_refused_connections_do_not_open_the_circuit(silent: Provider, settings: Any) -> None:
    silent.stop()

    for _ in range(LIMIT + 1):
        assert error(Login(silent).complete()) == (400, "connection_failed")


def test_login_is_judged_by_all_of_its_requests(silent: Provider) -> None:
    silent.special.clear()
    hang(silent, "/user")

    open_circuit(silent)

    assert silent.requests == {"POST /token": LIMIT, "GET /user": LIMIT}


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
def test_dripping_responses_open_the_circuit(
    start: bytes, silent: Provider, configure: Configure
) -> None:
    configure(LOGIN_TIMEOUT=0.3)
    silent.on_connection = drip(start, b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000)

    open_circuit(silent)


def test_body_that_stops_opens_the_circuit(silent: Provider) -> None:
    def stop(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        connection.read()

    silent.special["/token"] = stop
    for _ in range(LIMIT):
        assert Login(silent).complete().data["error_recovery"] == "retry_later"

    assert error(Login(silent).complete()) == REFUSED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_up", [True, False])
def test_one_login_of_all_probes_after_the_pause(
    is_up: bool, silent: Provider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_REQUESTS_TIMEOUT = 20
    cache.set(circuit(f"{silent.url}/token", 20)._count_name, LIMIT)
    probe, other = Login(silent), Login(silent)
    arrived, may_respond = Event(), Event()

    def respond(connection: Connection) -> None:
        arrived.set()
        assert may_respond.wait(20)
        if is_up:
            connection.answer(silent.answer_to(silent.received[-1])[1])
        else:
            connection.close()

    def complete() -> Any:
        try:
            return probe.complete()
        finally:
            connections.close_all()

    silent.special["/token"] = respond
    with ThreadPoolExecutor() as threads:
        probing = threads.submit(complete)
        assert arrived.wait(20)
        refused = other.complete()
        may_respond.set()

    assert error(refused) == REFUSED
    assert 1 <= int(refused["Retry-After"]) <= 20
    assert error(probing.result()) == ((201, None) if is_up else (400, "connection_failed"))
    silent.special.clear()
    assert error(other.complete()) == ((201, None) if is_up else REFUSED)


def test_pause_after_a_failed_probe_depends_on_its_duration(
    silent: Provider, configure: Configure
) -> None:
    configure(PROVIDER_PAUSE=1, LOGIN_TIMEOUT=1)
    open_circuit(silent)
    end_pause(silent)
    silent.on_connection = drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 1000)

    assert error(Login(silent).complete()) == TIMED_OUT

    refused = Login(silent).complete()
    assert error(refused) == REFUSED
    assert PAUSE_RATIO - 1 <= int(refused["Retry-After"]) <= PAUSE_RATIO + 5


def test_probe_that_sends_nothing_is_followed_by_another(silent: Provider) -> None:
    completed = Login(silent)
    silent.special.clear()
    assert completed.complete().status_code == 201
    hang(silent)
    open_circuit(silent)
    end_pause(silent)
    silent.special.clear()

    assert error(completed.complete()) == (400, "state_mismatch")
    assert Login(silent).complete().status_code == 201


def test_begin_without_a_request_is_not_refused(silent: Provider) -> None:
    open_circuit(silent)

    assert Frontend().begin("loopback").status_code == 200


@pytest.mark.parametrize("tenant", ["host", "path", "timeout", "proxy", "backend"])
def test_other_circuits_remain_closed(tenant: str, silent: Provider, settings: Any) -> None:
    open_circuit(silent)
    healthy, backend = Provider(), "loopback"
    if tenant == "host":
        settings.SOCIAL_AUTH_LOOPBACK_URL = healthy.url
    elif tenant == "path":
        settings.SOCIAL_AUTH_LOOPBACK_URL = f"{silent.url}/tenant"
    elif tenant == "timeout":
        settings.SOCIAL_AUTH_LOOPBACK_REQUESTS_TIMEOUT = TIMEOUT * 2
    elif tenant == "proxy":
        settings.SOCIAL_AUTH_LOOPBACK_PROXIES = {"https": "http://127.0.0.1:1"}
    else:
        backend = "own-request"

    assert error(Login(healthy, backend).complete()) != REFUSED
    healthy.stop()


def test_host_that_a_browser_names_has_no_circuit(silent: Provider, settings: Any) -> None:
    path = "social_core.backends.open_id.OpenIdAuth"
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, path]
    settings.SOCIAL_AUTH_OPENID_INTERNAL_HOSTS = [f"127.0.0.1:{silent.port}"]

    for _ in range(LIMIT + 1):
        begun = Frontend().begin("openid", openid_identifier=f"{silent.url}/token")
        assert error(begun) == TIMED_OUT


def test_provider_of_openid_2_is_refused(silent: Provider, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.OneOpenId"]
    open_at(OneOpenId.URL, "one-openid")

    assert error(Frontend().begin("one-openid")) == REFUSED


def test_requests_of_pipeline_steps_are_not_counted(silent: Provider, settings: Any) -> None:
    settings.SOCIAL_AUTH_PIPELINE = [f"{__name__}.fetch_picture"]
    silent.special.clear()
    hang(silent, "/picture")

    for _ in range(LIMIT + 1):
        assert error(Login(silent).complete()) == TIMED_OUT

    assert silent.requests["GET /picture"] == LIMIT + 1


def test_posted_callback_is_kept(
    openid: OpenIDProvider, settings: Any, frontend: Frontend, silent: Provider
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    pause = open_at(f"{ISSUER}/token", "oidc")
    begun, callback = frontend.authorize(openid)
    posted = handoff_params(post_to_callback(callback))

    refused = [frontend.complete(begun, posted) for _ in range(2)]

    assert [error(each) for each in refused] == [REFUSED] * 2
    assert 1 <= int(refused[0]["Retry-After"]) <= 7

    cache.delete(pause)
    assert frontend.complete(begun, posted).status_code == 201


def test_refused_cookie_flow_can_complete_later(silent: Provider) -> None:
    login = Login(silent)
    login.frontend = Frontend("cookie")
    login.begun = login.frontend.begin("loopback")
    (state,) = parse_qs(urlsplit(login.begun.data["authorization_url"]).query)["state"]
    login.callback["state"] = state
    open_circuit(silent)

    assert error(login.complete()) == REFUSED

    silent.special.clear()
    end_pause(silent)
    assert login.complete().status_code == 201


def test_discovery_has_a_circuit_of_its_own(silent: Provider, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = silent.url
    hang(silent, "/.well-known/openid-configuration")

    outcomes = [error(Frontend().begin()) for _ in range(LIMIT + 1)]

    assert outcomes == [TIMED_OUT] * LIMIT + [REFUSED]


def test_native_sign_in_is_refused(
    openid: OpenIDProvider, settings: Any, configure: Configure, silent: Provider
) -> None:
    configure(NATIVE_PROVIDERS=["oidc"])
    settings.SOCIAL_AUTH_OIDC_INTROSPECTION_URL = f"{ISSUER}/introspect"
    open_at(f"{ISSUER}/introspect", "oidc")

    refused = post_tokens("oidc", access_token="a-token")

    assert_refused(refused, "provider_unavailable", recovery="retry_later")


def test_refused_revocation_leaves_the_connection(
    openid: OpenIDProvider, settings: Any, silent: Provider
) -> None:
    settings.SOCIAL_AUTH_REVOKE_TOKENS_ON_DISCONNECT = True
    openid.endpoints["revocation_endpoint"] = f"{ISSUER}/revoke"
    ada = user_with(("oidc", "1"), ("github", "2"))
    open_at(f"{ISSUER}/revoke", "oidc")

    assert error(disconnect(logged_in(ada), ada.social_auth.get(provider="oidc"))) == REFUSED
    assert uids() == ["1", "2"]


def test_circuit_breaker_can_be_turned_off(silent: Provider, configure: Configure) -> None:
    configure(PROVIDER_TIMEOUTS=None)

    for _ in range(LIMIT + 1):
        assert error(Login(silent).complete()) == TIMED_OUT


@pytest.mark.parametrize("name", ["PROVIDER_TIMEOUTS", "PROVIDER_CONCURRENCY"])
@pytest.mark.parametrize("value", [0, "3", True, 2.5])
def test_wrong_limit_is_reported(
    name: str, value: Any, silent: Provider, configure: Configure
) -> None:
    configure(**{name: value})

    assert error(Login(silent).complete()) == (500, "invalid_setting")


def test_healthy_login_reads_the_cache_once_and_writes_nothing(
    silent: Provider, settings: Any
) -> None:
    use_cache(settings, f"{__name__}.RecordingCache")
    silent.special.clear()
    RecordingCache.operations.clear()

    assert Login(silent).complete().status_code == 201

    assert RecordingCache.operations == ["get"]


@pytest.mark.needs("redis")
def test_processes_share_the_circuit(silent: Provider, settings: Any) -> None:
    prefix = secrets.token_hex(4)
    settings.CACHES = redis_cache(prefix)

    other = python("-m", "tests.support.time_outs", f"{silent.url}/token", str(TIMEOUT), prefix)

    assert other.stderr.count("provider unavailable") == 1
    assert error(Login(silent).complete()) == REFUSED


def test_outage_is_logged_and_signalled_once(
    silent: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    host = f"127.0.0.1:{silent.port}"
    in_transaction = []

    def fail(**kwargs: Any) -> None:
        in_transaction.append(transaction.get_connection().savepoint_ids)
        raise RuntimeError("receiver")

    with (
        connected(fail, provider_availability_changed),
        received(provider_availability_changed) as sent,
    ):
        open_circuit(silent)
        end_pause(silent)
        assert error(Login(silent).complete()) == TIMED_OUT
        end_pause(silent)
        silent.special.clear()
        assert Login(silent).complete().status_code == 201
        assert Login(silent).complete().status_code == 201

    assert [(each["provider"], each["host"], each["is_available"]) for each in sent] == [
        ("loopback", host, False),
        ("loopback", host, True),
    ]
    assert in_transaction == [[], []]
    events = [each for each in logged(caplog) if each["event"].startswith("provider ")]
    assert [(each["level"], each["event"], each["host"]) for each in events] == [
        ("WARNING", "provider unavailable", host),
        ("INFO", "provider available", host),
    ]
    assert events[0]["retry_after"] == "30"
    refused = [each for each in logged(caplog) if each.get("code") == "provider_unavailable"]
    assert [(each["level"], each["cause"]) for each in refused] == [("INFO", "circuit_open")]
    assert "django.dispatch" in {record.name for record in caplog.records}


# --- Requests that wait -----------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_more_requests_than_allowed_do_not_wait(
    silent: Provider, settings: Any, configure: Configure
) -> None:
    configure(PROVIDER_CONCURRENCY=1)
    settings.SOCIAL_AUTH_REQUESTS_TIMEOUT = 20
    waiting, other = Login(silent), Login(silent)
    arrived, may_respond = Event(), Event()

    def respond(connection: Connection) -> None:
        content = silent.answer_to(silent.received[-1])[1]
        arrived.set()
        assert may_respond.wait(20)
        connection.answer(content)

    def complete() -> Any:
        try:
            return waiting.complete()
        finally:
            connections.close_all()

    silent.special["/token"] = respond
    with ThreadPoolExecutor() as threads:
        completing = threads.submit(complete)
        assert arrived.wait(20)
        refused = other.complete()
        silent.special.clear()
        elsewhere = Login(silent, "own-request").complete()
        may_respond.set()

    assert error(refused) == REFUSED
    assert refused["Retry-After"] == "1"
    assert elsewhere.status_code == 201
    assert completing.result().status_code == 201
    assert other.complete().status_code == 201


def test_failed_logins_give_their_places_back(silent: Provider, configure: Configure) -> None:
    configure(PROVIDER_CONCURRENCY=1)

    open_circuit(silent)
    silent.special.clear()
    end_pause(silent)

    assert Login(silent).complete().status_code == 201
    assert not any(places._taken.values())


def test_forked_child_has_all_places() -> None:
    code = (
        "import os\n"
        "from social_endpoints.internal.network.network_half import places\n"
        "places.take('github')\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    os._exit(sum(places._taken.values()))\n"
        "print(os.waitpid(child, 0)[1], sum(places._taken.values()))\n"
    )

    outcome = python("-W", "ignore::DeprecationWarning", "-c", code)

    assert (outcome.stdout, outcome.stderr) == ("0 1\n", "")
