"""The page that signs in with a popup."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support import browser_steps as steps
from tests.support.browser_steps import Screenshot
from tests.support.example import Example

pytestmark = pytest.mark.usefixtures("no_accounts")


def open_popup(page: Page, button: str) -> Page:
    with page.expect_popup() as popup:
        steps.click(page, f"{button} in a popup")
    return popup.value


def test_user_signs_in_and_connects_in_popup(
    page: Page, origin: str, screenshot: Screenshot
) -> None:
    page.goto(f"{origin}/popup/")
    popup = open_popup(page, steps.OPENID_CONNECT)
    steps.expect_message(page, "Continue in the window that has opened. Close it to cancel.")
    screenshot(page, "1-waiting")
    steps.enter_person(popup)
    screenshot(popup, "2-popup")
    steps.approve(popup)
    steps.expect_signed_in(page)
    expect(page.get_by_role("heading", name="Your account")).to_be_focused()
    steps.expect_closed(popup)
    popup = open_popup(page, f"Connect {steps.OAUTH2}")
    steps.approve(popup)
    steps.expect_message(page, f"{steps.OAUTH2} is connected.")
    steps.expect_closed(popup)
    assert page.url == f"{origin}/popup/"


def test_form_of_paused_login_is_in_opener(page: Page, example: Example) -> None:
    page.goto(f"{example.site}/popup/")
    popup = open_popup(page, steps.OAUTH2)
    steps.enter_person(popup)
    steps.approve(popup)
    steps.sign_up(page)
    steps.expect_signed_in(page)
    steps.expect_closed(popup)


def test_closed_popup_can_be_opened_again(page: Page, example: Example) -> None:
    page.goto(f"{example.site}/popup/")
    popup = open_popup(page, steps.OPENID_CONNECT)
    expect(popup.get_by_label("User ID")).to_be_visible()
    popup.close()
    steps.expect_error(page, "The window was closed")
    with page.expect_popup() as again:
        steps.click(page, "Try again")
    steps.enter_person(again.value)
    steps.approve(again.value)
    steps.expect_signed_in(page)


def test_blocked_popup_becomes_redirect(page: Page, example: Example) -> None:
    page.add_init_script("window.open = () => null")
    page.goto(f"{example.site}/popup/")
    steps.click(page, f"{steps.OPENID_CONNECT} in a popup")
    steps.enter_person(page)
    steps.approve(page)
    steps.expect_signed_in(page)
    page.wait_for_url(f"{example.site}/popup/")
