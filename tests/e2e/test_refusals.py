"""Logins that are not completed, and what the page says then."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Response, expect

from . import steps
from .conftest import Screenshot
from .example import Example, example

LIFETIME = 3


@pytest.fixture(scope="module")
def impatient_example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """Logins expire here after seconds."""
    data = tmp_path_factory.mktemp("impatient")
    with example(data, EXAMPLE_STATE_LIFETIME=str(LIFETIME)) as running:
        yield running


def test_the_user_declines(page: Page, origin: str, screenshot: Screenshot) -> None:
    traffic = steps.Traffic(page.context)
    steps.choose_provider(page, origin)
    steps.log_in(page)
    steps.cancel(page)
    answer = answer_of_the_only_completion(traffic, page)
    error = answer.json()
    assert answer.status == 400
    assert error["error_code"] == "authorization_declined"
    steps.expect_message(page, error["non_field_errors"][0])
    expect(page.get_by_role("button", name=steps.OAUTH2)).to_be_visible()
    screenshot(page, "declined")


@pytest.mark.parametrize("origin_name", ["site", "second_origin"])
def test_the_flow_has_expired(
    page: Page, impatient_example: Example, origin_name: str, screenshot: Screenshot
) -> None:
    traffic = steps.Traffic(page.context)
    steps.choose_provider(page, getattr(impatient_example.addresses, origin_name))
    steps.log_in(page)
    time.sleep(LIFETIME + 1.5)
    steps.allow(page)
    answer = answer_of_the_only_completion(traffic, page)
    error = answer.json()
    assert answer.status == 400
    assert error["error_code"] == "session_context_missing"
    assert error["error_recovery"] == "restart_login"
    steps.expect_message(page, error["non_field_errors"][0])
    screenshot(page, "expired")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Allow")).to_be_visible()


def test_reload_of_the_callback_page(page: Page, origin: str, screenshot: Screenshot) -> None:
    traffic = steps.Traffic(page.context)
    steps.sign_in(page, origin)
    page.reload()
    steps.expect_signed_in(page)
    screenshot(page, "reloaded")
    assert len(traffic.completions()) == 1


def test_the_old_callback_url_again(page: Page, origin: str, screenshot: Screenshot) -> None:
    traffic = steps.Traffic(page.context)
    steps.sign_in(page, origin)
    page.goto(traffic.callback())
    steps.expect_message(page, "This login has been used already.")
    steps.expect_signed_in(page)
    screenshot(page, "used")
    assert len(traffic.completions()) == 1


def test_a_callback_that_this_browser_did_not_begin(
    page: Page, context: BrowserContext, origin: str, screenshot: Screenshot
) -> None:
    """Login CSRF: an attacker sends his own callback URL to somebody else."""
    assert context.browser is not None
    attacker = context.browser.new_context()
    traffic = steps.Traffic(attacker)
    steps.sign_in(attacker.new_page(), origin)
    attacker.close()
    victim = steps.Traffic(context)
    page.goto(traffic.callback())
    steps.expect_message(page, "This login was not begun in this tab.")
    screenshot(page, "not-begun-here")
    assert victim.completions() == []


def test_two_calls_are_one_request(page: Page, origin: str) -> None:
    """React calls an effect twice while developing."""
    traffic = steps.Traffic(page.context)
    steps.sign_in(page, origin)
    same = page.evaluate(
        """async () => {
            const { completeLogin } = await import("/app.js");
            const [first, second] = [completeLogin(), completeLogin()];
            return first === second && (await first).token === sessionStorage.getItem("token");
        }"""
    )
    assert same
    assert len(traffic.completions()) == 1


def test_the_site_cannot_be_reached(page: Page, origin: str, screenshot: Screenshot) -> None:
    page.route("**/auth/o/**", lambda route: route.abort())
    steps.choose_provider(page, origin)
    steps.expect_message(page, "The site cannot be reached. Please try again in a moment.")
    screenshot(page, "unreachable")
    page.unroute("**/auth/o/**")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_label("User name")).to_be_visible()


def answer_of_the_only_completion(traffic: steps.Traffic, page: Page) -> Response:
    """What came back, once the page shows how the login ended."""
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    (completion,) = traffic.completions()
    answer = completion.response()
    assert answer is not None
    return answer
