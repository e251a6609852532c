"""OpenID Connect and OAuth 2: codes, and answers of the wrong provider."""

from __future__ import annotations

import pytest

from tests.support.servers.assertions import assert_refused
from tests.support.servers.frontend import Frontend

pytestmark = pytest.mark.usefixtures("no_new_account")

DEMO, OTHER = "demo", "openid-connect"


def test_code_of_another_login_is_refused_by_provider(frontend: Frontend) -> None:
    """The provider compares it with the proof key of its login (PKCE)."""
    login, other_login = frontend.begin(OTHER), frontend.begin(OTHER)
    callback = frontend.authorize(login)
    other_code = frontend.authorize(other_login)["code"]
    assert_refused(frontend.complete(OTHER, login, {**callback, "code": other_code}))


@pytest.mark.parametrize(("here", "there"), [(DEMO, OTHER), (OTHER, DEMO)])
def test_answer_of_another_provider_with_right_state_is_refused(
    frontend: Frontend, here: str, there: str
) -> None:
    """A mix-up attack: the parameter ``iss`` reveals the provider (RFC 9207)."""
    frontend.transport = "body"
    begun = frontend.begin(here)
    foreign = frontend.authorize(frontend.begin(there))
    assert "iss" in foreign
    state = frontend.authorize(begun)["state"]
    assert_refused(frontend.complete(here, begun, {**foreign, "state": state}))


def test_callback_without_the_announced_issuer_is_refused(frontend: Frontend) -> None:
    """The provider's metadata announces ``iss`` (RFC 9207 section 2.4)."""
    begun = frontend.begin(OTHER)
    callback = frontend.authorize(begun)
    del callback["iss"]
    assert_refused(frontend.complete(OTHER, begun, callback), "missing_parameter")
