"""Fixtures of all tests, and the selection of tests that can run in this environment."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import responses
from django.conf import settings as django_settings
from django.contrib.contenttypes.management import create_contenttypes
from django.core.cache import cache
from django.db import connection
from django.db.models.signals import post_migrate
from django.test import Client
from django.utils import translation
from rest_framework.test import APIClient

from social_endpoints.internal import pytest_plugin
from social_endpoints.internal.network.document_cache import process_cache
from tests.support.configuration import Configure, configure_endpoints
from tests.support.frontend import TRANSPORTS, Frontend, browser
from tests.support.openid_provider import OpenIDProvider

# Without drf-spectacular, these modules cannot be imported.
collect_ignore = [] if find_spec("drf_spectacular") else ["unit/schema"]
if "USER_MODEL" not in os.environ:  # Their settings have another user model.
    collect_ignore.append("user_models")


def pytest_configure(config: pytest.Config) -> None:
    """Register our plugin, if the package is not installed in this environment."""
    if not config.pluginmanager.has_plugin("social_endpoints"):
        config.pluginmanager.register(pytest_plugin, "social_endpoints")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that need a package that is not installed, or row locks."""
    deselected = [item for item in items if not _can_run(item)]
    config.hook.pytest_deselected(items=deselected)
    items[:] = [item for item in items if item not in deselected]


def pytest_collection_finish() -> None:
    """Exclude all collected tests from garbage collection. The tests are a tenth faster then."""
    gc.collect()
    gc.freeze()


def _can_run(item: pytest.Item) -> bool:
    packages = [marker.args[0] for marker in item.iter_markers("needs")]
    locks_rows = connection.vendor != "sqlite" or item.get_closest_marker("row_locks") is None
    return locks_rows and all(map(_is_installed, packages))


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # The package that contains it is not installed either.
        return False


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Create the database.

    A test that commits ends with a flush, which would create all permissions again. That takes
    longer than most tests. They are not needed, because pytest-django runs these tests last.
    """
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)


@pytest.fixture(autouse=True)
def default_language() -> Iterator[None]:
    """Restore the language, because LocaleMiddleware leaves that of the request active."""
    yield
    translation.deactivate()


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """Replace the network: only the URLs that a test registers can be reached."""
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
    """Return a client without cookies."""
    return browser()


@pytest.fixture
def configure(settings: Any) -> Configure:
    """Return a function that sets entries of SOCIAL_ENDPOINTS for one test."""
    return partial(configure_endpoints, settings)


@pytest.fixture(scope="session", autouse=True)
def session_directory() -> Iterator[Path]:
    """Return the directory of sessions in files. Django reads the setting once in a process."""
    with TemporaryDirectory() as directory:
        django_settings.SESSION_FILE_PATH = directory
        yield Path(directory)


@pytest.fixture(params=TRANSPORTS)
def frontend(request: pytest.FixtureRequest, configure: Configure) -> Frontend:
    """Return a frontend, once for each transport."""
    configure(FLOW_TRANSPORT=request.param)
    return Frontend(request.param)


@pytest.fixture(autouse=True)
def described_responses(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare each response with the OpenAPI document, if the environment asks for it."""
    if "TEST_DOCUMENT" in os.environ and request.node.get_closest_marker("undocumented") is None:
        # Imported here, because drf-spectacular may not be installed.
        from tests.support import documented

        monkeypatch.setattr(Client, "request", documented.checked(Client.request))
