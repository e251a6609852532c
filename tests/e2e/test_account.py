"""The account panel: which identities there are, connecting one more, and disconnecting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from . import steps
from .conftest import Screenshot
from .example import Example, example

OPENID_CONNECT, OAUTH2 = "Demo (OpenID Connect)", "Demo (OAuth 2)"


@pytest.fixture
def fresh_example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """One in which nobody has signed in yet: its provider knows one person only."""
    with example(tmp_path_factory.mktemp("account")) as running:
        yield running


@pytest.fixture(params=["site", "second_origin"])
def fresh_origin(request: pytest.FixtureRequest, fresh_example: Example) -> str:
    return str(getattr(fresh_example.addresses, request.param))


def click(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def expect_connected(page: Page, *titles: str) -> None:
    listed = page.get_by_role("list", name="Ways to sign in").get_by_role("listitem")
    expect(listed).to_have_count(len(titles))
    for item, title in zip(listed.all(), titles, strict=True):
        expect(item).to_contain_text(title)


def test_connect_and_disconnect(page: Page, fresh_origin: str, screenshot: Screenshot) -> None:
    steps.sign_in(page, fresh_origin)
    expect_connected(page, OPENID_CONNECT)
    username = page.locator("#username").inner_text()
    screenshot(page, "1-one-identity")
    click(page, f"Connect {OAUTH2}")
    steps.allow(page)
    steps.expect_message(page, f"{OAUTH2} is connected.")
    expect_connected(page, OPENID_CONNECT, OAUTH2)
    expect(page.locator("#connect button")).to_have_count(0)
    screenshot(page, "2-two-identities")
    click(page, "Sign out")
    click(page, steps.OAUTH2)
    steps.allow(page)
    steps.expect_signed_in(page)
    assert page.locator("#username").inner_text() == username
    click(page, f"Disconnect {OPENID_CONNECT}")
    steps.expect_message(page, f"{OPENID_CONNECT} is disconnected.")
    expect_connected(page, OAUTH2)
    click(page, f"Disconnect {OAUTH2}")
    steps.expect_message(
        page, "This account cannot be disconnected without another authentication method."
    )
    expect_connected(page, OAUTH2)
    screenshot(page, "3-the-last-one-stays")
    page.reload()
    expect_connected(page, OAUTH2)


def test_an_identity_that_belongs_to_another_account(
    page: Page, fresh_example: Example, screenshot: Screenshot
) -> None:
    steps.sign_in(page, fresh_example.addresses.site, steps.OAUTH2)
    click(page, "Sign out")
    click(page, steps.OPENID_CONNECT)
    steps.allow(page)
    steps.expect_signed_in(page)
    click(page, f"Connect {OAUTH2}")
    steps.allow(page)
    steps.expect_message(
        page,
        "This identity is already associated with another account. "
        "Please sign in the way you did before.",
    )
    expect_connected(page, OPENID_CONNECT)
    expect(page.get_by_role("button", name=f"Connect {OAUTH2}")).to_be_enabled()
    screenshot(page, "refused")


def test_the_user_declines_to_connect(
    page: Page, fresh_example: Example, screenshot: Screenshot
) -> None:
    steps.sign_in(page, fresh_example.addresses.second_origin)
    click(page, f"Connect {OAUTH2}")
    steps.cancel(page)
    steps.expect_message(page, "Authentication process canceled")
    expect_connected(page, OPENID_CONNECT)
    screenshot(page, "declined")
