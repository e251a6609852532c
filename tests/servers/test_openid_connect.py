"""OpenID Connect, with the provider of the example and with one of another make."""

from __future__ import annotations

import pytest

from tests.servers.assertions import assert_refused, assert_signed_in
from tests.servers.frontend import Frontend, User

pytestmark = pytest.mark.usefixtures("example_provider", "openid_connect_provider")

EXAMPLE, OTHER = "demo", "openid-connect"


@pytest.fixture(params=[EXAMPLE, OTHER])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.usefixtures("either_encoding")
def test_sign_in(frontend: Frontend, provider: str) -> None:
    token = assert_signed_in(frontend.log_in(provider))
    assert frontend.me(token)["email"] == "dana@example.com"
    assert assert_signed_in(frontend.log_in(provider)) == token


def test_two_tabs(frontend: Frontend) -> None:
    user = User()
    first, second = frontend.begin(OTHER), frontend.begin(OTHER)
    callbacks = [frontend.authorize(begun, user) for begun in (first, second)]
    for begun, callback in zip((first, second), callbacks, strict=True):
        assert_signed_in(frontend.complete(OTHER, begun, callback))


@pytest.mark.usefixtures("no_new_account")
def test_the_code_of_another_login(frontend: Frontend) -> None:
    """The provider itself refuses it: the proof key (PKCE) is not the one of that login."""
    mine, other = frontend.begin(OTHER), frontend.begin(OTHER)
    callback = frontend.authorize(mine, User())
    stolen = frontend.authorize(other, User())["code"]
    assert_refused(frontend.complete(OTHER, mine, {**callback, "code": stolen}))


def test_a_code_that_was_used_before(frontend: Frontend, provider: str) -> None:
    begun = frontend.begin(provider)
    callback = frontend.authorize(begun, User())
    cookies = frontend.client.cookies.copy()
    assert_signed_in(frontend.complete(provider, begun, callback))
    frontend.client.cookies = cookies
    assert_refused(frontend.complete(provider, begun, callback), "state_mismatch")


@pytest.mark.usefixtures("no_new_account")
@pytest.mark.parametrize("there", [EXAMPLE, OTHER])
def test_the_callback_of_another_provider(frontend: Frontend, there: str) -> None:
    """Mix-up: the answer of one provider, completed as if it came from the other."""
    (here,) = {EXAMPLE, OTHER} - {there}
    begun = frontend.begin(here)
    callback = frontend.authorize(frontend.begin(there), User())
    assert callback["iss"] in {frontend.addresses.provider, frontend.addresses.openid_connect}
    assert_refused(frontend.complete(here, begun, callback))
    if frontend.transport == "body":
        state = frontend.authorize(begun, User())["state"]
        assert_refused(frontend.complete(here, begun, {**callback, "state": state}))
