"""Several logins at once, in one browser."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page

from . import steps
from .conftest import Screenshot


def test_two_tabs(context: BrowserContext, origin: str, screenshot: Screenshot) -> None:
    first, second = context.new_page(), context.new_page()
    steps.choose_provider(first, origin, steps.OPENID_CONNECT)
    steps.log_in(first)
    steps.choose_provider(second, origin, steps.OAUTH2)
    steps.allow(first)
    steps.expect_signed_in(first)
    steps.allow(second)
    steps.expect_signed_in(second)
    screenshot(first, "first")
    screenshot(second, "second")


def test_three_begins_in_parallel(page: Page, origin: str, screenshot: Screenshot) -> None:
    """From a page that has no cookie yet; then each of them is completed."""
    traffic = steps.Traffic(page.context)
    page.goto(f"{origin}/")
    urls = page.evaluate(
        """async () => {
            const { beginLogin } = await import("/app.js");
            return Promise.all(["demo", "demo-oauth2", "demo"].map(beginLogin));
        }"""
    )
    assert len(set(urls)) == 3
    for number, url in enumerate(urls):
        page.goto(url)
        if number == 0:
            steps.log_in(page)
        steps.allow(page)
        steps.expect_signed_in(page)
        screenshot(page, f"{number + 1}-signed-in")
    answers = [completion.response() for completion in traffic.completions()]
    assert [answer.status for answer in answers if answer] == [201, 201, 201]
