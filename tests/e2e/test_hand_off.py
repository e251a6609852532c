"""Providers that post their answer to the site: what a browser does with that."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from tests.e2e import steps
from tests.e2e.conftest import Screenshot
from tests.servers.frontend import Frontend, User
from tests.servers.processes import Processes

FORM_POST, SAML = "openid-connect-form-post", "saml"


@pytest.fixture(params=["site", "second_origin"])
def page_at(
    request: pytest.FixtureRequest,
    site: Processes,
    second_origin: str,
    openid_connect_provider: None,
    saml_provider: None,
) -> str:
    """Where the page is: beside its API (cookie) or on an origin of its own (body)."""
    return str(getattr(site.addresses, request.param))


@pytest.mark.parametrize("provider", [FORM_POST, SAML])
def test_sign_in(
    page: Page,
    context: BrowserContext,
    page_at: str,
    provider: str,
    site: Processes,
    screenshot: Screenshot,
) -> None:
    traffic = steps.Traffic(context)
    begin(page, page_at, provider)
    allow(page, provider)
    steps.expect_signed_in(page)
    assert page.url == f"{page_at}/login/callback/"
    screenshot(page, "signed-in")
    posted = handed_off(traffic, site, provider)
    # It came from another site. The cookie that the page has begun with stayed at home.
    assert posted.header_value("cookie") is None
    response = posted.response()
    assert response is not None
    assert response.status == 303
    (completion,) = (r for r in traffic.completions() if r.url != posted.url)
    uses_the_cookie = page_at == site.addresses.site
    assert ("flow" in completion.post_data_json) is not uses_the_cookie
    assert (completion.header_value("cookie") is not None) is uses_the_cookie


@pytest.mark.parametrize("provider", [FORM_POST, SAML])
def test_two_tabs(context: BrowserContext, page_at: str, provider: str) -> None:
    first, second = context.new_page(), context.new_page()
    for page in (first, second):
        begin(page, page_at, provider)
    allow(first, provider)
    steps.expect_signed_in(first)
    allow(second, provider)
    steps.expect_signed_in(second)


@pytest.mark.parametrize("provider", [FORM_POST, SAML])
def test_the_old_callback_url_again(page: Page, page_at: str, provider: str) -> None:
    traffic = steps.Traffic(page.context)
    begin(page, page_at, provider)
    allow(page, provider)
    steps.expect_signed_in(page)
    page.goto(traffic.callback())
    steps.expect_message(page, "This login has been used already.")


@pytest.mark.parametrize("provider", [FORM_POST, SAML])
def test_the_callback_of_an_attacker(
    page: Page, page_at: str, provider: str, site: Processes
) -> None:
    """Login CSRF: the victim has begun, too, and is sent on with the attacker's answer."""
    attacker = Frontend(site.addresses)
    handed_off = User().send(attacker.provider_answer(provider, attacker.begin(provider)))
    begin(page, page_at, provider)
    expect(page.get_by_role("textbox").first).to_be_visible()
    sent_to = attacker.redirect_uri
    page.goto(handed_off.headers["Location"].replace(sent_to, f"{page_at}/login/callback/"))
    expect(page.get_by_role("status")).to_have_class("error")
    expect(page.get_by_role("heading", name="Your account")).not_to_be_visible()


def test_a_hand_off_without_a_login(page: Page, site: Processes) -> None:
    """A person sees it, so it is a page and not JSON."""
    page.set_content(
        f'<form method="post" action="{site.addresses.handoff(SAML)}">'
        '<input name="SAMLResponse" value="PHg+"><button>Go</button></form>'
    )
    with page.expect_response(site.addresses.handoff(SAML)) as response:
        page.get_by_role("button", name="Go").click()
    assert response.value.status == 400
    expect(page.locator("body")).not_to_be_empty()


def begin(page: Page, origin: str, provider: str) -> None:
    """What a button of the page does, which has none for the providers of the tests."""
    page.goto(f"{origin}/")
    url = page.evaluate(
        """async (provider) => {
            const { beginLogin } = await import("/app.js");
            return beginLogin(provider);
        }""",
        provider,
    )
    page.goto(url)


def allow(page: Page, provider: str) -> None:
    if provider == SAML:
        page.get_by_role("button", name="Allow").click()
        return
    page.locator("[name=login]").fill("ada")
    page.locator("[name=password]").fill("anything")
    page.get_by_role("button", name="Sign-in").click()


def handed_off(traffic: steps.Traffic, site: Processes, provider: str) -> Request:
    (request,) = (r for r in traffic.requests if r.url == site.addresses.handoff(provider))
    return request
