"""The guide for custom user models works."""

from __future__ import annotations

import os

from tests.support.interpreter import python
from tests.support.pages import run_block


def test_users_of_the_guide_sign_in() -> None:
    """The user model of a process is fixed, so this runs in another one."""
    result = python(
        *("-m", "pytest", "--quiet", "-p", "no:cacheprovider"),
        "tests/user_models/test_current_user.py",
        "tests/user_models/test_login.py",
        *("-k", "not resumes_with_its_user"),  # It needs a column for the first name.
        settings="tests.support.documented_user",
        TEST_DATABASE=os.environ.get("TEST_DATABASE", "sqlite"),
    )

    assert result.returncode == 0, result.stdout


def test_settings_of_the_guide_name_the_model_of_its_first_step() -> None:
    assert run_block("backend/user_models.rst", "AUTH_USER_MODEL")["AUTH_USER_MODEL"].endswith(
        ".User"
    )
