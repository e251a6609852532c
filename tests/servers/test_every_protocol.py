"""Rules that hold for every protocol."""

from __future__ import annotations

import pytest

from tests.support.servers.assertions import assert_refused, assert_signed_in
from tests.support.servers.frontend import DENY, Frontend, User

PROVIDERS = [
    "demo",
    "demo-oauth2",
    "oauth1",
    "openid",
    "openid-connect",
    "openid-connect-form-post",
    "saml",
]


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("encoding", ["json", "form"])
def test_second_login_reaches_account_of_first(
    any_frontend: Frontend, provider: str, encoding: str
) -> None:
    any_frontend.encoding = encoding
    token = assert_signed_in(any_frontend.sign_in(provider))
    assert any_frontend.email(token) == "dana@example.com"
    assert assert_signed_in(any_frontend.sign_in(provider)) == token


def test_logins_in_two_tabs_complete(any_frontend: Frontend, provider: str) -> None:
    user = User()
    first, second = any_frontend.begin(provider), any_frontend.begin(provider)
    callbacks = [any_frontend.authorize(begun, user) for begun in (first, second)]
    for begun, callback in zip((first, second), callbacks, strict=True):
        assert_signed_in(any_frontend.complete(provider, begun, callback))


def test_second_completion_is_refused(any_frontend: Frontend, provider: str) -> None:
    begun = any_frontend.begin(provider)
    callback = any_frontend.authorize(begun)
    cookies = any_frontend.client.cookies.copy()
    assert_signed_in(any_frontend.complete(provider, begun, callback))
    any_frontend.client.cookies = cookies
    assert_refused(any_frontend.complete(provider, begun, callback), "state_mismatch")


@pytest.mark.usefixtures("no_new_account")
def test_callback_of_another_provider_is_refused(any_frontend: Frontend, provider: str) -> None:
    other = "demo" if provider == "openid-connect" else "openid-connect"
    begun = any_frontend.begin(provider)
    callback = any_frontend.authorize(any_frontend.begin(other))
    response = any_frontend.complete(provider, begun, callback)
    assert response.status_code == 400, response.text


@pytest.mark.usefixtures("no_new_account")
@pytest.mark.parametrize("provider", ["oauth1", "openid", "saml"])
def test_login_that_user_declines_is_refused(any_frontend: Frontend, provider: str) -> None:
    begun = any_frontend.begin(provider)
    callback = any_frontend.authorize(begun, fill=DENY)
    assert_refused(any_frontend.complete(provider, begun, callback), "authorization_declined")
