"""Provider tokens for the project's own calls."""

from __future__ import annotations

from tests.support.servers.assertions import assert_signed_in
from tests.support.servers.frontend import Frontend, new_name


def test_second_login_reaches_account_of_first(frontend: Frontend, provider: str) -> None:
    name = new_name()
    token = assert_signed_in(frontend.sign_in(provider, name))
    assert assert_signed_in(frontend.fresh().sign_in(provider, name)) == token
