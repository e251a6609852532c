"""The commands and the files of the tutorial, with the packages of this environment.

tests/e2e/test_tutorial.py follows the whole page, with a new environment and a browser.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.interpreter import python
from tests.support.pages import ROOT, page
from tests.support.tutorial import SERVERS, Reader, assert_output
from tests.support.tutorial_steps import Action, Command, Step, steps, steps_of_tutorial

PAGE = page("tutorial.rst")
OPEN_PAGES = """
import django; django.setup()
from django.test import Client
client = Client(SERVER_NAME="localhost")
for path in ("/", "/login/callback/"):
    assert b"app.js" in client.get(path).content, path
assert [each["name"] for each in client.get("/auth/o/").json()] == ["oidc", "google-oauth2"]
"""


def needs_installation_or_server(step: Step) -> bool:
    """Whether a step cannot be followed here."""
    if isinstance(step, Command):
        words = step.text.split()
        return not SERVERS.keys().isdisjoint(words) or "pip" in words or ".venv" in step.text
    return isinstance(step, Action) and step.verb == "interrupt"


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Return a function that follows the steps of a text and returns the project."""
    programs = Path(sys.executable).parent
    reader = Reader(tmp_path, programs, (8000, 9000), PYTHONPATH=str(ROOT))

    def follow(text: str) -> Path:
        for step in steps(text):
            if not needs_installation_or_server(step):
                reader.follow(step)
        return reader.project

    yield follow
    reader.close()


def test_files_are_a_project_with_two_providers(follow: Callable[[str], Path]) -> None:
    project = follow(PAGE)

    for command in (["manage.py", "check", "--fail-level=WARNING"], ["-c", OPEN_PAGES]):
        outcome = python(*command, path=project, folder=project, settings="mysite.settings")
        assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("startproject mysite .", "startproject mysite"),
        ('          "rest_framework.authtoken",\n', ""),
    ],
)
def test_wrong_step_is_found(right: str, wrong: str, follow: Callable[[str], Path]) -> None:
    assert right in PAGE

    with pytest.raises(AssertionError):
        follow(PAGE.replace(right, wrong).partition("Start the provider")[0])


def test_each_block_is_a_step() -> None:
    others = [each for each in steps_of_tutorial() if not isinstance(each, Action | Command)]
    consoles = PAGE.count("code-block:: console")

    assert len(others) == PAGE.count("code-block::") + PAGE.count("image::") - consoles
    assert len({each.verb for each in steps_of_tutorial() if isinstance(each, Action)}) == 5


@pytest.mark.parametrize(
    ("shown", "actual"),
    [
        ("a\nb", "a\nc\n"),
        ("a\nb", "a\nb\nc\n"),
        ("a\n…\nd", "a\nb\nc\n"),
        ("a … c", "a b\nc\n"),
        ("a", "b\na\n"),
    ],
)
def test_wrong_output_is_found(shown: str, actual: str) -> None:
    with pytest.raises(AssertionError):
        assert_output(shown, actual)


@pytest.mark.parametrize("shown", ["a\nb c\nd", "a\n…", "…\nd", "…", "a\n…\nd", "a\nb …\nd"])
def test_left_out_text_is_accepted(shown: str) -> None:
    assert_output(shown, "a\nb c\nd\n")
