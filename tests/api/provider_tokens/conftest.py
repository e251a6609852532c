"""Fixtures of the tests of provider tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache

from social_endpoints.internal.network.document_cache import process_cache
from social_endpoints.internal.network.sessions import store
from tests.support.token_server import TokenServer, settings_of


@pytest.fixture(autouse=True)
def _no_state() -> Iterator[None]:
    cache.clear()
    process_cache.clear()
    store.clear()
    yield
    store.clear()


@pytest.fixture
def server(settings: Any) -> Iterator[TokenServer]:
    server = TokenServer()
    for name, value in settings_of(server.url).items():
        setattr(settings, name, value)
    yield server
    server.provider.stop()


@pytest.fixture
def ada() -> Any:
    return get_user_model().objects.create_user("ada")
