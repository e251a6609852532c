"""Actions of a user in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Request, expect

OPENID_CONNECT = "Demo (OpenID Connect)"
OAUTH2 = "Demo (OAuth 2)"

SUB, NAME, EMAIL = "100001", "Dana Demo", "dana@example.com"
DISPLAY_NAME = "Dana of the tests"

Screenshot = Callable[[Page, str], None]


def click(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def choose_provider(page: Page, origin: str, button: str = OPENID_CONNECT) -> None:
    page.goto(f"{origin}/")
    click(page, button)


def enter_person(page: Page) -> None:
    """Fill in the page of the fake provider."""
    page.get_by_label("User ID").fill(SUB)
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("E-mail address", exact=True).fill(EMAIL)


def approve(page: Page) -> None:
    click(page, "Approve")


def decline(page: Page) -> None:
    click(page, "Decline")


def sign_in(page: Page, origin: str, button: str = OPENID_CONNECT) -> None:
    choose_provider(page, origin, button)
    enter_person(page)
    approve(page)
    if button == OAUTH2:
        sign_up(page)
    expect_signed_in(page)


def sign_up(page: Page) -> None:
    """Fill in the form that a new user of the second provider gets."""
    page.get_by_label("Display name").fill(DISPLAY_NAME)
    page.get_by_label("I accept the terms").check()
    click(page, "Continue")


def show_profile(page: Page, title: str) -> None:
    connection = page.get_by_role("listitem").filter(has_text=title)
    button = connection.get_by_role("button", name="Profile", exact=True)
    expect(button).to_have_accessible_description(title)
    button.click()


def expect_signed_in(page: Page) -> None:
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    expect(page.get_by_text(EMAIL)).not_to_have_count(0)


def expect_message(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("status")).to_have_text(text)


def expect_error(page: Page, text: str) -> None:
    """Expect an error with this text. The focus has moved to it."""
    error = page.get_by_role("alert")
    expect(error).to_contain_text(text)
    expect(error).to_be_focused()


def expect_closed(popup: Page) -> None:
    if not popup.is_closed():
        popup.wait_for_event("close")


class Traffic:
    """The requests that a browser has sent."""

    def __init__(self, context: BrowserContext) -> None:
        self.requests: list[Request] = []
        context.on("requestfinished", self._add)

    def _add(self, request: Request) -> None:
        self.requests.append(request)

    def completions(self) -> list[Request]:
        return [
            request
            for request in self.requests
            if request.method == "POST" and urlsplit(request.url).path.startswith("/auth/o/")
        ]

    def callback(self) -> str:
        """Return the last URL to which the provider redirected the browser."""
        return [r.url for r in self.requests if "/callback/?" in r.url][-1]
