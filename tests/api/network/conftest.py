"""Fixtures of the tests with a provider on a real socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from social_endpoints.internal.network.sessions import store
from tests.support.authority import Authority
from tests.support.frontend import Frontend
from tests.support.tcp_backends import BACKENDS, PATHS
from tests.support.tcp_provider import Provider


@pytest.fixture(autouse=True)
def _no_sessions() -> Iterator[None]:
    store.clear()
    yield
    store.clear()


@pytest.fixture
def pass_time() -> Callable[[float], None]:
    """Return a function that makes the resting sessions older by some seconds."""

    def pass_time(seconds: float) -> None:
        for session in store._resting:
            session.created -= seconds
            session.returned -= seconds

    return pass_time


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return an authority whose certificates the project accepts."""
    return Authority(tmp_path)


@pytest.fixture
def provider(authority: Authority, settings: Any) -> Iterator[Provider]:
    provider = Provider(authority.context())
    use(provider, authority, settings)
    yield provider
    provider.stop()


@pytest.fixture(params=["tls", "plain"])
def any_provider(
    request: pytest.FixtureRequest, authority: Authority, settings: Any
) -> Iterator[Provider]:
    provider = Provider(authority.context() if request.param == "tls" else None)
    use(provider, authority, settings)
    yield provider
    provider.stop()


def use(provider: Provider, authority: Authority, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, *PATHS]
    for backend in BACKENDS:
        name = backend.name.replace("-", "_").upper()
        for setting, value in {
            "KEY": "our-id",
            "SECRET": "our-secret",
            "URL": provider.url,
            "VERIFY_SSL": str(authority.bundle),
        }.items():
            setattr(settings, f"SOCIAL_AUTH_{name}_{setting}", value)


@pytest.fixture
def log_in() -> Callable[..., Any]:
    def log_in(provider: Provider, user: str = "1", *, backend: str = "loopback") -> Any:
        frontend = Frontend("body")
        begun = frontend.begin(backend)
        (state,) = parse_qs(urlsplit(begun.data["authorization_url"]).query)["state"]
        return frontend.complete(begun, {"code": provider.grant(user), "state": state}, backend)

    return log_in
