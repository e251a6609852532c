"""Signing in and out, on either origin."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from . import steps
from .conftest import Screenshot
from .example import Example


@pytest.mark.parametrize("button", [steps.OPENID_CONNECT, steps.OAUTH2])
def test_sign_in_and_out(page: Page, origin: str, button: str, screenshot: Screenshot) -> None:
    page.goto(f"{origin}/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    screenshot(page, "1-begin")
    page.get_by_role("button", name=button).click()
    expect(page.get_by_label("User name")).to_be_visible()
    screenshot(page, "2-login")
    steps.log_in(page)
    screenshot(page, "3-consent")
    steps.allow(page)
    steps.expect_signed_in(page)
    assert page.url == f"{origin}/login/callback/"
    screenshot(page, "4-signed-in")
    page.get_by_role("button", name="Sign out").click()
    steps.expect_message(page, "You are signed out.")
    screenshot(page, "5-signed-out")
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_next_login_finds_the_same_user(page: Page, origin: str) -> None:
    steps.sign_in(page, origin)
    username = page.locator("#username").inner_text()
    page.get_by_role("button", name="Sign out").click()
    steps.expect_message(page, "You are signed out.")
    steps.choose_provider(page, origin)
    steps.allow(page)
    steps.expect_signed_in(page)
    assert page.locator("#username").inner_text() == username


def test_on_the_same_origin_the_flow_is_an_http_only_cookie(
    page: Page, context: BrowserContext, running_example: Example, screenshot: Screenshot
) -> None:
    steps.choose_provider(page, running_example.addresses.site)
    steps.log_in(page)
    (cookie,) = cookies_of_the_site(context)
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    steps.allow(page)
    steps.expect_signed_in(page)
    assert cookies_of_the_site(context) == []
    screenshot(page, "signed-in")


def test_on_the_same_origin_no_script_can_read_the_flow(
    page: Page, context: BrowserContext, running_example: Example
) -> None:
    steps.choose_provider(page, running_example.addresses.site)
    steps.log_in(page)
    (cookie,) = cookies_of_the_site(context)
    page.goto(f"{running_example.addresses.site}/")
    kept = page.evaluate("[document.cookie, JSON.stringify(sessionStorage)].join()")
    assert "demo" in kept
    assert str(cookie["value"]) not in kept


def test_on_the_second_origin_there_is_no_cookie(
    page: Page, context: BrowserContext, running_example: Example, screenshot: Screenshot
) -> None:
    traffic = steps.Traffic(context)
    steps.choose_provider(page, running_example.addresses.second_origin)
    steps.log_in(page)
    assert cookies_of_the_site(context) == []
    steps.allow(page)
    steps.expect_signed_in(page)
    assert cookies_of_the_site(context) == []
    requests = traffic.to(running_example.addresses.site)
    assert {request.method for request in requests} >= {"GET", "POST"}
    assert [request.url for request in requests if request.header_value("cookie")] == []
    screenshot(page, "signed-in")


def test_the_log_shows_requests_but_no_secret(
    page: Page, origin: str, running_example: Example
) -> None:
    traffic = steps.Traffic(page.context)
    steps.sign_in(page, origin)
    log = running_example.log.read_text()
    assert '"POST /auth/o/demo/ HTTP/1.1" 201' in log
    for name, value in parse_qsl(urlsplit(traffic.callback()).query):
        assert name == "iss" or value not in log
    assert page.evaluate("sessionStorage.getItem('token')") not in log


def cookies_of_the_site(context: BrowserContext) -> list[dict[str, object]]:
    """All but the provider's: a browser keeps cookies by host, whatever the port."""
    return [
        dict(cookie) for cookie in context.cookies() if not cookie["name"].startswith("provider_")
    ]
