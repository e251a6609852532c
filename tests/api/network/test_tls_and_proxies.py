"""Verification of providers, and proxies."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from social_endpoints.internal.network import adapter
from social_endpoints.internal.network.adapter import MAX_CONTEXTS, tls_context
from tests.support.authority import Authority
from tests.support.interpreter import python
from tests.support.proxy import Proxy
from tests.support.tcp_provider import Connection, LogIn, PassTime, Provider

pytestmark = pytest.mark.django_db


def moved(provider: Provider, context: Any) -> Provider:
    """Return a provider at the address of another one, which stops."""
    provider.stop()
    return Provider(context, port=provider.port)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    proxy = Proxy()
    yield proxy
    proxy.stop()


def test_bundle_is_read_once_and_again_when_it_has_changed(
    authority: Authority, tmp_path: Path
) -> None:
    bundle = authority.bundle
    before = tls_context(str(bundle))
    assert tls_context(bundle) is before
    assert (before.verify_mode, before.check_hostname) == (ssl.CERT_REQUIRED, True)

    bundle.write_bytes(bundle.read_bytes() + Authority(tmp_path, "other").bundle.read_bytes())

    assert len(before.get_ca_certs()) == 1
    assert len(tls_context(bundle).get_ca_certs()) == 2


def test_each_way_to_verify_has_a_context_of_its_own(authority: Authority, tmp_path: Path) -> None:
    adapter._contexts.clear()  # Other tests may have left as many as there can be.
    contexts = [tls_context(verify) for verify in (True, False, authority.bundle, tmp_path)]

    assert len(set(map(id, contexts))) == 4
    assert contexts[1].verify_mode == ssl.CERT_NONE
    assert tls_context(None) is contexts[1]
    assert tls_context(True) is contexts[0]


def test_threads_that_need_a_context_at_once_share_it(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(Path(DEFAULT_CA_BUNDLE_PATH).read_bytes())
    together = Barrier(4)

    def read(_: int) -> ssl.SSLContext:
        together.wait()
        return tls_context(bundle)

    with ThreadPoolExecutor(4) as threads:
        assert len(set(map(id, threads.map(read, range(4))))) == 1


FORK_WHILE_A_THREAD_READS_A_BUNDLE = """
import os, signal, threading, time
from social_endpoints.internal.network import adapter

create, is_reading = adapter.create_urllib3_context, threading.Event()
def wait(**options):
    is_reading.set()
    time.sleep(60)
adapter.create_urllib3_context = wait
threading.Thread(target=adapter.tls_context, args=[True], daemon=True).start()
is_reading.wait()
child = os.fork()
if not child:
    signal.alarm(10)
    adapter.create_urllib3_context = create
    adapter.tls_context(True)
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""


def test_forked_child_does_not_wait_for_the_thread_that_reads_a_bundle() -> None:
    outcome = python("-c", FORK_WHILE_A_THREAD_READS_A_BUNDLE)
    assert outcome.stdout == "0\n", outcome.stderr


def test_contexts_are_limited(authority: Authority, tmp_path: Path) -> None:
    first = tls_context(authority.bundle)
    for number in range(MAX_CONTEXTS):
        path = tmp_path / f"{number}.pem"
        path.write_bytes(authority.bundle.read_bytes())
        tls_context(path)

    assert tls_context(authority.bundle) is not first


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_version_of_tls(
    version: str,
    provider: Provider,
    authority: Authority,
    log_in: LogIn,
    pass_time: PassTime,
    settings: Any,
) -> None:
    other = Provider(authority.context(version))
    settings.SOCIAL_AUTH_LOOPBACK_URL = other.url

    for _ in range(2):
        assert log_in(other).status_code == 201
        pass_time(2)

    assert other.handshakes == 1
    other.stop()


def test_changed_certificate_of_the_provider_is_verified(
    provider: Provider, authority: Authority, tmp_path: Path, log_in: LogIn, pass_time: PassTime
) -> None:
    assert log_in(provider).status_code == 201
    pass_time(2)
    other = Authority(tmp_path, "other")
    new = moved(provider, other.context())
    assert log_in(new).data["error_code"] == "tls_error"
    assert not new.requests

    authority.bundle.write_bytes(other.bundle.read_bytes())
    assert log_in(new).status_code == 201
    new.stop()


