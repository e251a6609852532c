"""Each state of the example's pages: accessibility, layout shifts, width and console."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.support import browser_steps as steps
from tests.support.example import Example
from tests.support.page_quality import Quality

OPENID_CONNECT, OAUTH2 = steps.OPENID_CONNECT, steps.OAUTH2

pytestmark = pytest.mark.usefixtures("no_accounts")


@pytest.fixture
def quality(context: BrowserContext, example: Example) -> Quality:
    return Quality(context, (f"{example.site}/", f"{example.other_origin}/"))


def hold(page: Page, url: str) -> list[Route]:
    """Let requests wait; return the list to which they are added."""
    waiting: list[Route] = []
    # Playwright needs a function that accepts attributes.
    page.route(url, lambda route: waiting.append(route))  # noqa: PLW0108
    return waiting


def release(page: Page, url: str, waiting: list[Route]) -> None:
    for route in waiting:
        route.continue_()
    page.unroute(url)


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("origin_name", "width"), [("site", 360), ("other_origin", 1440)], ids=["narrow", "wide"]
)
def test_sign_in_has_no_faults_in_any_state(
    page: Page, example: Example, quality: Quality, origin_name: str, width: int
) -> None:
    origin = getattr(example, origin_name)
    page.set_viewport_size({"width": width, "height": 800})

    waiting = hold(page, "**/auth/o/")
    page.goto(f"{origin}/")
    expect(page.locator(".skeleton").first).to_be_visible()
    quality.audit(page, "loading")
    release(page, "**/auth/o/", waiting)
    expect(page.get_by_role("button", name=OAUTH2)).to_be_visible()
    quality.audit(page, "sign in")

    page.route("**/auth/o/demo/*", lambda route: route.abort())
    steps.click(page, OPENID_CONNECT)
    steps.expect_error(page, "The server cannot be reached.")
    quality.audit(page, "unreachable")
    page.unroute("**/auth/o/demo/*")

    steps.click(page, OAUTH2)
    expect(page.get_by_label("User ID")).to_be_visible()
    quality.audit(page, "provider: new person")
    page.get_by_label("User ID").fill("")
    page.get_by_label("E-mail address", exact=True).fill("dana")
    page.get_by_text("More claims").click()
    page.get_by_label("JSON").fill("{")
    page.get_by_text("Errors and delays").click()
    steps.approve(page)
    expect(page.get_by_role("alert")).to_be_visible()
    quality.audit(page, "provider: wrong values", may_move=True)
    page.get_by_label("JSON").fill("")
    steps.enter_person(page)
    quality.audit(page, "provider: person")
    waiting = hold(page, "**/auth/o/demo-oauth2/")
    steps.decline(page)
    heading(page, "Signing you in")
    quality.audit(page, "callback")
    release(page, "**/auth/o/demo-oauth2/", waiting)
    steps.expect_error(page, "Reference")
    quality.audit(page, "declined")

    steps.click(page, OAUTH2)
    steps.enter_person(page)
    steps.approve(page)
    heading(page, "One more step")
    quality.audit(page, "form")
    steps.click(page, "Continue")
    expect(page.locator("[aria-invalid='true']").first).to_be_focused()
    quality.audit(page, "form with errors")
    steps.sign_up(page)
    steps.expect_signed_in(page)
    quality.audit(page, "account")
    assert "\n".join(quality.faults) == ""


def test_account_has_no_faults_in_any_state(page: Page, example: Example, quality: Quality) -> None:
    wrong_address = f"http://0.0.0.0:{example.port}"
    quality.origins += (f"{wrong_address}/",)
    page.set_viewport_size({"width": 360, "height": 800})
    steps.sign_in(page, example.site)
    steps.click(page, f"Connect {OAUTH2}")
    steps.approve(page)
    steps.expect_message(page, f"{OAUTH2} is connected.")
    quality.audit(page, "connected")
    steps.show_profile(page, OAUTH2)
    steps.expect_message(page, f"{OAUTH2} knows you as Dana Demo, dana@example.com.")
    quality.audit(page, "profile")
    example.revoke_provider_tokens()
    steps.show_profile(page, OAUTH2)
    expect(page.get_by_role("button", name=f"Reconnect {OAUTH2}")).to_be_visible()
    quality.audit(page, "access ended", may_move=True)
    steps.click(page, f"Disconnect {OAUTH2}")
    steps.expect_message(page, f"{OAUTH2} is disconnected.")
    quality.audit(page, "disconnected", may_move=True)
    steps.click(page, "Sign out")
    steps.expect_message(page, "You are signed out.")
    quality.audit(page, "signed out", may_move=True)
    page.goto(f"{example.other_origin}/popup/")
    expect(page.get_by_role("button", name=OAUTH2)).to_be_visible()
    quality.audit(page, "popup page")
    page.goto(f"{example.other_origin}/provider/authorize")
    heading(page, "This request cannot be answered")
    quality.audit(page, "provider: error")
    page.goto(f"{example.other_origin}/provider/")
    heading(page, "The fake provider is running")
    quality.audit(page, "provider: start page")
    page.goto(f"{example.other_origin}/provider/logout")
    heading(page, "Sign out?")
    quality.audit(page, "provider: sign out")
    page.goto(f"{example.site}/no-such-page")
    heading(page, "There is no page at this address")
    quality.audit(page, "not found")
    page.goto(f"{wrong_address}/")
    heading(page, "The example has two other addresses")
    quality.audit(page, "wrong address")
    assert "\n".join(quality.faults) == ""
