"""A login that pauses: the form of the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support import browser_steps as steps
from tests.support.browser_steps import Screenshot
from tests.support.example import Example

EMPTY = "This field may not be blank."

pytestmark = pytest.mark.usefixtures("no_accounts")


def pause(page: Page, origin: str) -> None:
    """Sign in with the second provider, which asks a new user for a name."""
    steps.choose_provider(page, origin, steps.OAUTH2)
    steps.enter_person(page)
    steps.approve(page)
    expect(page.get_by_role("heading", name="One more step")).to_be_focused()


def test_form_shows_errors_at_its_fields_and_creates_account(
    page: Page, origin: str, screenshot: Screenshot
) -> None:
    pause(page, origin)
    name, terms = page.get_by_label("Display name"), page.get_by_label("I accept the terms")
    expect(name).to_have_accessible_description("Other members see this name.")
    screenshot(page, "1-form")
    steps.click(page, "Continue")
    expect(name).to_be_focused()
    expect(name).to_have_accessible_description(f"Other members see this name. {EMPTY}")
    expect(terms).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Newsletter")).to_have_attribute("aria-invalid", "false")
    screenshot(page, "2-errors")
    name.fill("Dana of the form")
    steps.click(page, "Continue")
    expect(terms).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "false")
    terms.check()
    page.get_by_label("Newsletter").select_option("Once a week")
    steps.click(page, "Continue")
    steps.expect_signed_in(page)
    expect(page.get_by_text("Dana of the form")).to_be_visible()
    assert page.url == f"{origin}/"


def test_form_survives_reload(page: Page, example: Example) -> None:
    pause(page, example.other_origin)
    page.reload()
    steps.sign_up(page)
    steps.expect_signed_in(page)


def test_cancelled_form_returns_to_providers(page: Page, example: Example) -> None:
    pause(page, example.site)
    steps.click(page, "Cancel")
    expect(page.get_by_role("heading", name="Sign in")).to_be_focused()
    page.reload()
    expect(page.get_by_role("button", name=steps.OAUTH2)).to_be_visible()


def test_form_stays_after_failure_of_network(page: Page, example: Example) -> None:
    pause(page, example.site)
    page.route("**/auth/o/**", lambda route: route.abort())
    steps.sign_up(page)
    steps.expect_error(page, "The server cannot be reached.")
    expect(page.get_by_label("Display name")).to_have_value(steps.DISPLAY_NAME)
    page.unroute("**/auth/o/**")
    steps.click(page, "Try again")
    steps.expect_signed_in(page)
