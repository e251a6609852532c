"""The client: logins in a window of their own."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.support import client_steps as steps
from tests.support.browser_steps import Traffic, approve, decline, expect_closed
from tests.support.example import Example


def test_popup_completes_in_opener(page: Page, context: BrowserContext, origin: str) -> None:
    traffic = Traffic(context)
    steps.open_page(page, origin)
    with steps.popup(page, next="/basket") as popup:
        approve(popup)
    body = steps.popup_outcome(page)["body"]
    assert body.pop("token")
    assert body == {"next": "/basket"}
    expect_closed(popup)
    assert page.url == f"{origin}/client/"
    (completion,) = traffic.completions()
    assert completion.frame.page == page


def test_popup_connects(page: Page, example: Example) -> None:
    steps.sign_in(page, example.site)
    with steps.popup(page, "demo-oauth2", connect=True) as popup:
        approve(popup)
    assert steps.popup_outcome(page)["body"]["uid"]
    expect_closed(popup)


def test_declined_login_in_popup_fails_in_opener(page: Page, example: Example) -> None:
    steps.open_page(page, example.site)
    with steps.popup(page) as popup:
        decline(popup)
    assert steps.popup_outcome(page)["error"]["code"] == "authorization_declined"
    expect_closed(popup)


def test_paused_login_in_popup_resumes_in_opener(page: Page, example: Example) -> None:
    steps.open_page(page, example.site)
    with steps.popup(page, "demo-pausing", next="/basket") as popup:
        approve(popup)
    paused = steps.popup_outcome(page)["body"]
    expect_closed(popup)
    resumed = steps.call(page, f"client.resume('{paused['partial_token']}', {{name: 'Ada'}})")
    assert resumed["body"]["next"] == "/basket"


def test_blocked_popup_becomes_redirect(page: Page, example: Example) -> None:
    steps.open_page(page, example.site)
    # The browser allows one window for each click.
    page.evaluate("open('about:blank').close(); void client.popup('demo', options())")
    approve(page)
    assert "token" in steps.completion(page)["body"]


def test_begin_that_fails_closes_popup(page: Page, example: Example) -> None:
    steps.open_page(page, example.site)
    with steps.popup(page, "unknown") as popup:
        pass
    assert steps.popup_outcome(page)["error"]["status"] == 404
    expect_closed(popup)


def test_closed_popup_is_reported(page: Page, example: Example) -> None:
    steps.open_page(page, example.site)
    with steps.popup(page) as popup:
        expect(popup.get_by_role("button", name="Approve")).to_be_visible()
        page.wait_for_timeout(300)  # The client looks at the window fifty times a second.
        popup.close()
    error = steps.popup_outcome(page)["error"]
    assert (error["code"], error["recovery"]) == ("popup_closed", "restart_login")


def test_popup_closed_before_provider_is_reported(page: Page, example: Example) -> None:
    held: list[Route] = []
    steps.open_page(page, example.site)

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/auth/o/demo/?*", hold)
    with page.expect_request("**/auth/o/demo/?*"), steps.popup(page) as popup:
        popup.close()
    held[0].continue_()
    assert steps.popup_outcome(page)["error"]["code"] == "popup_closed"


@pytest.mark.parametrize("policy", ["page", "provider"])
def test_popup_cut_by_opener_policy_completes_in_opener(
    page: Page, context: BrowserContext, example: Example, policy: str
) -> None:
    """With the policy, the opener cannot see the window, and the window cannot see the opener."""
    steps.send_opener_policy(context, "127.0.0.1" if policy == "page" else "localhost")
    traffic = Traffic(context)
    steps.open_page(page, example.site)
    with steps.popup(page) as popup:
        steps.set_focus(page, has_focus=False)
        expect(popup.get_by_role("button", name="Approve")).to_be_visible()
        assert popup.evaluate("opener") is None
        page.wait_for_timeout(500)
        approve(popup)
    assert "token" in steps.popup_outcome(page)["body"]
    expect_closed(popup)
    assert len(traffic.completions()) == 1


def test_closed_popup_is_reported_where_opener_policy_hides_it(
    page: Page, context: BrowserContext, example: Example
) -> None:
    steps.send_opener_policy(context, "127.0.0.1")
    steps.open_page(page, example.site)
    with steps.popup(page) as popup:
        steps.set_focus(page, has_focus=False)
        expect(popup.get_by_role("button", name="Approve")).to_be_visible()
        page.wait_for_timeout(300)  # The client looks at the window fifty times a second.
        popup.close()
        steps.set_focus(page, has_focus=True)
    assert steps.popup_outcome(page)["error"]["code"] == "popup_closed"


def test_two_popups_complete_in_any_order(page: Page, example: Example) -> None:
    steps.open_page(page, example.site)
    with steps.popup(page, "demo", next=1) as first:
        expect(first.get_by_role("button", name="Approve")).to_be_visible()
    with steps.popup(page, "demo-oauth2", next=2) as second:
        approve(second)
    assert steps.popup_outcome(page)["body"]["next"] == 2
    approve(first)
    outcome = page.evaluate("popups.at(0)")
    assert "error" not in outcome
    assert outcome["body"]["next"] == 1


@pytest.mark.parametrize("event", ["reload", "close", "leave"])
def test_popup_without_opener_completes_itself(
    page: Page, context: BrowserContext, example: Example, event: str
) -> None:
    traffic = Traffic(context)
    steps.open_page(page, example.site if event == "leave" else example.other_origin)
    with steps.popup(page, next="/basket") as popup:
        expect(popup.get_by_role("button", name="Approve")).to_be_visible()
    if event == "reload":
        page.reload()
    elif event == "close":
        page.close()
    else:
        page.goto("about:blank")
    approve(popup)
    body = steps.completion(popup)["body"]
    assert body["token"]
    assert body["next"] == "/basket"
    assert len(traffic.completions()) == 1


def test_messages_of_another_origin_have_no_effect(
    page: Page, context: BrowserContext, example: Example
) -> None:
    """The provider's window becomes a page of an attacker, which knows the opener."""
    steps.sign_in(page, example.site)
    name = page.evaluate(
        """() => {
            const name = Object.keys(sessionStorage).find((key) => key.startsWith("social-"));
            window.messages = [];
            window.channel = new BroadcastChannel(name);
            channel.onmessage = ({ data }) => messages.push(data);
            return name;
        }"""
    )
    with steps.popup(page) as popup:
        approve(popup)
    steps.popup_outcome(page)
    messages = page.evaluate("messages")
    assert any(message.get("params") for message in messages)

    traffic = Traffic(context)
    with steps.popup(page) as popup:
        expect(popup.get_by_role("button", name="Approve")).to_be_visible()
        genuine = popup.url
        popup.goto(f"{example.other_origin}/client/elsewhere/")
        popup.evaluate(
            """([name, messages, state]) => {
                const channel = new BroadcastChannel(name);
                for (const message of messages) {
                    const forged = { ...message, id: state };
                    channel.postMessage(forged);
                    opener?.postMessage(forged, "*");
                }
            }""",
            [name, messages, parse_qs(urlsplit(genuine).query)["state"][0]],
        )
        popup.wait_for_timeout(300)
        assert traffic.completions() == []
        popup.goto(genuine)
        approve(popup)
    assert "token" in steps.popup_outcome(page)["body"]
