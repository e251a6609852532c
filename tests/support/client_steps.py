"""Actions of a user of the page in ``tests/support/client_site``."""

from __future__ import annotations

import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import requests
from playwright.sync_api import BrowserContext, Page, expect
from playwright.sync_api import Error as PlaywrightError

from tests.support.browser_steps import approve
from tests.support.example import Example
from tests.support.servers.frontend import User

CLIENT_ID = "example-site"
CALLBACK = re.compile(r"^[^?#]+/client/callback/$")


def obtain_id_token(example: Example, nonce: str) -> str:
    """Log in as an app with an SDK does; return the ID token."""
    provider = f"{example.other_origin}/provider"
    redirect_uri = f"{example.other_origin}/client/callback/"
    verifier = "v" * 43
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "client_id": CLIENT_ID,
        "response_type": "code",
        "scope": "openid profile email",
        "redirect_uri": redirect_uri,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "nonce": nonce,
    }
    step = User().follow(f"{provider}/authorize?{urlencode(query)}", until=redirect_uri)
    body = {
        "grant_type": "authorization_code",
        "code": step.query["code"],
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    secret = (example.data / "client-secret").read_text()
    response = requests.post(f"{provider}/token", body, auth=(CLIENT_ID, secret), timeout=10)
    return str(response.json()["id_token"])


def open_page(page: Page, origin: str) -> None:
    page.goto(f"{origin}/client/")
    page.wait_for_function("window.client")


def call(page: Page, script: str) -> Any:
    """Call the client; return the outcome as ``{"body": …}`` or ``{"error": …}``."""
    return page.evaluate(f"outcome((async () => {script})())")


def begin(page: Page, provider: str = "demo", **options: Any) -> None:
    """Begin a login, which leads to the provider."""
    page.evaluate("(args) => void signIn(...args)", [provider, options])
    expect(page.get_by_role("button", name="Approve")).to_be_visible()


def completion(page: Page) -> Any:
    """Wait for the callback page; return the outcome of ``complete()``."""
    page.wait_for_url(CALLBACK)
    page.wait_for_function("window.completion")
    return page.evaluate("completion")


def sign_in(page: Page, origin: str, provider: str = "demo", **options: Any) -> Any:
    """Sign in by redirect; return the outcome."""
    open_page(page, origin)
    begin(page, provider, **options)
    approve(page)
    return completion(page)


@contextmanager
def popup(page: Page, provider: str = "demo", **options: Any) -> Iterator[Page]:
    """Open a window with a click. The outcome is that of the newest popup."""
    page.evaluate("(args) => { nextPopup = args; }", [provider, options])
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Sign in in a popup").click()
    yield opened.value


def popup_outcome(page: Page) -> Any:
    return page.evaluate("popups.at(-1)")


def go_back(page: Page, path: str) -> None:
    """Press the back button. The browser restores the page from its back/forward cache.

    Playwright waits for the events of a new page, which a restored one does not have.
    """
    page.evaluate("void setTimeout(() => history.back())")
    deadline = time.monotonic() + 10
    while True:
        with suppress(PlaywrightError):
            if page.evaluate("location.pathname") == path and page.evaluate("restored"):
                return
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


def send_opener_policy(context: BrowserContext, host: str) -> None:
    """Let all pages of a host send ``Cross-Origin-Opener-Policy: same-origin``."""
    cookie = {"name": "opener-policy", "value": "same-origin", "domain": host, "path": "/"}
    context.add_cookies([cookie])


def set_focus(page: Page, *, has_focus: bool) -> None:
    """Give or take the focus in Chromium, where Playwright gives it to every page.

    In Firefox, the newest window has it.
    """
    if page.context.browser and page.context.browser.browser_type.name == "chromium":
        page.evaluate("(has) => { document.hasFocus = () => has; }", has_focus)
        if has_focus:
            page.evaluate("void dispatchEvent(new Event('focus'))")
