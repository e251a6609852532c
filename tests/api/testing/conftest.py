from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from social_endpoints.testing import FakeProviders
from tests.support.fakes import Backends, configure_backends


@pytest.fixture
def fakes() -> Iterator[FakeProviders]:
    """Return the fake providers of a test."""
    with FakeProviders() as fakes:
        yield fakes


@pytest.fixture
def backends(settings: Any) -> Backends:
    """Return a function that configures backends, with a client id and a client secret."""

    def configure(*paths: str, **own_settings: Any) -> None:
        configure_backends(settings, *paths, **own_settings)

    return configure
