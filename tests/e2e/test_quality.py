"""The quality of the example's pages: keyboard, policy, size, and no JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.support import browser_steps as steps
from tests.support.example import Example, status_of
from tests.support.page_quality import Quality

OPENID_CONNECT, OAUTH2 = steps.OPENID_CONNECT, steps.OAUTH2

pytestmark = pytest.mark.usefixtures("no_accounts")


def use(page: Page, target: Locator, key: str = "Enter") -> None:
    """Move the focus to an element with the Tab key, and press a key there."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if target.evaluate("(element) => element === document.activeElement"):
            break
    expect(target).to_be_focused()
    assert target.evaluate("(element) => getComputedStyle(element).outlineStyle") != "none"
    page.keyboard.press(key)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def expect_focus(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", name=title)).to_be_focused()


def test_keyboard_is_enough(page: Page, origin: str) -> None:
    page.goto(f"{origin}/")
    use(page, button(page, OAUTH2))
    expect(page.get_by_label("User ID")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type(steps.SUB)
    page.keyboard.press("Tab")  # It selects the name.
    page.keyboard.type(steps.NAME)
    page.keyboard.press("Tab")
    page.keyboard.type(steps.EMAIL)
    use(page, button(page, "Approve"))
    expect_focus(page, "One more step")
    use(page, page.get_by_label("Display name"), "D")
    page.keyboard.press("Enter")
    expect(page.locator("[aria-invalid='true']").first).to_be_focused()
    page.keyboard.type("ana")
    use(page, page.get_by_label("I accept the terms"), "Space")
    use(page, button(page, "Continue"))
    expect_focus(page, "Your account")
    use(page, button(page, f"Connect {OPENID_CONNECT}"))
    use(page, button(page, "Approve"))
    steps.expect_message(page, f"{OPENID_CONNECT} is connected.")
    expect_focus(page, "Your account")
    use(page, button(page, f"Disconnect {OAUTH2}"))
    steps.expect_message(page, f"{OAUTH2} is disconnected.")
    expect_focus(page, "Your account")
    use(page, button(page, "Sign out"))
    steps.expect_message(page, "You are signed out.")
    expect_focus(page, "Sign in")


def test_policy_blocks_injected_script(page: Page, example: Example) -> None:
    for url in (
        f"{example.site}/",
        f"{example.other_origin}/popup/",
        f"{example.other_origin}/provider/",
        f"http://0.0.0.0:{example.port}/",
    ):
        page.goto(url)
        page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "window.injected = true";
                document.head.append(script);
            }"""
        )
        assert page.evaluate("window.injected") is None, url


def test_popup_signs_in_under_policy(page: Page, context: BrowserContext, example: Example) -> None:
    quality = Quality(context, (f"{example.site}/", f"{example.other_origin}/"))
    page.goto(f"{example.other_origin}/popup/")
    with page.expect_popup() as opened:
        steps.click(page, f"{OPENID_CONNECT} in a popup")
    popup = opened.value
    steps.enter_person(popup)
    with popup.expect_event("close"):
        steps.approve(popup)
    steps.expect_signed_in(page)
    expect_focus(page, "Your account")
    assert page.url == f"{example.other_origin}/popup/"
    assert quality.faults == []


def test_icons_are_shown(page: Page, origin: str, example: Example) -> None:
    page.goto(f"{origin}/")
    for name in (OPENID_CONNECT, OAUTH2):
        icon = button(page, name).locator("img")
        expect(icon).to_have_js_property("complete", True)
        assert icon.evaluate("({ naturalWidth }) => naturalWidth") > 0
        assert icon.get_attribute("alt") == ""  # The title is beside it.
    assert status_of(f"{example.site}/static/social_auth/icons/github.svg") == 200


def test_page_is_small(page: Page, example: Example) -> None:
    page.goto(f"{example.site}/")
    expect(button(page, OAUTH2)).to_be_visible()
    sizes = page.evaluate(
        """() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
            .map(({ transferSize }) => transferSize)"""
    )
    assert len(sizes) < 19  # Five of them are icons of providers.
    assert sum(sizes) < 100_000  # Without compression.


def test_page_without_javascript_explains_itself(browser: Browser, example: Example) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{example.site}/")
    # Playwright does not look for text in <noscript>.
    assert "This page needs JavaScript." in page.locator(".slot noscript").inner_text()
    expect(page.locator(".slot noscript p")).to_be_visible()
    expect(page.locator(".notes")).to_be_hidden()
    expect(page.locator(".skeleton").first).to_be_hidden()
    context.close()


def test_page_shows_its_shape_before_its_modules_are_loaded(page: Page, example: Example) -> None:
    page.route("**/main.js", lambda route: None)  # It never answers.
    page.goto(f"{example.site}/login/callback/", wait_until="commit")
    # Not "Sign in", because the user may be signed in.
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(2)


def test_message_is_outside_of_busy_element(page: Page, example: Example) -> None:
    """Screen readers do not read the messages of a busy element."""
    page.goto(f"{example.other_origin}/popup/")
    with page.expect_popup() as opened:
        steps.click(page, f"{OPENID_CONNECT} in a popup")
    steps.expect_message(page, "Continue in the window that has opened. Close it to cancel.")
    expect(page.locator("[aria-busy=true]").first).to_be_visible()
    expect(page.locator("[aria-busy=true] [role=status]")).to_have_count(0)
    expect(page.locator("#note")).to_be_hidden()
    opened.value.close()


@pytest.mark.parametrize("path", ["/", "/popup/"])
def test_provider_on_small_screen_has_height_of_its_skeleton(
    page: Page, example: Example, path: str
) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"{example.site}{path}")
    for title in (OPENID_CONNECT, OAUTH2):
        name = f"{title} in a popup" if path == "/popup/" else title
        box = button(page, name).bounding_box()
        assert box is not None
        assert box["height"] == 56
