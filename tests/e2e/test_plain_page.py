"""The plain page of the guide, with a web server of its own, signs in at the running example."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support import browser_steps as steps
from tests.support.example import GREETING, Example, started_example
from tests.support.pages import DOCS

RECIPES = DOCS / "recipes"


class Handler(SimpleHTTPRequestHandler):
    """The server of ``python -m http.server``."""

    def log_message(self, *arguments: Any) -> None:
        """Do not log."""


@pytest.fixture(scope="module")
def plain_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Example]]:
    """Return the origin of the page and the API, after the steps of the guide."""
    directory = tmp_path_factory.mktemp("plain")
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(directory))
    ) as server:
        origin = f"http://localhost:{server.server_port}"
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        with started_example(
            tmp_path_factory.mktemp("data"),
            EXAMPLE_SETTINGS="tests.support.plain_page_settings",
            PLAIN_PAGE=origin,
        ) as example:
            example.wait_for(GREETING)
            copy_files(directory, example.site)
            yield origin, example
        server.shutdown()


def copy_files(directory: Path, api: str) -> None:
    for path in [*(RECIPES / "plain").iterdir(), RECIPES / "form.js"]:
        text = path.read_text().replace("http://localhost:8000", api)
        (directory / path.name).write_text(text)
    urllib.request.urlretrieve(f"{api}/static/social_endpoints/client.js", directory / "client.js")


@pytest.fixture
def origin(plain_page: tuple[str, Example]) -> str:
    origin, example = plain_page
    example.forget_accounts()
    return origin


def choose(page: Page, origin: str, button: str = steps.OPENID_CONNECT) -> None:
    page.goto(f"{origin}/index.html")
    steps.click(page, button)


def test_user_signs_in_and_out(page: Page, origin: str) -> None:
    choose(page, origin)
    steps.enter_person(page)
    steps.approve(page)
    expect(page.get_by_text(f"You are signed in as {steps.NAME}.")).to_be_visible()
    page.reload()
    steps.click(page, "Sign out")
    expect(page.get_by_role("button", name=steps.OPENID_CONNECT, exact=True)).to_be_visible()
    expect(page.get_by_role("alert")).to_be_empty()


def test_paused_login_shows_its_form(page: Page, origin: str) -> None:
    choose(page, origin, steps.OAUTH2)
    steps.enter_person(page)
    steps.approve(page)
    page.get_by_label("Display name").fill(" ")
    steps.click(page, "Continue")
    expect(page.get_by_role("alert")).not_to_be_empty()
    steps.sign_up(page)
    expect(page.get_by_text(f"You are signed in as {steps.DISPLAY_NAME}")).to_be_visible()


def test_declined_login_leads_back(page: Page, origin: str) -> None:
    choose(page, origin)
    steps.decline(page)
    expect(page.get_by_role("alert")).not_to_be_empty()
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.get_by_role("button", name=steps.OPENID_CONNECT, exact=True)).to_be_visible()


def test_failed_request_can_be_sent_again(page: Page, origin: str) -> None:
    def fail(route: Route) -> None:
        route.abort()

    page.route("**/auth/o/", fail, times=1)
    page.goto(f"{origin}/index.html")
    steps.click(page, "Try again")
    steps.click(page, steps.OPENID_CONNECT)
    steps.enter_person(page)
    page.route("**/auth/o/demo/", fail, times=1)
    steps.approve(page)
    steps.click(page, "Try again")
    expect(page.get_by_text(f"You are signed in as {steps.NAME}.")).to_be_visible()
