"""What a user does."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Request, expect

from example_project.provider import demo

OPENID_CONNECT = "Continue with OpenID Connect"
OAUTH2 = "Continue with OAuth 2"


def choose_provider(page: Page, origin: str, button: str = OPENID_CONNECT) -> None:
    page.goto(f"{origin}/")
    page.get_by_role("button", name=button).click()


def log_in(page: Page) -> None:
    """At the provider's login page, up to its consent page."""
    page.get_by_label("User name").fill(demo.USERNAME)
    page.get_by_label("Password").fill(demo.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Allow")).to_be_visible()


def allow(page: Page) -> None:
    page.get_by_role("button", name="Allow").click()


def cancel(page: Page) -> None:
    page.get_by_role("button", name="Cancel").click()


def sign_in(page: Page, origin: str, button: str = OPENID_CONNECT) -> None:
    """The whole of it, in a browser that the provider does not know yet."""
    choose_provider(page, origin, button)
    log_in(page)
    allow(page)
    expect_signed_in(page)


def expect_signed_in(page: Page) -> None:
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    expect(page.get_by_text(demo.EMAIL)).not_to_have_count(0)


def expect_message(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("status")).to_have_text(text)


class Traffic:
    """The requests of a browser, as they went out."""

    def __init__(self, context: BrowserContext) -> None:
        self.requests: list[Request] = []
        context.on("requestfinished", self.keep)

    def keep(self, request: Request) -> None:
        self.requests.append(request)

    def to(self, origin: str) -> list[Request]:
        return [request for request in self.requests if request.url.startswith(f"{origin}/")]

    def completions(self) -> list[Request]:
        return [
            request
            for request in self.requests
            if request.method == "POST" and urlsplit(request.url).path.startswith("/auth/o/")
        ]

    def callback(self) -> str:
        """The URL to which the provider sent the browser back last."""
        return [r.url for r in self.requests if "/login/callback/?" in r.url][-1]