def test_unverified_connection_serves_no_login_that_verifies(
    provider: Provider, tmp_path: Path, log_in: LogIn, pass_time: PassTime, settings: Any
) -> None:
    settings.SOCIAL_AUTH_LOOPBACK_VERIFY_SSL = False
    with pytest.warns(match="Unverified HTTPS request"):
        assert log_in(provider).status_code == 201

    for verify in (True, str(Authority(tmp_path, "other").bundle)):
        pass_time(2)
        settings.SOCIAL_AUTH_LOOPBACK_VERIFY_SSL = verify
        assert log_in(provider).data["error_code"] == "tls_error"
    assert provider.requests == {"POST /token": 1, "GET /user": 1}


def test_bundle_of_the_environment_is_used(
    provider: Provider,
    authority: Authority,
    log_in: LogIn,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.SOCIAL_AUTH_LOOPBACK_VERIFY_SSL = True
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))

    assert log_in(provider).status_code == 201


@pytest.mark.parametrize("content", [None, "no certificate"])
@pytest.mark.parametrize("pooled", [True, False])
def test_bundle_that_cannot_be_read_is_a_tls_error(
    pooled: bool,
    content: str | None,
    provider: Provider,
    tmp_path: Path,
    log_in: LogIn,
    settings: Any,
    configure: Callable[..., None],
) -> None:
    configure(HTTP_POOL=pooled)
    path = tmp_path / "bundle.pem"
    if content:
        path.write_text(content)
    settings.SOCIAL_AUTH_LOOPBACK_VERIFY_SSL = str(path)

    assert log_in(provider).data["error_code"] == "tls_error"
    assert not provider.requests


@pytest.mark.parametrize("end", [Connection.close, Connection.reset])
@pytest.mark.parametrize("beginning", [b"", b"\x16\x03", b"\x16\x03\x03\x00\x7a\x02\x00"])
def test_handshake_that_is_cut_off_is_a_failed_connection(
    beginning: bytes, end: Callable[..., None], provider: Provider, log_in: LogIn
) -> None:
    provider.context = None

    def cut(connection: Connection) -> None:
        connection.sock.recv(65_536)
        connection.send(beginning)
        end(connection)

    provider.on_connection = cut
    refused = log_in(provider).data

    assert (refused["error_code"], refused["error_recovery"]) == (
        "connection_failed",
        "retry_later",
    )


def test_tunnel_is_used_again_by_its_user_only(
    proxy: Proxy, provider: Provider, log_in: LogIn, pass_time: PassTime, settings: Any
) -> None:
    for user in ("ada:secret@", "eve:secret@", ""):
        settings.SOCIAL_AUTH_PROXIES = {"https": f"http://{user}127.0.0.1:{proxy.port}"}
        for _ in range(2):
            assert log_in(provider).status_code == 201
            pass_time(2)
    settings.SOCIAL_AUTH_PROXIES = None
    assert log_in(provider).status_code == 201

    assert proxy.users == ["ada:secret", "eve:secret", None]
    assert provider.handshakes == 4


def test_many_proxies_are_closed_in_turn(
    provider: Provider, log_in: LogIn, pass_time: PassTime, settings: Any
) -> None:
    """Each tenant of a project may have a proxy of its own."""
    proxies = [Proxy() for _ in range(3)]
    for each in [*proxies, *proxies]:
        settings.SOCIAL_AUTH_PROXIES = {"https": f"http://127.0.0.1:{each.port}"}
        assert log_in(provider).status_code == 201
        pass_time(2)

    assert [len(each.tunnels) for each in proxies] == [1, 1, 1]
    for each in proxies:
        each.stop()


def test_proxy_with_tls_is_verified(
    provider: Provider, authority: Authority, tmp_path: Path, log_in: LogIn, settings: Any
) -> None:
    for context, status in ((authority.context(), 201), (Authority(tmp_path, "o").context(), 400)):
        proxy = Proxy(context)
        settings.SOCIAL_AUTH_PROXIES = {"https": f"https://127.0.0.1:{proxy.port}"}
        assert log_in(provider).status_code == status
        # The buffers of TLS within TLS cannot be examined: no connection is used twice.
        assert len(proxy.tunnels) == (2 if status == 201 else 0)
        proxy.stop()


def test_proxy_of_the_environment_is_used(
    proxy: Proxy, provider: Provider, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    assert log_in(provider).status_code == 201
    assert len(proxy.tunnels) == 1

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert log_in(provider).status_code == 201
    assert len(proxy.tunnels) == 1


def test_proxy_that_is_down_is_a_failed_connection(
    provider: Provider, log_in: LogIn, settings: Any
) -> None:
    gone = Proxy()
    gone.stop()
    settings.SOCIAL_AUTH_PROXIES = {"https": f"http://127.0.0.1:{gone.port}"}

    assert log_in(provider).data["error_code"] == "connection_failed"
    assert not provider.requests
