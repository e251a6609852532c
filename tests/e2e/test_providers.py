"""Providers that people know, with the fake provider in their place."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support import browser_steps as steps
from tests.support.browser_steps import Screenshot
from tests.support.example import Example

pytestmark = pytest.mark.usefixtures("no_accounts")


@pytest.mark.parametrize("title", ["Google", "GitHub", "Apple"])
def test_user_signs_in_with_fake_of_provider(
    page: Page, context: BrowserContext, origin: str, title: str, screenshot: Screenshot
) -> None:
    traffic = steps.Traffic(context)
    steps.choose_provider(page, origin, title)
    expect(page.get_by_text(f"This page stands in for {title}.")).to_be_visible()
    screenshot(page, "provider")
    steps.enter_person(page)
    steps.approve(page)
    steps.expect_signed_in(page)
    assert page.url == f"{origin}/"
    handoffs = [each for each in traffic.requests if each.url.endswith("/apple-id/callback/")]
    assert len(handoffs) == (title == "Apple")
    hosts = {request.url.split("/")[2].split(":")[0] for request in traffic.requests}
    assert hosts <= {"127.0.0.1", "localhost"}


def test_response_is_posted_without_javascript(page: Page, example: Example) -> None:
    page.route("**/provider/submit.js", lambda route: route.abort())
    steps.choose_provider(page, example.site, "Apple")
    steps.enter_person(page)
    steps.approve(page)
    steps.click(page, "Continue")
    steps.expect_signed_in(page)


def test_person_can_choose_what_goes_wrong(page: Page, example: Example) -> None:
    steps.choose_provider(page, example.site)
    page.get_by_text("Errors and delays").click()
    page.get_by_label("What goes wrong").select_option("The provider refuses the code")
    steps.approve(page)
    steps.expect_error(page, "Reference")
    steps.click(page, "Try again")
    expect(page.get_by_label("What goes wrong")).to_be_hidden()
    steps.enter_person(page)
    steps.approve(page)
    steps.expect_signed_in(page)
