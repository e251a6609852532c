"""User models of projects. The user model of a process is fixed, so each has its own."""

from __future__ import annotations

import os

import pytest

from tests.support.interpreter import python


@pytest.mark.parametrize("user_model", ["Member", "Clerk", "Guest", "Author", "Visitor"])
def test_user_model_of_a_project_is_supported(user_model: str) -> None:
    result = python(
        *("-m", "pytest", "--quiet", "-p", "no:cacheprovider", "tests/user_models"),
        settings="tests.support.members.settings",
        USER_MODEL=user_model,
        TEST_DATABASE=os.environ.get("TEST_DATABASE", "sqlite"),
    )

    assert result.returncode == 0, result.stdout
