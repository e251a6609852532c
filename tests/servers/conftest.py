"""What the tests over real HTTP share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.fixtures import *  # noqa: F403 - pytest finds fixtures by their names
from tests.servers.frontend import Frontend
from tests.servers.processes import Processes


@pytest.fixture(params=["cookie", "body"])
def frontend(request: pytest.FixtureRequest, site: Processes) -> Frontend:
    """A frontend, once for each transport."""
    return Frontend(site.addresses, request.param)


@pytest.fixture(params=["json", "form"])
def either_encoding(request: pytest.FixtureRequest, frontend: Frontend) -> None:
    frontend.encoding = request.param


@pytest.fixture
def no_new_account(site: Processes) -> Iterator[None]:
    """What the test does creates neither a user nor an identity."""
    before = site.accounts()
    yield
    assert site.accounts() == before
