"""OAuth 1.0a: a request token, a verifier, and signed requests."""

from __future__ import annotations

import pytest

from tests.servers.assertions import assert_refused, assert_signed_in
from tests.servers.frontend import DENY, Frontend, User

pytestmark = pytest.mark.usefixtures("oauth1_provider")


@pytest.mark.usefixtures("either_encoding")
def test_sign_in(frontend: Frontend) -> None:
    token = assert_signed_in(frontend.log_in("oauth1"))
    assert frontend.me(token)["email"] == "dana@example.com"
    assert assert_signed_in(frontend.log_in("oauth1")) == token


def test_two_tabs(frontend: Frontend) -> None:
    user = User()
    first, second = frontend.begin("oauth1"), frontend.begin("oauth1")
    callbacks = [frontend.authorize(begun, user) for begun in (first, second)]
    for begun, callback in zip((first, second), callbacks, strict=True):
        assert_signed_in(frontend.complete("oauth1", begun, callback))


@pytest.mark.usefixtures("no_new_account")
def test_the_user_declines(frontend: Frontend) -> None:
    begun = frontend.begin("oauth1")
    callback = frontend.authorize(begun, User(), DENY)
    assert_refused(frontend.complete("oauth1", begun, callback), "authorization_declined")


@pytest.mark.usefixtures("no_new_account")
@pytest.mark.parametrize("verifier", ["guessed0guessed0guessed0", "", None])
def test_the_provider_refuses_a_wrong_verifier(frontend: Frontend, verifier: str | None) -> None:
    begun = frontend.begin("oauth1")
    callback = frontend.authorize(begun, User())
    del callback["oauth_verifier"]
    wrong = {} if verifier is None else {"oauth_verifier": verifier}
    assert_refused(frontend.complete("oauth1", begun, callback | wrong))


@pytest.mark.usefixtures("no_new_account")
def test_the_token_of_another_login(frontend: Frontend) -> None:
    begun = frontend.begin("oauth1")
    stranger = Frontend(frontend.addresses, frontend.transport)
    callback = stranger.authorize(stranger.begin("oauth1"), User())
    assert_refused(
        frontend.complete("oauth1", begun, callback), "session_context_missing", "state_mismatch"
    )


def test_a_verifier_counts_once(frontend: Frontend) -> None:
    begun = frontend.begin("oauth1")
    callback = frontend.authorize(begun, User())
    cookies = frontend.client.cookies.copy()
    assert_signed_in(frontend.complete("oauth1", begun, callback))
    frontend.client.cookies = cookies
    assert_refused(frontend.complete("oauth1", begun, callback), "state_mismatch")


@pytest.mark.usefixtures("no_new_account", "openid_connect_provider")
def test_the_callback_of_another_provider(frontend: Frontend) -> None:
    begun = frontend.begin("oauth1")
    callback = frontend.authorize(frontend.begin("openid-connect"), User())
    answer = frontend.complete("oauth1", begun, callback)
    assert answer.status_code == 400, answer.text
