"""Handoff: providers whose answer the browser POSTs to the site."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support import browser_steps as steps
from tests.support.browser_steps import Screenshot
from tests.support.servers.frontend import Frontend, User
from tests.support.servers.processes import Servers

FORM_POST, SAML = "openid-connect-form-post", "saml"
TITLES = {FORM_POST: "OpenID Connect with POST", SAML: "SAML"}


@pytest.fixture(params=["site", "other_origin"])
def origin(request: pytest.FixtureRequest, servers: Servers) -> str:
    """Return the page's origin: that of the API (cookie), or another one (body)."""
    return str(getattr(servers.addresses, request.param))


def begin(page: Page, origin: str, provider: str) -> None:
    steps.choose_provider(page, origin, TITLES[provider])


def allow(page: Page, provider: str) -> None:
    if provider == SAML:
        page.get_by_role("button", name="Allow").click()
        return
    page.locator("[name=login]").fill("ada")
    page.locator("[name=password]").fill("anything")
    page.get_by_role("button", name="Sign-in").click()


@pytest.mark.parametrize("provider", [FORM_POST, SAML])
def test_user_signs_in_once_with_handoff(
    page: Page,
    context: BrowserContext,
    origin: str,
    provider: str,
    servers: Servers,
    screenshot: Screenshot,
) -> None:
    traffic = steps.Traffic(context)
    begin(page, origin, provider)
    allow(page, provider)
    steps.expect_signed_in(page)
    assert page.url == f"{origin}/"
    screenshot(page, "signed-in")

    handoff = servers.addresses.handoff(provider)
    (posted,) = (request for request in traffic.requests if request.url == handoff)
    # The request came from another site, so the browser did not send the flow cookie.
    assert posted.header_value("cookie") is None
    response = posted.response()
    assert response is not None
    assert response.status == 303
    (completion,) = (request for request in traffic.completions() if request.url != handoff)
    uses_cookie = origin == servers.addresses.site
    assert (completion.header_value("cookie") is not None) is uses_cookie

    page.goto(traffic.callback())
    steps.expect_signed_in(page)
    assert len(traffic.completions()) == 2  # The first one is the handoff.


@pytest.mark.parametrize("provider", [FORM_POST, SAML])
def test_logins_in_two_tabs_complete(context: BrowserContext, origin: str, provider: str) -> None:
    first, second = context.new_page(), context.new_page()
    for page in (first, second):
        begin(page, origin, provider)
    allow(first, provider)
    steps.expect_signed_in(first)
    allow(second, provider)
    steps.expect_signed_in(second)


@pytest.mark.parametrize("provider", [FORM_POST, SAML])
def test_callback_of_attacker_signs_nobody_in(
    page: Page, origin: str, provider: str, servers: Servers
) -> None:
    """Login CSRF: the victim has begun a login and is sent to the attacker's callback."""
    attacker = Frontend(servers.addresses)
    response = User().send(attacker.provider_post(provider, attacker.begin(provider)))
    begin(page, origin, provider)
    expect(page.get_by_role("textbox").first).to_be_visible()
    callback = response.headers["Location"]
    page.goto(callback.replace(attacker.redirect_uri, f"{origin}/login/callback/"))
    expect(page.get_by_role("alert")).not_to_be_empty()
    expect(page.get_by_role("heading", name="Your account")).not_to_be_visible()


def test_handoff_without_login_shows_page(page: Page, servers: Servers) -> None:
    handoff = servers.addresses.handoff(SAML)
    page.set_content(
        f'<form method="post" action="{handoff}">'
        '<input name="SAMLResponse" value="PHg+"><button>Go</button></form>'
    )
    with page.expect_response(handoff) as response:
        page.get_by_role("button", name="Go").click()
    assert response.value.status == 400
    expect(page.locator("body")).not_to_be_empty()
