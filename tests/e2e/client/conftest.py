"""Fixtures: a site with a page that uses ``client.js``, in Chromium and in Firefox."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, WebError
from playwright.sync_api import Error as PlaywrightError

from tests.support.example import GREETING, Example, started_example

NO_FIREFOX = """These tests need Firefox. Install it with one of
  apt-get install firefox-esr     (Debian)
  apt-get install firefox         (Ubuntu)"""


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    data = tmp_path_factory.mktemp("client-site")
    with started_example(data, EXAMPLE_SETTINGS="tests.support.client_site.settings") as example:
        example.wait_for(GREETING)
        yield example


@pytest.fixture(scope="package", params=["chromium", "firefox"])
def browser(
    request: pytest.FixtureRequest, playwright: Playwright, chromium: Callable[..., Browser]
) -> Iterator[Browser]:
    """Start a browser with its back/forward cache and its popup blocker, which tests switch off."""
    if request.param == "chromium":
        off = ["--disable-back-forward-cache", "--disable-popup-blocking"]
        browser = chromium(ignore_default_args=off)
    else:
        browser = playwright.firefox.launch(
            # Over WebDriver BiDi, because Debian's Firefox lacks Playwright's own protocol.
            channel="moz-firefox",
            executable_path=firefox(),
            firefox_user_prefs={"dom.disable_open_during_load": True},
        )
    yield browser
    browser.close()


def firefox() -> str:
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        pytest.fail(NO_FIREFOX, pytrace=False)
    return path


@pytest.fixture(scope="package")
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """Return the only profile of a browser, because a new one for each test takes long."""
    with browser.new_context(viewport={"width": 800, "height": 600}) as profile:
        profile.set_default_timeout(15_000)
        yield profile


@pytest.fixture
def context(profile: BrowserContext, example: Example) -> Iterator[BrowserContext]:
    """Return an empty profile whose user is new at the site.

    An exception in a script fails the test.
    """
    failures: list[PlaywrightError] = []

    def record(weberror: WebError) -> None:
        failures.append(weberror.error)

    example.forget_accounts()
    profile.on("weberror", record)
    yield profile
    for page in profile.pages:
        page.close()  # A new page has an empty sessionStorage.
    profile.clear_cookies()
    profile.remove_listener("weberror", record)
    assert failures == []


@pytest.fixture(params=["site", "other_origin"])
def origin(request: pytest.FixtureRequest, example: Example) -> str:
    """Return the page's origin: that of the API (cookie), or another one (body)."""
    return str(getattr(example, request.param))
