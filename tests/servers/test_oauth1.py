"""OAuth 1.0a: request tokens and verifiers."""

from __future__ import annotations

import pytest

from tests.support.servers.assertions import assert_refused
from tests.support.servers.frontend import Frontend

pytestmark = pytest.mark.usefixtures("no_new_account")


@pytest.mark.parametrize("verifier", ["guessed0guessed0guessed0", "", None])
def test_wrong_verifier_is_refused(frontend: Frontend, verifier: str | None) -> None:
    begun = frontend.begin("oauth1")
    callback = frontend.authorize(begun)
    del callback["oauth_verifier"]
    wrong = {} if verifier is None else {"oauth_verifier": verifier}
    assert_refused(frontend.complete("oauth1", begun, callback | wrong))


def test_token_of_another_login_is_refused(any_frontend: Frontend) -> None:
    begun = any_frontend.begin("oauth1")
    stranger = any_frontend.fresh()
    callback = stranger.authorize(stranger.begin("oauth1"))
    assert_refused(
        any_frontend.complete("oauth1", begun, callback),
        "session_context_missing",
        "state_mismatch",
    )
