"""Proxies, as requests has them: from the settings, and from the environment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.network.pool.authority import Authority
from tests.api.network.pool.conftest import LogIn
from tests.api.network.pool.provider import Provider
from tests.api.network.pool.proxy import Proxy

pytestmark = pytest.mark.django_db


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Return a proxy."""
    proxy = Proxy()
    yield proxy
    proxy.stop()


def test_tunnels_are_kept(proxy: Proxy, provider: Provider, log_in: LogIn, settings: Any) -> None:
    settings.SOCIAL_AUTH_PROXIES = {"https": f"http://127.0.0.1:{proxy.port}"}

    for user in ("1", "2"):
        assert log_in(user).status_code == 201

    assert proxy.tunnels == [f"127.0.0.1:{provider.port}"]
    assert provider.handshakes == 1


def test_a_tunnel_is_used_by_those_who_may(
    proxy: Proxy, provider: Provider, log_in: LogIn, settings: Any
) -> None:
    """What was opened for one user of the proxy, or without it, is not for another."""
    assert log_in().status_code == 201
    for user in ("ada", "eve"):
        settings.SOCIAL_AUTH_PROXIES = {"https": f"http://{user}:secret@127.0.0.1:{proxy.port}"}
        assert log_in().status_code == 201
        assert log_in().status_code == 201
    settings.SOCIAL_AUTH_PROXIES = None
    assert log_in().status_code == 201

    assert proxy.users == ["ada:secret", "eve:secret"]
    assert provider.connections == 3


def test_a_proxy_that_speaks_tls(
    provider: Provider, authority: Authority, tmp_path: Path, log_in: LogIn, settings: Any
) -> None:
    """It is verified as the provider is."""
    for context, status in ((authority.context(), 201), (Authority(tmp_path, "o").context(), 400)):
        proxy = Proxy(context)
        settings.SOCIAL_AUTH_PROXIES = {"https": f"https://127.0.0.1:{proxy.port}"}
        for _ in range(2):
            assert log_in().status_code == status
        assert len(proxy.tunnels) == (1 if status == 201 else 0)
        proxy.stop()

    assert provider.handshakes == 1


def test_the_proxy_of_the_environment(
    proxy: Proxy, provider: Provider, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    assert log_in().status_code == 201
    assert len(proxy.tunnels) == 1

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert log_in().status_code == 201
    assert len(proxy.tunnels) == 1
    assert provider.connections == 2


def test_a_proxy_that_there_is_not(provider: Provider, log_in: LogIn, settings: Any) -> None:
    gone = Proxy()
    gone.stop()
    settings.SOCIAL_AUTH_PROXIES = {"https": f"http://127.0.0.1:{gone.port}"}

    answer = log_in()

    assert (answer.status_code, answer.data["error_code"]) == (400, "connection_failed")
    assert not provider.requests


def test_many_proxies(provider: Provider, log_in: LogIn, settings: Any) -> None:
    """A thousand tenants may have one each; what is kept of them is bounded."""
    proxies = [Proxy() for _ in range(20)]
    for each in proxies:
        settings.SOCIAL_AUTH_PROXIES = {"https": f"http://127.0.0.1:{each.port}"}
        assert log_in().status_code == 201

    assert all(len(each.tunnels) == 1 for each in proxies)
    for each in proxies:
        each.stop()
