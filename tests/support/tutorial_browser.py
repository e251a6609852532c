"""The steps of the tutorial in a browser."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.pages import DOCS
from tests.support.tutorial import Reader, assert_output
from tests.support.tutorial_steps import Action, Body, Picture, Step


def look(reader: Reader, step: Step, page: Page) -> None:
    """Do one step in the browser. Leave out the other ones."""
    if isinstance(step, Body):
        assert_shows(json.loads(reader.localized(step.text)), page)
    elif isinstance(step, Picture):
        assert (DOCS / step.path.lstrip("/")).is_file()
    elif isinstance(step, Action) and step.verb in ACTIONS:
        ACTIONS[step.verb](page, *map(reader.localized, step.values))


def assert_shows(shown: Any, page: Page) -> None:
    """Compare the JSON that the browser shows."""
    actual = json.loads(page.locator("pre").inner_text())
    assert_output(json.dumps(shown, ensure_ascii=False), json.dumps(actual, ensure_ascii=False))


def go(page: Page, url: str) -> None:
    page.goto(url)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def fill(page: Page, value: str, label: str) -> None:
    page.get_by_label(label, exact=True).fill(value)


def see(page: Page, text: str) -> None:
    expect(page.get_by_text(text)).to_be_visible()


ACTIONS: dict[str, Any] = {"open": go, "press": press, "enter": fill, "see": see}
