"""The client: logins that leave the page and come back."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page

from tests.support import client_steps as steps
from tests.support.browser_steps import Traffic, approve, decline
from tests.support.example import Example

MISSING = ("session_context_missing", "restart_login")


def summary(outcome: dict[str, dict[str, str]]) -> tuple[str, str]:
    error = outcome["error"]
    assert error["name"] == "SocialError"
    return error["code"], error["recovery"]


def test_login_and_connect_return_body_and_next(
    page: Page, context: BrowserContext, origin: str, example: Example
) -> None:
    steps.open_page(page, origin)
    steps.begin(page, next={"path": "/basket"})
    assert len(context.cookies(example.site)) == (origin == example.site)
    approve(page)
    outcome = steps.completion(page)
    assert outcome["body"].pop("token")
    assert outcome == {"body": {"next": {"path": "/basket"}}}
    page.evaluate("void connect('demo-oauth2')")
    approve(page)
    connection = steps.completion(page)["body"]
    assert connection["provider"] == "demo-oauth2"
    connections = steps.call(page, "client.connections()")["body"]
    assert {each["provider"] for each in connections} == {"demo", "demo-oauth2"}
    for each, code in zip(connections, (None, "disconnect_disallowed"), strict=True):
        result = steps.call(page, f"client.disconnect({each['id']})")
        assert result.get("error", {}).get("code") == code


def test_two_calls_of_complete_send_one_request(
    page: Page, context: BrowserContext, example: Example
) -> None:
    """React calls an effect twice in development."""
    traffic = Traffic(context)
    steps.sign_in(page, example.other_origin)
    first, second = page.evaluate("Promise.all(completions)")
    assert first["body"]["token"] == second["body"]["token"]
    assert len(traffic.completions()) == 1


def test_callback_url_is_cleaned_and_reload_is_already_completed(
    page: Page, context: BrowserContext, example: Example
) -> None:
    traffic = Traffic(context)
    steps.sign_in(page, example.site, next="/basket")
    assert page.url == f"{example.site}/client/callback/"
    page.reload()
    completed = {"body": {"alreadyCompleted": True, "next": "/basket"}}
    assert steps.completion(page) == completed
    page.goto(traffic.callback())
    assert steps.completion(page) == completed
    assert len(traffic.completions()) == 1


def test_declined_login_fails_again_after_reload(
    page: Page, context: BrowserContext, example: Example
) -> None:
    traffic = Traffic(context)
    steps.open_page(page, example.other_origin)
    steps.begin(page)
    decline(page)
    declined = steps.completion(page)
    assert summary(declined) == ("authorization_declined", "none")
    page.reload()
    assert summary(steps.completion(page)) == summary(declined)
    assert len(traffic.completions()) == 1
    assert "token" in steps.sign_in(page, example.other_origin)["body"]


def test_reload_during_completion_fails_and_next_login_succeeds(
    page: Page, example: Example
) -> None:
    """The response is lost, so the page cannot know whether the login has succeeded."""
    page.route("**/auth/o/demo/", lambda route: None)
    steps.open_page(page, example.site)
    steps.begin(page)
    with page.expect_request("**/auth/o/demo/"):
        approve(page)
    page.wait_for_url(steps.CALLBACK)
    page.unroute("**/auth/o/demo/")
    page.reload()
    assert summary(steps.completion(page)) == MISSING
    assert "token" in steps.sign_in(page, example.site)["body"]


def test_completion_that_failed_in_network_can_be_repeated(page: Page, example: Example) -> None:
    page.route("**/auth/o/demo/", lambda route: route.abort(), times=1)
    steps.open_page(page, example.site)
    steps.begin(page)
    approve(page)
    assert summary(steps.completion(page)) == ("network_error", "retry_later")
    assert "token" in steps.call(page, "client.complete()")["body"]


def test_callback_of_another_browser_is_not_sent(
    page: Page, context: BrowserContext, example: Example
) -> None:
    """Login CSRF: an attacker sends the own callback URL to a victim."""
    traffic = Traffic(context)
    steps.open_page(page, example.site)
    steps.begin(page)
    page.goto(f"{example.site}/client/callback/?code=of-attacker&state=of-attacker")
    page.wait_for_function("window.completion")
    assert summary(page.evaluate("completion")) == MISSING
    assert traffic.completions() == []


def test_logins_in_two_tabs_complete(context: BrowserContext, example: Example) -> None:
    first, second = context.new_page(), context.new_page()
    for page, provider in ((first, "demo"), (second, "demo-oauth2")):
        steps.open_page(page, example.site)
        steps.begin(page, provider, next=provider)
    for page, provider in ((first, "demo"), (second, "demo-oauth2")):
        approve(page)
        assert steps.completion(page)["body"]["next"] == provider


def test_duplicated_tab_completes_its_own_login(
    page: Page, context: BrowserContext, example: Example
) -> None:
    """A window that a page opens gets a copy of its sessionStorage, as a duplicated tab does."""
    traffic = Traffic(context)
    steps.open_page(page, example.other_origin)
    page.evaluate("window.begun = client.signIn('demo', options({navigate: (url) => url}))")
    url = page.evaluate("begun")
    with page.expect_popup() as opened:
        page.evaluate("void window.open('/client/')")
    duplicate = opened.value
    duplicate.wait_for_function("window.client")
    steps.begin(duplicate, "demo-oauth2")
    page.goto(url)
    for tab in (page, duplicate):
        approve(tab)
        assert "token" in steps.completion(tab)["body"]
    # The duplicate has a copy of the other login as well. The server refuses it a second time.
    callback = next(r.url for r in traffic.requests if "/callback/?" in r.url)
    duplicate.goto(callback)
    assert summary(steps.completion(duplicate))[1] == "restart_login"


def test_paused_login_resumes_after_reload(page: Page, example: Example) -> None:
    paused = steps.sign_in(page, example.other_origin, "demo-pausing", next="/basket")["body"]
    assert paused["next"] == "/basket"
    page.reload()
    assert steps.completion(page)["body"] == paused
    page.goto(f"{example.other_origin}/client/elsewhere/")
    page.wait_for_function("window.client")
    token = paused["partial_token"]
    refused = steps.call(page, f"client.resume('{token}', {{name: ''}})")
    assert refused["error"]["status"] == 400
    resumed = steps.call(page, f"client.resume('{token}', {{name: 'Ada'}})")["body"]
    assert resumed["next"] == "/basket"
    assert resumed["token"]


def test_back_button_returns_to_page_that_works(page: Page, example: Example) -> None:
    steps.open_page(page, example.site)
    steps.begin(page)
    steps.go_back(page, "/client/")
    assert page.evaluate("restored")
    steps.begin(page)
    approve(page)
    assert "token" in steps.completion(page)["body"]


def test_back_to_callback_page_sends_no_request(
    page: Page, context: BrowserContext, example: Example
) -> None:
    traffic = Traffic(context)
    steps.sign_in(page, example.other_origin, next="/basket")
    page.goto(f"{example.other_origin}/client/elsewhere/")
    steps.go_back(page, "/client/callback/")
    completed = {"body": {"alreadyCompleted": True, "next": "/basket"}}
    assert steps.call(page, "client.complete()") == completed
    assert len(traffic.completions()) == 1
