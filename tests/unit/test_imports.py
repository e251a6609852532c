"""The modules that a project imports, with and without optional packages."""

from __future__ import annotations

import pkgutil
import tomllib
from typing import Any

import pytest

import social_endpoints
from social_endpoints import tokens
from tests.support.interpreter import ROOT, python

OPTIONAL = ("drf_spectacular", "knox", "rest_framework_simplejwt")
SET_UP = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "social_django"{more}],
    SECRET_KEY="not secret",
    **{settings},
)
django.setup()
"""
BARE = SET_UP.format(more="", settings={})

HEAVY = ("django.test", "jinja2", "rest_framework.test", "unittest", "wsgiref")
"""Modules for tests, for servers, or for another template engine."""

OURS = "import social_endpoints.urls; from django.core import checks; checks.run_checks()"
THEIRS = "import social_django.urls, rest_framework.views"


def imported(statements: str, more: str = "", settings: dict[str, Any] | None = None) -> set[str]:
    """Return the modules that a project has imported after some statements.

    :param more: further entries of INSTALLED_APPS, as source code.
    """
    set_up = SET_UP.format(more=more, settings=settings or {})
    outcome = python("-c", f"{set_up}{statements}; import sys; print(*sys.modules)", settings="")
    assert outcome.returncode == 0, outcome.stderr
    return set(outcome.stdout.split())


def test_modules_import_before_django_is_set_up_and_without_optional_packages() -> None:
    modules = {module.name for module in pkgutil.iter_modules(social_endpoints.__path__)}
    # These need the models of social_django, which Django imports during its set-up.
    modules -= {"admin", "schema", "strategy", "urls", "views"}
    hide = f"from tests.support.interpreter import hide; hide(*{OPTIONAL!r})"
    statements = "; ".join(f"import social_endpoints.{name}" for name in sorted(modules))
    outcome = python("-c", f"{hide}; {statements}", settings="")

    assert outcome.returncode == 0, outcome.stderr


def test_project_imports_only_what_it_uses() -> None:
    names = imported(OURS, ', "social_endpoints"')

    assert not names & {*OPTIONAL, *HEAVY, "onelogin", "social_endpoints.testing"}


def test_project_imports_few_packages_in_addition_to_social_django() -> None:
    ours, theirs = (
        {name.partition(".")[0] for name in names}
        for names in (imported(OURS, ', "social_endpoints"'), imported(THEIRS))
    )

    # The backends of social-core use oauthlib.
    assert ours - theirs == {"social_endpoints", "oauthlib", "requests_oauthlib"}


@pytest.mark.needs("drf_spectacular")
@pytest.mark.parametrize(
    ("more", "settings"),
    [
        (', "drf_spectacular"', {}),
        ("", {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}),
    ],
)
def test_schema_is_imported_with_drf_spectacular(more: str, settings: dict[str, str]) -> None:
    names = imported(OURS, f', "social_endpoints"{more}', {"REST_FRAMEWORK": settings})

    assert "social_endpoints.schema" in names


def test_app_starts_without_optional_packages() -> None:
    hide = f"from tests.support.interpreter import hide; hide(*{OPTIONAL!r})"
    outcome = python("-c", f"{hide}\nimport django; django.setup(); import tests.urls")

    assert outcome.returncode == 0, outcome.stderr


def test_unknown_token_serializer_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'JTWSerializer'"):
        tokens.JTWSerializer  # noqa: B018 - the access is the test


def test_token_serializers_are_listed_before_they_are_imported() -> None:
    assert {*tokens.__all__} <= {*dir(tokens)}


@pytest.mark.parametrize(
    ("name", "hidden", "package", "extra"),
    [
        ("JWTSerializer", "rest_framework_simplejwt", "djangorestframework-simplejwt", "jwt"),
        ("JWTCookieSerializer", "rest_framework_simplejwt", "djangorestframework-simplejwt", "jwt"),
        ("KnoxTokenSerializer", "knox", "django-rest-knox", "knox"),
    ],
)
def test_missing_extra_names_the_package_to_install(
    name: str, hidden: str, package: str, extra: str
) -> None:
    hide = f"from tests.support.interpreter import hide; hide({hidden!r})"
    outcome = python("-c", f"{hide}\n{BARE}from social_endpoints.tokens import {name}")

    message = f"{name} needs {package}: pip install 'django-social-endpoints[{extra}]'"
    last_line = outcome.stderr.splitlines()[-1]
    assert last_line == f"social_endpoints.tokens.MissingExtra: {message}"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"][extra] == [package]


def test_missing_required_package_is_not_reported_as_extra() -> None:
    hide = "from tests.support.interpreter import hide; hide('rest_framework')"
    outcome = python("-c", f"{hide}\n{BARE}from social_endpoints.tokens import TokenSerializer")

    last_line = outcome.stderr.splitlines()[-1]
    assert last_line == "ModuleNotFoundError: No module named 'rest_framework'"
