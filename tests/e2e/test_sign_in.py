"""Sign-in and sign-out on both origins."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support import browser_steps as steps
from tests.support.browser_steps import Screenshot
from tests.support.example import Example

pytestmark = pytest.mark.usefixtures("no_accounts")


@pytest.mark.parametrize("button", [steps.OPENID_CONNECT, steps.OAUTH2])
def test_user_signs_in_and_out(
    page: Page, origin: str, button: str, screenshot: Screenshot
) -> None:
    page.goto(f"{origin}/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    screenshot(page, "1-begin")
    steps.click(page, button)
    expect(page.get_by_label("User ID")).to_be_visible()
    screenshot(page, "2-provider")
    steps.enter_person(page)
    screenshot(page, "3-person")
    steps.approve(page)
    if button == steps.OAUTH2:
        steps.sign_up(page)
    steps.expect_signed_in(page)
    assert page.url == f"{origin}/"
    screenshot(page, "4-signed-in")
    steps.click(page, "Sign out")
    steps.expect_message(page, "You are signed out.")
    screenshot(page, "5-signed-out")
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_user_signs_out_at_provider(page: Page, origin: str, screenshot: Screenshot) -> None:
    steps.sign_in(page, origin)
    with page.expect_response("**/auth/logout/") as response:
        steps.click(page, f"Sign out of {steps.OPENID_CONNECT}")
    steps.expect_message(page, f"You are signed out of this site and of {steps.OPENID_CONNECT}.")
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_focused()
    assert response.value.status == 204
    assert page.url == f"{origin}/"
    screenshot(page, "signed-out")
    steps.click(page, steps.OPENID_CONNECT)
    expect(page.get_by_text("You have signed out here.")).to_be_visible()


@pytest.mark.parametrize("query", ["state=of-somebody-else", "stateless"])
def test_message_about_logout_requires_our_state(page: Page, example: Example, query: str) -> None:
    steps.sign_in(page, example.site)
    page.goto(f"{example.site}/?{query}")
    steps.expect_signed_in(page)
    steps.expect_message(page, "")
    assert page.url == f"{example.site}/"


def test_flow_on_same_origin_is_in_cookie_that_scripts_cannot_read(
    page: Page, context: BrowserContext, example: Example
) -> None:
    steps.choose_provider(page, example.site)
    steps.enter_person(page)
    (cookie,) = context.cookies(example.site)
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    provider_page = page.url
    page.goto(f"{example.site}/")
    assert page.evaluate("document.cookie") == ""
    page.goto(provider_page)
    steps.enter_person(page)
    steps.approve(page)
    steps.expect_signed_in(page)
    assert context.cookies(example.site) == []


def test_page_on_other_origin_sends_no_cookie_to_api(
    page: Page, context: BrowserContext, example: Example
) -> None:
    traffic = steps.Traffic(context)
    steps.sign_in(page, example.other_origin)
    assert context.cookies(example.site) == []
    requests = [r for r in traffic.requests if r.url.startswith(f"{example.site}/")]
    assert {request.method for request in requests} >= {"GET", "POST"}
    assert [request.url for request in requests if request.header_value("cookie")] == []


def test_log_contains_requests_without_secrets(page: Page, example: Example) -> None:
    traffic = steps.Traffic(page.context)
    steps.sign_in(page, example.site)
    log = example.log.read_text()
    assert '"POST /auth/o/demo/ HTTP/1.1" 201' in log
    for name, value in parse_qsl(urlsplit(traffic.callback()).query):
        assert name == "iss" or value not in log
    assert page.evaluate("JSON.parse(sessionStorage.getItem('token'))") not in log


def test_logins_in_two_tabs_complete(context: BrowserContext, origin: str) -> None:
    first, second = context.new_page(), context.new_page()
    steps.choose_provider(first, origin, steps.OPENID_CONNECT)
    steps.enter_person(first)
    steps.choose_provider(second, origin, steps.OAUTH2)
    steps.approve(first)
    steps.expect_signed_in(first)
    steps.enter_person(second)
    steps.approve(second)
    steps.sign_up(second)
    steps.expect_signed_in(second)


def test_three_logins_begun_in_parallel_complete(page: Page, origin: str) -> None:
    """The browser has no cookie when they begin."""
    traffic = steps.Traffic(page.context)
    page.goto(f"{origin}/")
    urls = page.evaluate(
        """async () => {
            const { client } = await import("/api.js");
            const redirectUri = `${location.origin}/login/callback/`;
            const options = { redirectUri, next: "/", navigate: (url) => url };
            const begin = (provider) => client.signIn(provider, options);
            return Promise.all(["demo", "demo-oauth2", "demo"].map(begin));
        }"""
    )
    assert len(set(urls)) == 3
    for number, url in enumerate(urls):
        page.goto(url)
        if number == 0:
            steps.enter_person(page)
        steps.approve(page)
        if number == 1:
            steps.sign_up(page)
        steps.expect_signed_in(page)
    responses = [completion.response() for completion in traffic.completions()]
    assert [response.status for response in responses if response] == [201, 202, 201, 201]
