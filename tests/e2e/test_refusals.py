"""Logins that fail, and what the page shows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import BrowserContext, Page, Response, expect

from tests.support import browser_steps as steps
from tests.support.browser_steps import Screenshot
from tests.support.example import Example, running_example


@pytest.fixture(scope="module")
def impatient_example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """Run an example whose logins expire after one second."""
    data = tmp_path_factory.mktemp("impatient")
    with running_example(data, E2E_STATE_LIFETIME="1") as example:
        yield example


@pytest.fixture
def sibling(tmp_path: Path) -> Iterator[str]:
    """Serve an empty page on another port of the site's host; return its origin."""
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def response_of_only_completion(traffic: steps.Traffic, page: Page) -> Response:
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    (completion,) = traffic.completions()
    response = completion.response()
    assert response is not None
    return response


def test_declined_login_shows_text_of_api(page: Page, origin: str, screenshot: Screenshot) -> None:
    traffic = steps.Traffic(page.context)
    steps.choose_provider(page, origin)
    steps.enter_person(page)
    steps.decline(page)
    response = response_of_only_completion(traffic, page)
    error = response.json()
    assert response.status == 400
    assert error["error_code"] == "authorization_declined"
    steps.expect_error(page, error["non_field_errors"][0])
    expect(page.get_by_role("alert")).to_contain_text(f"Reference {error['error_id']}")
    expect(page.get_by_role("button", name=steps.OAUTH2)).to_be_visible()
    screenshot(page, "declined")


def test_field_error_shows_its_text_alone(page: Page, origin: str) -> None:
    traffic = steps.Traffic(page.context)
    without_query = "**/auth/o/*/?redirect_uri=*"
    page.route(without_query, lambda route: route.continue_(url=route.request.url.split("?")[0]))
    steps.choose_provider(page, origin)
    expect(page.get_by_role("alert")).to_contain_text("required")
    response = traffic.requests[-1].response()
    assert response is not None
    error = response.json()
    assert error["error_code"] == "redirect_uri_missing"
    steps.expect_error(page, error["redirect_uri"][0])


@pytest.mark.parametrize("origin_name", ["site", "other_origin"])
def test_expired_login_can_be_tried_again(
    page: Page, impatient_example: Example, origin_name: str, screenshot: Screenshot
) -> None:
    traffic = steps.Traffic(page.context)
    steps.choose_provider(page, getattr(impatient_example, origin_name))
    steps.enter_person(page)
    time.sleep(2)
    steps.approve(page)
    response = response_of_only_completion(traffic, page)
    error = response.json()
    assert response.status == 400
    assert error["error_code"] == "session_context_missing"
    assert error["error_recovery"] == "restart_login"
    steps.expect_error(page, error["non_field_errors"][0])
    screenshot(page, "expired")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Approve")).to_be_visible()


def test_callback_url_completes_once(page: Page, origin: str, screenshot: Screenshot) -> None:
    traffic = steps.Traffic(page.context)
    steps.sign_in(page, origin)
    page.reload()
    steps.expect_signed_in(page)
    page.goto(traffic.callback())
    steps.expect_signed_in(page)
    expect(page.get_by_role("alert")).to_be_empty()
    assert page.url == f"{origin}/"
    screenshot(page, "used")
    assert len(traffic.completions()) == 1


def test_callback_of_another_browser_is_not_sent(
    page: Page, context: BrowserContext, origin: str, screenshot: Screenshot
) -> None:
    """Login CSRF: an attacker sends the own callback URL to a victim."""
    assert context.browser is not None
    attacker = context.browser.new_context()
    traffic = steps.Traffic(attacker)
    steps.sign_in(attacker.new_page(), origin)
    attacker.close()
    victim = steps.Traffic(context)
    page.goto(traffic.callback())
    steps.expect_error(page, "Please sign in again.")
    screenshot(page, "not-begun-here")
    assert victim.completions() == []


@pytest.mark.parametrize("mode", ["cors", "no-cors"])
def test_page_of_another_origin_of_the_site_cannot_evict_a_login(
    page: Page, context: BrowserContext, example: Example, sibling: str, mode: str
) -> None:
    """A page on another port sends the cookies of the site, as one on a sibling subdomain does."""
    steps.choose_provider(page, example.site)
    steps.enter_person(page)
    before = context.cookies(example.site)
    begins = example.log.read_text().count("GET /auth/o/demo/")
    other = context.new_page()
    other.goto(f"{sibling}/")
    other.evaluate(
        """async ([url, mode]) => {
            const get = () => fetch(url, { credentials: "include", mode }).catch(() => null);
            for (let count = 0; count < 6; count++) await get();
        }""",
        [f"{example.site}/auth/o/demo/?redirect_uri={example.site}/login/callback/", mode],
    )

    assert len(before) == 1
    deadline = time.monotonic() + 10  # The server logs a request after its response.
    while example.log.read_text().count("GET /auth/o/demo/") < begins + 6:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert context.cookies(example.site) == before
    steps.approve(page)
    steps.expect_signed_in(page)


def test_unreachable_site_can_be_tried_again(
    page: Page, example: Example, screenshot: Screenshot
) -> None:
    page.route("**/auth/o/demo/*", lambda route: route.abort())
    steps.choose_provider(page, example.site)
    steps.expect_error(page, "The server cannot be reached.")
    screenshot(page, "unreachable")
    page.unroute("**/auth/o/demo/*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_label("User ID")).to_be_visible()


def test_callback_is_sent_again_after_failure_of_network(
    page: Page, origin: str, screenshot: Screenshot
) -> None:
    traffic = steps.Traffic(page.context)
    steps.choose_provider(page, origin)
    steps.enter_person(page)
    page.route("**/auth/o/demo/", lambda route: route.abort())
    steps.approve(page)
    steps.expect_error(page, "The server cannot be reached.")
    screenshot(page, "failed")
    page.unroute("**/auth/o/demo/")
    steps.click(page, "Try again")
    steps.expect_signed_in(page)
    assert len(traffic.completions()) == 1
    assert page.url == f"{origin}/"
