"""Linking identities of every protocol to one account, and unlinking them."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
import requests

from tests.servers.assertions import assert_refused, assert_signed_in
from tests.servers.frontend import ALLOW, Frontend, Step, User

pytestmark = pytest.mark.usefixtures(
    "openid_connect_provider", "oauth1_provider", "openid2_provider", "saml_provider"
)

PROVIDERS = ["oauth1", "openid", "openid-connect", "openid-connect-form-post", "saml"]


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def account(frontend: Frontend) -> Frontend:
    """Return the page with a new user logged in: somebody of the OpenID 2.0 provider."""
    name = somebody()
    begun = frontend.begin("openid", openid_identifier=openid(frontend, name))
    callback = frontend.authorize(begun, User(), as_user(name))
    token = assert_signed_in(frontend.complete("openid", begun, callback))
    return replace(frontend, client=requests.Session(), token=token)


def somebody() -> str:
    """Return a user name that no provider has seen yet."""
    return f"user-{uuid4().hex[:8]}"


def as_user(name: str) -> dict[str, str]:
    """Return what somebody fills in at a provider."""
    return {**ALLOW, "user": name, "login": name}


def openid(frontend: Frontend, name: str) -> str:
    return f"{frontend.addresses.openid2}/{name}"


def log_in(frontend: Frontend, provider: str, name: str) -> requests.Response:
    """Log somebody in, or link whom somebody is there; return the last answer."""
    query = {"openid_identifier": openid(frontend, name)} if provider == "openid" else {}
    begun = frontend.begin(provider, **query)
    return frontend.complete(provider, begun, frontend.authorize(begun, User(), as_user(name)))


def connections(account: Frontend) -> list[dict[str, str]]:
    url = f"{account.addresses.site}/auth/connections/"
    answer = account.client.get(url, headers=account.headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def disconnect(account: Frontend, connection: dict[str, str]) -> requests.Response:
    url = f"{account.addresses.site}/auth/connections/{connection['id']}/"
    return account.client.delete(url, headers=account.headers, timeout=30)


@pytest.mark.usefixtures("either_encoding")
def test_connect_and_sign_in_with_it(frontend: Frontend, account: Frontend, provider: str) -> None:
    name = somebody()
    linked = log_in(account, provider, name)
    assert linked.status_code == 201, linked.text
    assert linked.json() in connections(account)
    assert assert_signed_in(log_in(frontend, provider, name)) == account.token


def test_an_identity_of_somebody_else(frontend: Frontend, account: Frontend, provider: str) -> None:
    name = somebody()
    assert_signed_in(log_in(frontend, provider, name))
    assert_refused(log_in(account, provider, name), "identity_in_use")
    assert len(connections(account)) == 1


def test_begin_as_one_and_complete_as_another(
    frontend: Frontend, account: Frontend, provider: str
) -> None:
    name = somebody()
    other = assert_signed_in(log_in(frontend, "oauth1", somebody()))
    query = {"openid_identifier": openid(account, name)} if provider == "openid" else {}
    begun = account.begin(provider, **query)
    callback = account.authorize(begun, User(), as_user(name))
    somebody_else = replace(account, token=other)
    assert_refused(somebody_else.complete(provider, begun, callback), "user_mismatch")


def test_disconnect(frontend: Frontend, account: Frontend, provider: str) -> None:
    name = somebody()
    linked = log_in(account, provider, name).json()
    (first,) = (one for one in connections(account) if one["id"] != linked["id"])
    assert disconnect(account, linked).status_code == 204
    assert connections(account) == [first]
    assert_refused(disconnect(account, first), "disconnect_disallowed")
    # The identity is free again.
    assert assert_signed_in(log_in(frontend, provider, name)) != account.token


@pytest.mark.usefixtures("account")
def test_what_a_provider_posts_links_nothing_by_itself(account: Frontend) -> None:
    begun = account.begin("saml")
    step = account.provider_answer("saml", begun, user=somebody())
    handed_off = User().send(step)
    assert handed_off.status_code == 303
    assert len(connections(account)) == 1
    callback = Step("GET", handed_off.headers["Location"]).query
    assert account.complete("saml", begun, callback).status_code == 201
    assert len(connections(account)) == 2
