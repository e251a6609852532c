"""Connections: identities of every protocol are connected to one account, and disconnected."""

from __future__ import annotations

import pytest

from tests.support.servers.assertions import assert_refused, assert_signed_in
from tests.support.servers.frontend import Frontend, Step, User, as_user, new_name

PROVIDERS = ["oauth1", "openid", "openid-connect", "openid-connect-form-post", "saml"]


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def account(any_frontend: Frontend) -> Frontend:
    """Return the page with a new user, who signed in with OpenID 2.0."""
    token = assert_signed_in(any_frontend.sign_in("openid", new_name()))
    return any_frontend.fresh(token=token)


def test_connected_identity_signs_in_until_disconnected(
    any_frontend: Frontend, account: Frontend, provider: str
) -> None:
    name = new_name()
    connected = account.sign_in(provider, name)
    assert connected.status_code == 201, connected.text
    connection = connected.json()
    assert connection in account.connections()
    assert assert_signed_in(any_frontend.sign_in(provider, name)) == account.token

    assert account.disconnect(connection).status_code == 204
    (remaining,) = account.connections()
    assert remaining["id"] != connection["id"]
    assert_refused(account.disconnect(remaining), "disconnect_disallowed")
    assert assert_signed_in(any_frontend.sign_in(provider, name)) != account.token


def test_identity_of_another_account_is_refused(
    any_frontend: Frontend, account: Frontend, provider: str
) -> None:
    name = new_name()
    assert_signed_in(any_frontend.sign_in(provider, name))
    assert_refused(account.sign_in(provider, name), "identity_in_use")
    assert len(account.connections()) == 1


def test_completion_by_another_user_is_refused(
    any_frontend: Frontend, account: Frontend, provider: str
) -> None:
    other_token = assert_signed_in(any_frontend.sign_in("oauth1", new_name()))
    begun = account.begin(provider)
    callback = account.authorize(begun, fill=as_user("ada"))
    account.token = other_token
    assert_refused(account.complete(provider, begun, callback), "user_mismatch")


def test_handoff_connects_nothing_before_completion(account: Frontend) -> None:
    begun = account.begin("saml")
    step = account.provider_post("saml", begun, user=new_name())
    response = User().send(step)
    assert response.status_code == 303
    assert len(account.connections()) == 1
    callback = Step("GET", response.headers["Location"]).query
    assert account.complete("saml", begun, callback).status_code == 201
    assert len(account.connections()) == 2
