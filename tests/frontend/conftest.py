"""Fixtures: the running example, and a user who has signed in to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.example import Example, running_example
from tests.support.example_login import log_in


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    with running_example(tmp_path_factory.mktemp("example")) as example:
        yield example


@pytest.fixture(scope="session")
def token(example: Example) -> str:
    """Return the token of a user of the example."""
    return log_in(example)
