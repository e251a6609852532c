"""Fixtures: the running example, real providers, and a headless Chromium."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.support.browser_steps import Screenshot
from tests.support.chromium import launcher
from tests.support.example import Example, running_example
from tests.support.servers.processes import Servers, running_servers


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    with running_example(tmp_path_factory.mktemp("example")) as example:
        yield example


@pytest.fixture(params=["site", "other_origin"])
def origin(request: pytest.FixtureRequest, example: Example) -> str:
    """Return the page's origin: that of the API (cookie), or another one (body)."""
    return str(getattr(example, request.param))


@pytest.fixture
def no_accounts(example: Example) -> None:
    example.forget_accounts()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    names = ("site", "openid-connect", "saml")
    with running_servers(tmp_path_factory.mktemp("servers"), names) as servers:
        yield servers


# Not for the whole session: while playwright's event loop runs in this thread, Django
# refuses to use a database, including in the tests of other packages.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Callable[..., Browser]:
    """Return a function that starts Chromium with more options."""
    return launcher(playwright)


@pytest.fixture(scope="package")
def browser(chromium: Callable[..., Browser]) -> Iterator[Browser]:
    browser = chromium()
    yield browser
    browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Return a new browser profile. An exception in a script fails the test."""
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
    """Return a function that saves a picture in ``E2E_SCREENSHOTS`` or a temporary directory."""
    directory = Path(os.environ.get("E2E_SCREENSHOTS") or tmp_path_factory.getbasetemp())
    name = re.sub(r"\W+", "-", request.node.name).strip("-")

    def screenshot(page: Page, moment: str) -> None:
        page.screenshot(path=directory / f"{name}-{moment}.png")

    return screenshot
