"""What can be imported, when, and without what."""

from __future__ import annotations

import tomllib

import pytest

from social_endpoints import tokens
from tests.interpreter import ROOT, python

OPTIONAL = ("drf_spectacular", "knox", "rest_framework_simplejwt")
SET_UP = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "social_django"],
    SECRET_KEY="of no use",
)
django.setup()
"""


def test_paths_import_no_optional_package() -> None:
    """A project pays with its start-up time only for what it uses."""
    look = f"import sys; print([name for name in {OPTIONAL!r} if name in sys.modules])"
    outcome = python("-c", f"{SET_UP}import social_endpoints.urls; {look}")

    assert outcome.stdout == "[]\n", outcome.stderr


def test_app_starts_without_optional_packages() -> None:
    hide = f"from tests.interpreter import hide; hide(*{OPTIONAL!r})"
    outcome = python("-c", f"{hide}\nimport django; django.setup(); import tests.urls")

    assert outcome.returncode == 0, outcome.stderr


def test_tokens_have_no_other_name() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'JTWSerializer'"):
        tokens.JTWSerializer  # noqa: B018 - to look is the test


@pytest.mark.parametrize(
    ("name", "hidden", "package", "extra"),
    [
        ("JWTSerializer", "rest_framework_simplejwt", "djangorestframework-simplejwt", "jwt"),
        ("JWTCookieSerializer", "rest_framework_simplejwt", "djangorestframework-simplejwt", "jwt"),
        (
            "JWTCookieAuthentication",
            "rest_framework_simplejwt",
            "djangorestframework-simplejwt",
            "jwt",
        ),
        ("KnoxTokenSerializer", "knox", "django-rest-knox", "knox"),
    ],
)
def test_missing_extra_says_what_to_install(
    name: str, hidden: str, package: str, extra: str
) -> None:
    hide = f"from tests.interpreter import hide; hide({hidden!r})"
    outcome = python("-c", f"{hide}\n{SET_UP}from social_endpoints.tokens import {name}")

    message = f"{name} needs {package}: pip install 'django-social-endpoints[{extra}]'"
    last_line = outcome.stderr.splitlines()[-1]
    assert last_line == f"social_endpoints.tokens.MissingExtra: {message}"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"][extra] == [package]


def test_another_missing_package_is_not_taken_for_an_extra() -> None:
    hide = "from tests.interpreter import hide; hide('rest_framework')"
    outcome = python("-c", f"{hide}\n{SET_UP}from social_endpoints.tokens import TokenSerializer")

    assert (
        outcome.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'rest_framework'"
    )
