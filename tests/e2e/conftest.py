"""The running example and a headless Chromium."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.servers.fixtures import *  # noqa: F403 - pytest finds fixtures by their names

from .example import Example, example

Screenshot = Callable[[Page, str], None]

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
NO_CHROMIUM = """These tests need a Chromium and found none. Get one with either of
  apt-get install chromium        (Debian, Ubuntu)
  python -m playwright install --with-deps chromium"""
ARGUMENTS = [
    "--no-sandbox",  # Chromium's sandbox does not start for root, as in most CI.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def running_example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    with example(tmp_path_factory.mktemp("example")) as running:
        yield running


@pytest.fixture(params=["site", "second_origin"])
def origin(request: pytest.FixtureRequest, running_example: Example) -> str:
    """Where the page is: beside its API (cookie) or on an origin of its own (body)."""
    return str(getattr(running_example.addresses, request.param))


# No longer than a module: while playwright's event loop runs in this thread, Django
# refuses to touch a database, also in the tests of other modules.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    with sync_playwright() as playwright:
        if found is None and not Path(playwright.chromium.executable_path).exists():
            pytest.fail(NO_CHROMIUM, pytrace=False)
        chromium = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that has been nowhere yet. No script in it may fail."""
    context = browser.new_context(viewport={"width": 800, "height": 600}, locale="en")
    context.set_default_timeout(15_000)
    failures: list[PlaywrightError] = []
    context.on("weberror", lambda weberror: failures.append(weberror.error))
    yield context
    context.close()
    assert failures == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def screenshot(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Screenshot:
    """Keeps what a page looks like, in ``E2E_SCREENSHOTS`` or a temporary directory."""
    directory = Path(os.environ.get("E2E_SCREENSHOTS") or tmp_path_factory.getbasetemp())
    name = re.sub(r"\W+", "-", request.node.name).strip("-")

    def screenshot(page: Page, moment: str) -> None:
        page.screenshot(path=directory / f"{name}-{moment}.png")

    return screenshot
