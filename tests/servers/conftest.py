"""Fixtures of the tests over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.servers.frontend import Frontend
from tests.support.servers.processes import Servers, running_servers


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with running_servers(tmp_path_factory.mktemp("servers")) as servers:
        yield servers


@pytest.fixture
def frontend(servers: Servers) -> Frontend:
    """Return a frontend on its API's origin, with the cookie transport."""
    return Frontend(servers.addresses)


@pytest.fixture(params=["cookie", "body"])
def any_frontend(request: pytest.FixtureRequest, servers: Servers) -> Frontend:
    """Return a frontend, once for each transport."""
    return Frontend(servers.addresses, request.param)


@pytest.fixture
def no_new_account(servers: Servers) -> Iterator[None]:
    """Assert that the test creates neither a user nor a connection."""
    before = servers.count_accounts()
    yield
    assert servers.count_accounts() == before
