"""The client: sign-in with a token of an SDK, logout, and how the file is served."""

from __future__ import annotations

import urllib.request
from typing import Any

from playwright.sync_api import Page, expect

from tests.support import client_steps as steps
from tests.support.example import Example


def test_native_sign_in_with_created_nonce(page: Page, example: Example) -> None:
    steps.open_page(page, example.other_origin)
    nonce = page.evaluate("createNonce()")
    id_token = steps.obtain_id_token(example, nonce["sha256"])

    def sign_in(value: str) -> Any:
        tokens = {"idToken": id_token, "nonce": value}
        return page.evaluate("(tokens) => outcome(client.signInWithToken('demo', tokens))", tokens)

    refused = sign_in("another")["error"]
    assert refused["status"] == 400
    assert sign_in(nonce["value"])["body"]["token"]
    connections = steps.call(page, "client.connections()")["body"]
    assert [each["provider"] for each in connections] == ["demo"]


def test_logout_ends_login_here_and_at_provider(page: Page, example: Example) -> None:
    steps.sign_in(page, example.site)
    page.evaluate(
        """() => void client.logout("demo", {
            postLogoutRedirectUri: location.origin + "/client/",
            navigate: async (url) => {
                await client.logout();
                location.assign(url);
            },
        })"""
    )
    page.wait_for_url(f"{example.site}/client/?state=*")
    error = steps.call(page, "client.connections()")["error"]
    assert (error["status"], error["recovery"]) == (401, "reauthenticate")
    page.evaluate("void signIn('demo')")
    expect(page.get_by_text("You have signed out here.")).to_be_visible()


def test_client_is_served_as_javascript(example: Example) -> None:
    url = f"{example.site}/static/social_endpoints/client.js"
    with urllib.request.urlopen(url, timeout=10) as response:
        assert response.headers["Content-Type"] == "text/javascript"
