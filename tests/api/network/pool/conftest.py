"""What the tests of the connections to providers share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.api.network.pool.authority import Authority
from tests.api.network.pool.backends import PATHS
from tests.api.network.pool.provider import Provider
from tests.support.frontend import Frontend

LogIn = Callable[..., Any]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return an authority whose certificates the project accepts."""
    return Authority(tmp_path)


@pytest.fixture
def provider(authority: Authority, settings: Any) -> Iterator[Provider]:
    """Return a provider that the project asks over TLS 1.3."""
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, *PATHS]
    provider = Provider(authority.context())
    for name in ("LOOPBACK", "OWN_REQUEST", "REDEEMS_BY_GET", "REDEEMS_IN_THE_QUERY"):
        for setting, value in {
            "KEY": "our-id",
            "SECRET": "our-secret",
            "URL": provider.url,
            "VERIFY_SSL": str(authority.bundle),
        }.items():
            setattr(settings, f"SOCIAL_AUTH_{name}_{setting}", value)
    yield provider
    provider.stop()


@pytest.fixture
def log_in(provider: Provider) -> LogIn:
    """Return a function that logs a user in, and returns the last answer."""

    def log_in(user: str = "1", *, backend: str = "loopback", at: Provider = provider) -> Any:
        frontend = Frontend("body")
        begun = frontend.begin(backend)
        (state,) = parse_qs(urlsplit(begun.data["authorization_url"]).query)["state"]
        return frontend.complete(begun, {"code": at.grant(user), "state": state}, backend)

    return log_in


def until_none_is_open(provider: Provider) -> None:
    """Wait for the provider to see that all connections are closed."""
    for _ in range(500):
        if not provider.open:
            return
        time.sleep(0.01)
    raise AssertionError(f"{provider.open} are open")
