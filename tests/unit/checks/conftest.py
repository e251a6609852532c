"""Fixtures for the tests of the system checks."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """Allow access to the database, which Django's own checks need since version 6.1."""
