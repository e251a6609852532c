"""Signing out at the provider (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

import pytest

from tests.support.servers.assertions import assert_signed_in
from tests.support.servers.frontend import Frontend, User, new_name


@pytest.fixture
def user() -> User:
    return User()


@pytest.fixture
def account(frontend: Frontend, provider: str, user: User) -> Frontend:
    """Return the page of a new user, who is signed in at the site and at the provider."""
    token = assert_signed_in(frontend.sign_in(provider, new_name(), user))
    return frontend.fresh(token=token)


def sign_out(account: Frontend, provider: str, user: User, **query: str) -> None:
    """Follow the logout URL until the provider sends the browser back with our state."""
    uri = account.addresses.logout_redirect_uris[0]
    path = f"auth/o/{provider}/logout/"
    response = account.call("GET", path, params={"post_logout_redirect_uri": uri, **query})
    assert response.status_code == 200, response.text
    body = response.json()
    step = user.follow(body["logout_url"], until=uri, fill={"logout": "yes"})
    assert step.query == {"state": body["state"]}


def test_provider_ends_its_session_and_returns_our_state(
    account: Frontend, frontend: Frontend, provider: str, user: User
) -> None:
    other = new_name()  # The provider asks for a name only where it has no session.
    assert assert_signed_in(frontend.sign_in(provider, other, user)) == account.token
    sign_out(account, provider, user)
    assert assert_signed_in(frontend.sign_in(provider, other, user)) != account.token
