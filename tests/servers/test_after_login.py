"""After the login at django-oauth-toolkit: tokens for the project's own calls, and the logout."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.servers.assertions import assert_signed_in
from tests.support.servers.frontend import Frontend, User
from tests.support.servers.processes import Servers
from tests.support.servers.toolkit import demo

THREADS = 20


@pytest.fixture(params=["demo", "demo-oauth2"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def user() -> User:
    return User()


@pytest.fixture
def account(frontend: Frontend, provider: str, user: User) -> Frontend:
    """Return the page of the demo user, whose access token expires after 30 seconds."""
    token = assert_signed_in(frontend.sign_in(provider, user=user))
    return frontend.fresh(token=token)


def profile(account: Frontend, provider: str) -> tuple[int, str]:
    """Let the site ask the provider for the profile of the user."""
    response = account.call("GET", f"api/profile/{provider}/")
    return response.status_code, response.json().get("email")


def test_site_asks_provider_with_rotated_tokens(
    account: Frontend, provider: str, servers: Servers
) -> None:
    before = servers.stored_tokens(provider)
    for _ in range(3):
        assert profile(account, provider) == (200, demo.EMAIL)
    after = servers.stored_tokens(provider)
    for name in ("access_token", "refresh_token"):
        assert before[name] != after[name]
        assert after[name].startswith("encrypted:")


def test_twenty_requests_at_once_do_not_reuse_refresh_token(
    account: Frontend, provider: str
) -> None:
    """The provider would revoke all tokens of the user."""
    with ThreadPoolExecutor(THREADS) as threads:
        results = [*threads.map(lambda _: profile(account, provider), range(THREADS))]
    assert results == [(200, demo.EMAIL)] * THREADS
    assert profile(account, provider) == (200, demo.EMAIL)


@pytest.mark.parametrize("provider", ["demo"], indirect=True)
def test_logout_url_ends_session_and_access_at_provider(
    account: Frontend, provider: str, user: User
) -> None:
    uri = account.addresses.logout_redirect_uris[0]
    path = f"auth/o/{provider}/logout/"
    response = account.call("GET", path, params={"post_logout_redirect_uri": uri})
    assert response.status_code == 200, response.text
    step = user.follow(response.json()["logout_url"], until=uri)
    assert step.query == {"state": response.json()["state"]}
    assert account.call("POST", "auth/logout/").status_code == 204
    assert account.call("GET", "auth/connections/").status_code == 401

    account.token = assert_signed_in(account.fresh(token="").sign_in(provider))
    assert profile(account, provider) == (200, demo.EMAIL)
