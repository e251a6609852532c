"""What the tests over real HTTP share."""

from __future__ import annotations

import pytest

from tests.servers.fixtures import *  # noqa: F403
from tests.servers.frontend import Frontend
from tests.servers.processes import Processes


@pytest.fixture(params=["json", "form"])
def encoding(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["cookie", "body"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def frontend(site: Processes, transport: str) -> Frontend:
    return Frontend(site.addresses, transport)
