"""The checks for production find the URLs and imports of the package for tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from social_endpoints.internal.guard import is_deployment_check
from tests.support.interpreter import python

CHECK = """
import os
for name in ("PYTEST_VERSION", "PYTEST_CURRENT_TEST"):
    os.environ.pop(name, None)
import django
from django.conf import settings
django.setup()
settings.DEBUG = True
{statement}
from django.core.checks import run_checks
print([each.msg for each in run_checks(include_deployment_checks=True) if "W037" in each.id])
"""
MESSAGE = "The project uses social_endpoints.testing, with which anyone can sign in as anyone."


@pytest.mark.parametrize(
    ("statement", "expected"), [("", []), ("import social_endpoints.testing", [MESSAGE])]
)
def test_check_finds_import_in_project(statement: str, expected: list[str]) -> None:
    outcome = python("-c", CHECK.format(statement=statement))

    assert outcome.stdout.splitlines() == [str(expected)], outcome.stderr


PRODUCTION = """
from tests.support.fake_project import *
DEBUG = False
ROOT_URLCONF = "production_urls"
"""
PRODUCTION_URLS = """
from django.urls import include, path
urlpatterns = [path("fake/", include("social_endpoints.testing.urls"))]
"""


def test_check_finds_urls_of_project_that_cannot_start(tmp_path: Path) -> None:
    (tmp_path / "production.py").write_text(PRODUCTION)
    (tmp_path / "production_urls.py").write_text(PRODUCTION_URLS)
    command = ("-m", "django", "check", "--deploy")

    outcome = python(*command, path=tmp_path, settings="production", PYTEST_CURRENT_TEST="")

    use = "The project uses social_endpoints.testing.urls"
    assert f"(social_endpoints.E034) {use}, but DEBUG is off." in outcome.stderr
    assert f"(social_endpoints.W037) {use}, with which" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert outcome.returncode == 1


@pytest.mark.parametrize(
    ("command_line", "expected"),
    [
        ("./manage.py check --deploy", True),
        ("/venv/bin/django-admin check -v 1 --deploy", True),
        ("/venv/django/__main__.py check --deploy", True),
        ("manage.py check", False),
        ("manage.py runserver check --deploy", False),
        ("gunicorn check --deploy", False),
        ("manage.py", False),
        ("", False),
    ],
)
def test_only_deployment_check_may_import_package_in_production(
    command_line: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", command_line.split())

    assert is_deployment_check() is expected
