"""What the tests share."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any

import pytest
import responses
from django.core.cache import cache
from django.db import connection
from rest_framework.test import APIClient

from social_endpoints.internal.network.document_cache import process_cache
from tests.support.configuration import Configure, configure_endpoints
from tests.support.frontend import Frontend
from tests.support.openid_provider import OpenIDProvider

# One environment is meant to be without the extras. There, what needs one is left out.
collect_ignore = [] if find_spec("drf_spectacular") else ["unit/test_schema.py"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are marked to need what is not there: a package, or row locks."""
    left_out = [item for item in items if not _has_what_it_needs(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _has_what_it_needs(item: pytest.Item) -> bool:
    packages = [marker.args[0] for marker in item.iter_markers("needs")]
    locks_rows = connection.vendor != "sqlite" or item.get_closest_marker("row_locks") is None
    return locks_rows and all(map(_is_installed, packages))


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # Not even what it would be in.
        return False


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """Stand where the network is: what is not registered here cannot be reached."""
    cache.clear()
    process_cache.clear()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        yield wire


@pytest.fixture
def openid(wire: responses.RequestsMock) -> OpenIDProvider:
    """Return the OpenID provider of the tests."""
    return OpenIDProvider(wire)


@pytest.fixture
def client() -> APIClient:
    """Return a browser."""
    return APIClient()


@pytest.fixture
def configure(settings: Any) -> Configure:
    """Return a function that sets entries of SOCIAL_ENDPOINTS for one test."""
    return partial(configure_endpoints, settings)


@pytest.fixture(params=["cookie", "body"])
def frontend(request: pytest.FixtureRequest, configure: Configure) -> Frontend:
    """Return a frontend, once for each transport."""
    configure(FLOW_TRANSPORT=request.param)
    return Frontend(request.param)
