"""Providers that do not respond: the circuit breaker, and the limit for requests that wait."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO
from threading import Event
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.core.management import call_command
from django.db import OperationalError, connection, connections, transaction
from social_core.backends.open_id import OpenIdAuth

from social_endpoints.internal.network.adapter import MalformedResponse
from social_endpoints.internal.network.circuit import PAUSE_RATIO, Circuit
from social_endpoints.internal.network.document_cache import PAUSE, process_cache
from social_endpoints.internal.network.network_half import waiting_limit
from social_endpoints.internal.network.sessions import DeadlineExceeded
from social_endpoints.signals import provider_availability_changed
from tests.support.accounts import disconnect, logged_in, uids, user_with
from tests.support.caches import age_documents, redis_cache
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, error
from tests.support.handoff import handoff_params, post_to_callback
from tests.support.interpreter import python
from tests.support.log import logged
from tests.support.native import assert_refused, post_tokens
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.signals import connected, received
from tests.support.tcp_backends import PATHS, LoopbackOAuth2
from tests.support.tcp_provider import Connection, Provider, drip

pytestmark = pytest.mark.django_db

LOCAL = "django.core.cache.backends.locmem.LocMemCache"
TIMED_OUT = (400, "timeout")
REFUSED = (400, "provider_unavailable")
LIMIT = 3
PATIENCE = 20
"""Time-out of most tests, in seconds: a slow machine must not look like a silent provider."""

SHORT = 0.1


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


class OvertakingCache(LocMemCache):
    """Lets another login overtake after it has counted a time-out."""

    overtaking: ClassVar[list[Callable[[], None]]] = []

    def incr(self, key: str, *args: Any, **kwargs: Any) -> int:
        count = super().incr(key, *args, **kwargs)
        if self.overtaking:
            self.overtaking.pop()()
        return count


class OneOpenId(OpenIdAuth):
    """A provider of OpenID 2.0 that the project has chosen."""

    name = "one-openid"
    URL = "https://openid.example.net/"


class DiscoversProfile(LoopbackOAuth2):
    """A backend that requests a document about the provider after it has redeemed the code."""

    name = "discovers-profile"

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        return self.request(f"{self.setting('URL')}/discovery", stage="begin").json()


def fetch_picture(backend: Any, **kwargs: Any) -> None:
    backend.request(f"{backend.setting('URL')}/picture")


class Login:
    """A login that has returned from the provider. Its callback can be posted more than once."""

    def __init__(
        self, provider: Provider, backend: str = "loopback", frontend: Frontend | None = None
    ) -> None:
        self.backend, self.frontend = backend, frontend or Frontend("body")
        self.begun = self.frontend.begin(backend)
        (state,) = parse_qs(urlsplit(self.begun.data["authorization_url"]).query)["state"]
        self.callback = {"code": provider.grant(), "state": state}

    def complete(self) -> Any:
        return self.frontend.complete(self.begun, self.callback, self.backend)


def use_cache(settings: Any, backend: str) -> None:
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": secrets.token_hex(4)}}


def use_redis(settings: Any) -> str:
    """Use Redis, and return the prefix of the keys."""
    prefix = secrets.token_hex(4)
    settings.CACHES = redis_cache(prefix)
    cache.get("connect")  # On a busy machine, this alone takes longer than a request may use.
    return prefix


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    use_cache(settings, LOCAL)
    provider = Provider()
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, *PATHS]
    settings.SOCIAL_AUTH_REQUESTS_TIMEOUT = PATIENCE
    for name in ("LOOPBACK", "OWN_REQUEST", "OWN_CLIENT"):
        for setting, value in {"KEY": "our-id", "SECRET": "secret", "URL": provider.url}.items():
            setattr(settings, f"SOCIAL_AUTH_{name}_{setting}", value)
    process_cache.clear()
    yield provider
    provider.stop()
    process_cache.clear()


@pytest.fixture
def silent(provider: Provider, settings: Any) -> Provider:
    """Return a provider whose token endpoint does not respond in the time that a login has."""
    settings.SOCIAL_AUTH_REQUESTS_TIMEOUT = SHORT
    hang(provider)
    return provider


def hang(provider: Provider, path: str = "/token") -> None:
    def wait(connection: Connection) -> None:
        connection.read()  # Until the client closes the connection.

    provider.special[path] = wait


def circuit(provider: Provider | str, timeout: float = PATIENCE, name: str = "loopback") -> Circuit:
    url = provider if isinstance(provider, str) else f"{provider.url}/token"
    return Circuit(name, url, {"timeout": timeout, "verify": True})


def timeouts(provider: Provider, timeout: float = PATIENCE) -> Any:
    """Return the number of time-outs in a row."""
    return cache.get(circuit(provider, timeout)._count_name)


def have_timeouts(provider: Provider | str, name: str = "loopback", count: int = LIMIT) -> None:
    """Store time-outs. If they reach the limit, the next login is the probe."""
    cache.set(circuit(provider, name=name)._count_name, count)


def open_circuit(provider: Provider | str, name: str = "loopback") -> str:
    """Open a circuit and return the name of its pause in the cache."""
    have_timeouts(provider, name)
    pause = circuit(provider, name=name)._pause_name
    cache.set(pause, f"{time.time() + 7} random")
    return pause


@contextmanager
def waiting(provider: Provider, *, is_up: bool = True) -> Iterator[Any]:
    """Let a login in another thread wait for the provider in the ``with`` block."""
    login = Login(provider)
    arrived, may_respond = Event(), Event()

    def respond(connection: Connection) -> None:
        content = provider.answer_to(provider.received[-1])[1]
        arrived.set()
        assert may_respond.wait(PATIENCE)
        if is_up:
            connection.answer(content)
        else:
            connection.close()

    def complete() -> Any:
        try:
            return login.complete()
        finally:
            connections.close_all()

    provider.special["/token"] = respond
    with ThreadPoolExecutor() as threads:
        completing = threads.submit(complete)
        assert arrived.wait(PATIENCE)
        try:
            yield completing
        finally:
            may_respond.set()
    provider.special.clear()


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
        use_redis(settings)
    else:
        use_cache(settings, backend)
    login = Login(silent)

    outcomes = [error(Login(silent).complete()) for _ in range(LIMIT)]
    refused = [login.complete(), login.complete()]

    assert outcomes == [TIMED_OUT] * LIMIT
    assert [error(each) for each in refused] == [REFUSED] * 2
    assert refused[0].data["error_recovery"] == "retry_later"
    assert refused[0].data["error_stage"] == "callback"
    assert 1 <= int(refused[0]["Retry-After"]) <= 30
    assert silent.requests == {"POST /token": LIMIT}


def test_refused_callback_can_be_posted_again(provider: Provider, frontend: Frontend) -> None:
    pause = open_circuit(provider)
    login = Login(provider, frontend=frontend)

    assert [error(login.complete()) for _ in range(2)] == [REFUSED] * 2

    cache.delete(pause)
    assert login.complete().status_code == 201
    assert timeouts(provider) is None


def test_backend_with_a_client_of_its_own_sends_a_code_once(provider: Provider) -> None:
    login = Login(provider, "own-client")

    outcomes = [error(login.complete()) for _ in range(2)]

    assert outcomes == [(201, None), (400, "state_mismatch")]
    assert provider.requests["POST /token"] == 1


def test_code_that_was_sent_before_a_refusal_is_used(provider: Provider, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.DiscoversProfile"]
    settings.SOCIAL_AUTH_DISCOVERS_PROFILE_KEY = "our-id"
    settings.SOCIAL_AUTH_DISCOVERS_PROFILE_SECRET = "secret"
    settings.SOCIAL_AUTH_DISCOVERS_PROFILE_URL = provider.url
    open_circuit(f"{provider.url}/discovery", DiscoversProfile.name)
    login = Login(provider, DiscoversProfile.name)

    outcomes = [error(login.complete()) for _ in range(2)]

    assert outcomes == [REFUSED, (400, "state_mismatch")]
    assert provider.requests == {"POST /token": 1}


@pytest.mark.django_db(transaction=True)
def test_flow_is_not_released_twice(provider: Provider) -> None:
    open_circuit(provider)
    login = Login(provider)
    releases = []

    def lose_connection(execute: Any, sql: str, *args: Any) -> Any:
        result = execute(sql, *args)
        if sql.startswith("DELETE"):
            releases.append(sql)
            connection.close()
            raise OperationalError
        return result

    with connection.execute_wrapper(lose_connection):
        refused = login.complete()

    assert error(refused) == (503, "storage_unavailable")
    assert len(releases) == 1


@pytest.mark.parametrize("status", [200, 400, 500, 503])
def test_any_response_ends_the_row(status: int, provider: Provider) -> None:
    have_timeouts(provider, count=LIMIT - 1)
    provider.special["/token"] = lambda connection: connection.answer({}, status=status)

    assert Login(provider).complete().status_code == 400

    assert timeouts(provider) is None


def test_refused_connection_does_not_count(provider: Provider) -> None:
    have_timeouts(provider, count=LIMIT - 1)
    provider.stop()

    assert error(Login(provider).complete()) == (400, "connection_failed")

    assert timeouts(provider) == LIMIT - 1


def test_login_is_judged_by_all_of_its_requests(provider: Provider, settings: Any) -> None:
    settings.SOCIAL_AUTH_REQUESTS_TIMEOUT = 0.5
    hang(provider, "/user")

    assert error(Login(provider).complete()) == TIMED_OUT

    assert provider.requests == {"POST /token": 1, "GET /user": 1}
    assert timeouts(provider, 0.5) == 1


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
def test_dripping_response_counts(start: bytes, provider: Provider, configure: Configure) -> None:
    configure(LOGIN_TIMEOUT=0.3)
    provider.on_connection = drip(start, b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000)

    assert error(Login(provider).complete()) == TIMED_OUT

    assert timeouts(provider) == 1


def test_body_that_stops_counts(silent: Provider) -> None:
    def stop(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        connection.read()

    silent.special["/token"] = stop

    assert Login(silent).complete().data["error_recovery"] == "retry_later"

    assert timeouts(silent, SHORT) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_up", [True, False])
def test_one_login_of_all_probes_after_the_pause(is_up: bool, provider: Provider) -> None:
    have_timeouts(provider)
    other = Login(provider)

    with waiting(provider, is_up=is_up) as probing:
        refused = other.complete()

    assert error(refused) == REFUSED
    assert 1 <= int(refused["Retry-After"]) <= PATIENCE
    assert error(probing.result()) == ((201, None) if is_up else (400, "connection_failed"))
    assert error(other.complete()) == ((201, None) if is_up else REFUSED)


def test_pause_after_a_failed_probe_depends_on_its_duration(
    provider: Provider, configure: Configure
) -> None:
    configure(PROVIDER_PAUSE=1, LOGIN_TIMEOUT=0.5)
    have_timeouts(provider)
    provider.on_connection = drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 1000)

    assert error(Login(provider).complete()) == TIMED_OUT

    refused = Login(provider).complete()
    assert error(refused) == REFUSED
    assert int(refused["Retry-After"]) > PAUSE_RATIO / 4


def test_used_flow_does_not_become_the_probe(provider: Provider) -> None:
    completed = Login(provider)
    assert completed.complete().status_code == 201
    have_timeouts(provider)

    assert error(completed.complete()) == (400, "state_mismatch")

    assert Login(provider).complete().status_code == 201


def fail(error: Exception) -> Any:
    raise error


def test_probe_that_cannot_be_sent_is_followed_by_another(provider: Provider) -> None:
    have_timeouts(provider)
    probe = circuit(provider)
    probe.begin()
    with pytest.raises(requests.exceptions.InvalidHeader):  # A code with a line break.
        probe.ask(lambda: fail(requests.exceptions.InvalidHeader()))
    probe.end()

    assert Login(provider).complete().status_code == 201


def test_late_time_outs_are_not_reported_again(provider: Provider) -> None:
    late = [circuit(provider), circuit(provider)]
    for each in late:
        each.begin()
    have_timeouts(provider)

    with received(provider_availability_changed) as sent:
        for each in late:
            with pytest.raises(requests.ReadTimeout):
                each.ask(lambda: fail(requests.ReadTimeout()))
            each.end()

    assert timeouts(provider) == LIMIT + len(late)
    assert sent == []
    assert error(Login(provider).complete()) == REFUSED


def test_simultaneous_time_outs_are_reported_once(provider: Provider, settings: Any) -> None:
    use_cache(settings, f"{__name__}.OvertakingCache")
    have_timeouts(provider, count=LIMIT - 1)
    first, second = entered = [circuit(provider), circuit(provider)]
    for each in entered:
        each.begin()
        with pytest.raises(requests.ReadTimeout):
            each.ask(lambda: fail(requests.ReadTimeout()))

    OvertakingCache.overtaking.append(second.end)
    with received(provider_availability_changed) as sent:
        first.end()

    assert [each["is_available"] for each in sent] == [False]


def test_late_response_closes_the_circuit_and_is_reported(provider: Provider) -> None:
    have_timeouts(provider, count=LIMIT - 1)
    late = circuit(provider)
    late.begin()
    cache.delete(open_circuit(provider))  # The pause has ended, and there was no probe.

    with received(provider_availability_changed) as sent:
        late.ask(requests.Response)
        late.end()

    assert timeouts(provider) is None
    assert [each["is_available"] for each in sent] == [True]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (DeadlineExceeded("used up by the database"), LIMIT - 1),
        (requests.exceptions.InvalidURL(), LIMIT - 1),
        (RuntimeError(), LIMIT - 1),
        (MalformedResponse(), None),
    ],
)
def test_other_failures_do_not_count(
    failure: Exception, expected: int | None, provider: Provider
) -> None:
    have_timeouts(provider, count=LIMIT - 1)
    entered = circuit(provider)
    entered.begin()

    with pytest.raises(type(failure)):
        entered.ask(lambda: fail(failure))
    entered.end()

    assert timeouts(provider) == expected


def test_unreadable_pause_ends_soon(provider: Provider) -> None:
    cache.set(open_circuit(provider), "soon")

    assert Login(provider).complete()["Retry-After"] == "1"


def test_begin_without_a_request_is_not_refused(provider: Provider) -> None:
    open_circuit(provider)

    assert Frontend().begin("loopback").status_code == 200


@pytest.mark.parametrize("tenant", ["host", "path", "timeout", "proxy", "backend"])
def test_other_circuits_remain_closed(tenant: str, provider: Provider, settings: Any) -> None:
    open_circuit(provider)
    other, backend = Provider(), "loopback"
    if tenant == "host":
        settings.SOCIAL_AUTH_LOOPBACK_URL = other.url
    elif tenant == "path":
        settings.SOCIAL_AUTH_LOOPBACK_URL = f"{provider.url}/tenant"
    elif tenant == "timeout":
        settings.SOCIAL_AUTH_LOOPBACK_REQUESTS_TIMEOUT = PATIENCE * 2
    elif tenant == "proxy":
        settings.SOCIAL_AUTH_LOOPBACK_PROXIES = {"https": "http://127.0.0.1:1"}
    else:
        backend = "own-request"

    assert error(Login(other, backend).complete()) != REFUSED
    other.stop()


def test_host_that_a_browser_names_has_no_circuit(silent: Provider, settings: Any) -> None:
    path = "social_core.backends.open_id.OpenIdAuth"
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, path]
    settings.SOCIAL_AUTH_OPENID_INTERNAL_HOSTS = [f"127.0.0.1:{silent.port}"]

    for _ in range(LIMIT + 1):
        begun = Frontend().begin("openid", openid_identifier=f"{silent.url}/token")
        assert error(begun) == TIMED_OUT


def test_provider_of_openid_2_is_refused(provider: Provider, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.OneOpenId"]
    open_circuit(OneOpenId.URL, "one-openid")

    assert error(Frontend().begin("one-openid")) == REFUSED


def test_requests_of_pipeline_steps_are_not_counted(provider: Provider, settings: Any) -> None:
    settings.SOCIAL_AUTH_PIPELINE = [f"{__name__}.fetch_picture"]
    settings.SOCIAL_AUTH_REQUESTS_TIMEOUT = 0.5
    hang(provider, "/picture")

    assert error(Login(provider).complete()) == TIMED_OUT

    assert provider.requests["GET /picture"] == 1
    assert timeouts(provider, 0.5) is None


def test_posted_callback_is_kept(
    openid: OpenIDProvider, settings: Any, frontend: Frontend, provider: Provider
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    pause = open_circuit(f"{ISSUER}/token", "oidc")
    begun, callback = frontend.authorize(openid)
    posted = handoff_params(post_to_callback(callback))

    refused = [frontend.complete(begun, posted) for _ in range(2)]

    assert [error(each) for each in refused] == [REFUSED] * 2
    assert 1 <= int(refused[0]["Retry-After"]) <= 7
    cache.delete(pause)
    assert frontend.complete(begun, posted).status_code == 201


def test_discovery_has_a_circuit_of_its_own(silent: Provider, settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = silent.url
    hang(silent, "/.well-known/openid-configuration")

    outcomes = [error(Frontend().begin()) for _ in range(LIMIT + 1)]

    assert outcomes == [TIMED_OUT] * LIMIT + [REFUSED]


def test_refused_login_does_not_have_discovery_requested_again(
    openid: OpenIDProvider, frontend: Frontend, provider: Provider, settings: Any
) -> None:
    use_cache(settings, "tests.support.caches.TrackedCache")
    begun, callback = frontend.authorize(openid)
    age_documents(PAUSE)
    open_circuit(f"{ISSUER}/token", "oidc")
    openid.wire.calls.reset()

    assert error(frontend.complete(begun, callback)) == REFUSED
    assert frontend.begin().status_code == 200
    assert len(openid.wire.calls) == 0


def test_command_asks_a_provider_that_logins_do_not_ask(
    openid: OpenIDProvider, provider: Provider
) -> None:
    open_circuit(f"{ISSUER}/.well-known/openid-configuration", "oidc")
    output = StringIO()

    call_command("social_providers", "oidc", "--check", stdout=output, no_color=True)

    assert "ok" in output.getvalue()
    assert openid.wire.calls[0].request.url == f"{ISSUER}/.well-known/openid-configuration"


def test_native_sign_in_is_refused(
    openid: OpenIDProvider, settings: Any, configure: Configure, provider: Provider
) -> None:
    configure(NATIVE_PROVIDERS=["oidc"])
    settings.SOCIAL_AUTH_OIDC_INTROSPECTION_URL = f"{ISSUER}/introspect"
    open_circuit(f"{ISSUER}/introspect", "oidc")

    refused = post_tokens("oidc", access_token="a-token")

    assert_refused(refused, "provider_unavailable", recovery="retry_later")


def test_refused_revocation_leaves_the_connection(
    openid: OpenIDProvider, settings: Any, provider: Provider
) -> None:
    settings.SOCIAL_AUTH_REVOKE_TOKENS_ON_DISCONNECT = True
    openid.endpoints["revocation_endpoint"] = f"{ISSUER}/revoke"
    ada = user_with(("oidc", "1"), ("github", "2"))
    open_circuit(f"{ISSUER}/revoke", "oidc")

    assert error(disconnect(logged_in(ada), ada.social_auth.get(provider="oidc"))) == REFUSED
    assert uids() == ["1", "2"]


def test_circuit_breaker_can_be_turned_off(silent: Provider, configure: Configure) -> None:
    configure(PROVIDER_TIMEOUTS=None)

    assert error(Login(silent).complete()) == TIMED_OUT

    assert timeouts(silent, SHORT) is None


@pytest.mark.parametrize("name", ["PROVIDER_TIMEOUTS", "PROVIDER_CONCURRENCY"])
@pytest.mark.parametrize("value", [0, "3", True, 2.5])
def test_wrong_limit_is_reported(
    name: str, value: Any, silent: Provider, configure: Configure
) -> None:
    configure(**{name: value})

    assert error(Login(silent).complete()) == (500, "invalid_setting")


def test_healthy_login_reads_the_cache_once_and_writes_nothing(
    provider: Provider, settings: Any
) -> None:
    use_cache(settings, f"{__name__}.RecordingCache")
    RecordingCache.operations.clear()

    assert Login(provider).complete().status_code == 201

    assert RecordingCache.operations == ["get"]


@pytest.mark.needs("redis")
def test_processes_share_the_circuit(silent: Provider, settings: Any) -> None:
    prefix = use_redis(settings)

    other = python("-m", "tests.support.time_outs", f"{silent.url}/token", str(SHORT), prefix)

    assert other.stderr.count("provider unavailable") == 1
    assert error(Login(silent).complete()) == REFUSED


def test_outage_is_logged_and_signalled_once(
    provider: Provider, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings.SOCIAL_AUTH_REQUESTS_TIMEOUT = 0.5
    hang(provider)
    pause = circuit(provider, 0.5)._pause_name
    in_transaction = []

    def fail(**kwargs: Any) -> None:
        in_transaction.append(transaction.get_connection().savepoint_ids)
        raise RuntimeError("receiver")

    signal = provider_availability_changed
    with connected(fail, signal), received(signal) as sent:
        outcomes = [error(Login(provider).complete()) for _ in range(LIMIT + 1)]
        cache.delete(pause)
        outcomes.append(error(Login(provider).complete()))
        cache.delete(pause)
        provider.special.clear()
        outcomes += [error(Login(provider).complete()) for _ in range(2)]

    assert outcomes == [TIMED_OUT] * LIMIT + [REFUSED, TIMED_OUT] + [(201, None)] * 2
    host = f"127.0.0.1:{provider.port}"
    names = ("provider", "host", "is_available")
    assert [[each[name] for name in names] for each in sent] == [
        ["loopback", host, False],
        ["loopback", host, True],
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
def test_more_requests_than_allowed_do_not_wait(provider: Provider, configure: Configure) -> None:
    configure(PROVIDER_CONCURRENCY=1)
    other = Login(provider)

    with waiting(provider) as completing:
        refused = other.complete()
        provider.special.clear()
        elsewhere = Login(provider, "own-request").complete()

    assert error(refused) == REFUSED
    assert refused["Retry-After"] == "1"
    assert elsewhere.status_code == 201
    assert completing.result().status_code == 201
    assert other.complete().status_code == 201


def test_failed_login_gives_its_place_back(silent: Provider, configure: Configure) -> None:
    configure(PROVIDER_CONCURRENCY=1)

    assert [error(Login(silent).complete()) for _ in range(2)] == [TIMED_OUT] * 2

    assert not any(waiting_limit._numbers.values())


def test_forked_child_has_all_places() -> None:
    code = (
        "import os\n"
        "from social_endpoints.internal.network.network_half import waiting_limit\n"
        "waiting_limit.acquire('github')\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    os._exit(sum(waiting_limit._numbers.values()))\n"
        "print(os.waitpid(child, 0)[1], sum(waiting_limit._numbers.values()))\n"
    )

    outcome = python("-W", "ignore::DeprecationWarning", "-c", code)

    assert (outcome.stdout, outcome.stderr) == ("0 1\n", "")
