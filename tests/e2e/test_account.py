"""The account panel: connections, connecting and disconnecting."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support import browser_steps as steps
from tests.support.browser_steps import Screenshot
from tests.support.example import Example

OPENID_CONNECT, OAUTH2 = steps.OPENID_CONNECT, steps.OAUTH2

pytestmark = pytest.mark.usefixtures("no_accounts")


def expect_connections(page: Page, *titles: str) -> None:
    items = page.get_by_role("list", name="Connections").get_by_role("listitem")
    expect(items).to_have_count(len(titles))
    for item, title in zip(items.all(), titles, strict=True):
        expect(item).to_contain_text(title)


def test_user_connects_and_disconnects_until_last_connection(
    page: Page, origin: str, screenshot: Screenshot
) -> None:
    steps.sign_in(page, origin)
    expect_connections(page, OPENID_CONNECT)
    username = page.locator("#username").inner_text()
    screenshot(page, "1-one-connection")
    steps.click(page, f"Connect {OAUTH2}")
    steps.approve(page)
    steps.expect_message(page, f"{OAUTH2} is connected.")
    expect_connections(page, OPENID_CONNECT, OAUTH2)
    expect(page.get_by_role("list", name="Not connected")).not_to_contain_text(OAUTH2)
    screenshot(page, "2-two-connections")
    steps.click(page, "Sign out")
    steps.click(page, OAUTH2)
    steps.approve(page)
    steps.expect_signed_in(page)
    assert page.locator("#username").inner_text() == username
    steps.click(page, f"Disconnect {OPENID_CONNECT}")
    steps.expect_message(page, f"{OPENID_CONNECT} is disconnected.")
    expect_connections(page, OAUTH2)
    expect(page.get_by_role("listitem").first).to_contain_text("Your only way to sign in")
    expect(page.get_by_role("button", name="Disconnect")).to_have_count(0)
    screenshot(page, "3-last-connection")
    page.reload()
    expect_connections(page, OAUTH2)


def test_identity_of_another_account_is_not_connected(
    page: Page, example: Example, screenshot: Screenshot
) -> None:
    steps.sign_in(page, example.site, steps.OAUTH2)
    steps.click(page, "Sign out")
    steps.click(page, steps.OPENID_CONNECT)
    steps.approve(page)
    steps.expect_signed_in(page)
    with page.expect_response("**/auth/o/demo-oauth2/connect/") as response:
        steps.click(page, f"Connect {OAUTH2}")
        steps.approve(page)
    assert response.value.status == 400
    text = response.value.json()["non_field_errors"][0]
    steps.expect_error(page, f"{text} Please sign in the way you did before.")
    expect_connections(page, OPENID_CONNECT)
    expect(page.get_by_role("button", name=f"Connect {OAUTH2}")).to_be_enabled()
    screenshot(page, "refused")


def test_user_who_declines_to_connect_stays_signed_in(
    page: Page, example: Example, screenshot: Screenshot
) -> None:
    steps.sign_in(page, example.other_origin)
    steps.click(page, f"Connect {OAUTH2}")
    steps.decline(page)
    steps.expect_error(page, "Reference")
    expect_connections(page, OPENID_CONNECT)
    screenshot(page, "declined")


@pytest.mark.parametrize(("title", "name"), [(OPENID_CONNECT, "demo"), (OAUTH2, "demo-oauth2")])
def test_user_sees_profile_at_provider_until_access_ends(
    page: Page, example: Example, title: str, name: str, screenshot: Screenshot
) -> None:
    steps.sign_in(page, example.site, title)
    expect_connections(page, title)
    expect(page.get_by_role("listitem").first).to_contain_text("Access: openid, profile, email")
    steps.show_profile(page, title)
    steps.expect_message(page, f"{title} knows you as Dana Demo, dana@example.com.")
    screenshot(page, "1-profile")
    example.revoke_provider_tokens()
    steps.show_profile(page, title)
    steps.expect_error(page, "Reference")
    expect(page.get_by_role("listitem").first).to_contain_text("The provider has ended the access")
    screenshot(page, "2-access-ended")
    steps.click(page, f"Reconnect {title}")
    steps.approve(page)
    steps.expect_message(page, f"{title} is connected.")
    steps.show_profile(page, title)
    steps.expect_message(page, f"{title} knows you as Dana Demo, dana@example.com.")


def test_ended_session_leads_to_sign_in(
    page: Page, example: Example, screenshot: Screenshot
) -> None:
    ended = "Your session has ended. Please sign in again."
    steps.sign_in(page, example.site)
    example.end_sessions()
    steps.click(page, f"Connect {OAUTH2}")
    steps.expect_message(page, ended)
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_focused()
    screenshot(page, "ended")
    steps.click(page, OPENID_CONNECT)
    steps.approve(page)
    steps.expect_signed_in(page)
    example.end_sessions()
    steps.show_profile(page, OPENID_CONNECT)
    steps.expect_message(page, ended)
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_focused()
    steps.click(page, OPENID_CONNECT)
    steps.approve(page)
    steps.expect_signed_in(page)
    example.end_sessions()
    page.reload()
    steps.expect_message(page, ended)
    page.reload()
    expect(page.get_by_role("button", name=OPENID_CONNECT, exact=True)).to_be_visible()
    steps.expect_message(page, "")


def test_first_button_to_connect_is_of_the_other_provider(page: Page, example: Example) -> None:
    steps.sign_in(page, example.site)
    connect = page.get_by_role("button", name="Connect").first
    expect(connect).to_have_accessible_name(f"Connect {OAUTH2}")
    expect(page.get_by_role("button", name="Disconnect")).to_have_count(0)
    expect(page.get_by_role("heading", name="Sign in")).to_have_count(0)


def test_unreachable_account_can_be_loaded_again(
    page: Page, example: Example, screenshot: Screenshot
) -> None:
    steps.sign_in(page, example.site)
    page.route("**/auth/connections/", lambda route: route.abort())
    page.reload()
    steps.expect_error(page, "The server cannot be reached.")
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    expect(page.get_by_role("heading", name="Sign in")).to_have_count(0)
    screenshot(page, "unreachable")
    page.unroute("**/auth/connections/")
    steps.click(page, "Try again")
    expect(page.get_by_role("heading", name="Your account")).to_be_focused()
    expect_connections(page, OPENID_CONNECT)
