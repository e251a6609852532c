"""What can be imported, when, and without what."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from social_endpoints import tokens
from tests.support.interpreter import ROOT, python

OPTIONAL = ("drf_spectacular", "knox", "rest_framework_simplejwt")
SET_UP = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "social_django"{more}],
    SECRET_KEY="of no use",
    **{settings},
)
django.setup()
"""
BARE = SET_UP.format(more="", settings={})

# What is for tests, for servers, or for templates that nobody has.
HEAVY = ("django.test", "jinja2", "rest_framework.test", "unittest", "wsgiref")

OURS = "import social_endpoints.urls; from django.core import checks; checks.run_checks()"
THEIRS = "import social_django.urls, rest_framework.views"


def imported(statements: str, more: str = "", settings: dict[str, Any] | None = None) -> set[str]:
    """Return the modules of a project that has started and has run some statements.

    :param more: what is in its list of apps besides.
    """
    set_up = SET_UP.format(more=more, settings=settings or {})
    outcome = python("-c", f"{set_up}{statements}; import sys; print(*sys.modules)", settings="")
    assert outcome.returncode == 0, outcome.stderr
    return set(outcome.stdout.split())


def test_a_project_pays_only_for_what_it_uses() -> None:
    """With the time in which it starts and is checked."""
    found = imported(OURS, ', "social_endpoints"')

    assert not found & {*OPTIONAL, *HEAVY, "onelogin"}


def test_what_we_import_besides_social_django() -> None:
    """Ourselves, and what the backends of social-core are made of."""
    ours, theirs = (
        {name.partition(".")[0] for name in found}
        for found in (imported(OURS, ', "social_endpoints"'), imported(THEIRS))
    )

    assert ours - theirs == {"social_endpoints", "oauthlib", "requests_oauthlib"}


@pytest.mark.needs("drf_spectacular")
@pytest.mark.parametrize(
    ("more", "settings"),
    [
        (', "drf_spectacular"', {}),
        ("", {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}),
    ],
)
def test_the_schema_is_there_for_who_uses_it(more: str, settings: dict[str, str]) -> None:
    found = imported(OURS, f', "social_endpoints"{more}', {"REST_FRAMEWORK": settings})

    assert "social_endpoints.schema" in found


def test_app_starts_without_optional_packages() -> None:
    hide = f"from tests.support.interpreter import hide; hide(*{OPTIONAL!r})"
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
    hide = f"from tests.support.interpreter import hide; hide({hidden!r})"
    outcome = python("-c", f"{hide}\n{BARE}from social_endpoints.tokens import {name}")

    message = f"{name} needs {package}: pip install 'django-social-endpoints[{extra}]'"
    last_line = outcome.stderr.splitlines()[-1]
    assert last_line == f"social_endpoints.tokens.MissingExtra: {message}"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"][extra] == [package]


def test_another_missing_package_is_not_taken_for_an_extra() -> None:
    hide = "from tests.support.interpreter import hide; hide('rest_framework')"
    outcome = python("-c", f"{hide}\n{BARE}from social_endpoints.tokens import TokenSerializer")

    assert (
        outcome.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'rest_framework'"
    )
