"""SAML 2.0: what an identity provider signs, for this site and this login, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.servers import attacks
from tests.servers.assertions import assert_page, assert_refused, assert_signed_in
from tests.servers.frontend import DENY, Frontend, Step, User

pytestmark = pytest.mark.usefixtures("saml_provider")


def complete(frontend: Frontend, begun: dict[str, str], step: Step) -> requests.Response:
    """Post a response to the hand-off, and complete with what the page gets of it."""
    handed_off = User().send(step)
    assert handed_off.status_code == 303, handed_off.text
    return frontend.complete("saml", begun, Step("GET", handed_off.headers["Location"]).query)


@pytest.mark.usefixtures("either_encoding")
def test_sign_in(frontend: Frontend) -> None:
    token = assert_signed_in(frontend.log_in("saml"))
    assert frontend.me(token)["email"] == "dana@example.com"
    assert assert_signed_in(frontend.log_in("saml")) == token


def test_the_identity_provider_may_be_named(frontend: Frontend) -> None:
    assert_signed_in(frontend.log_in("saml", idp="tests"))


@pytest.mark.parametrize("name", ["unknown", "", "with space", "with:colon"])
def test_an_identity_provider_that_is_not_configured(frontend: Frontend, name: str) -> None:
    assert_refused(frontend.get("saml", idp=name))


def test_two_tabs(frontend: Frontend) -> None:
    first, second = frontend.begin("saml"), frontend.begin("saml")
    steps = [frontend.provider_answer("saml", begun) for begun in (first, second)]
    for begun, step in zip((first, second), steps, strict=True):
        assert_signed_in(complete(frontend, begun, step))


@pytest.mark.usefixtures("no_new_account")
def test_the_user_declines(frontend: Frontend) -> None:
    begun = frontend.begin("saml")
    callback = frontend.authorize(begun, User(), DENY)
    assert_refused(frontend.complete("saml", begun, callback), "authorization_declined")


@pytest.mark.usefixtures("no_new_account")
@pytest.mark.parametrize(
    "lie", ["unsigned", "other-key", "expired", "other-audience", "other-destination"]
)
def test_what_a_provider_must_not_say(frontend: Frontend, lie: str) -> None:
    begun = frontend.begin("saml")
    step = frontend.provider_answer("saml", begun, lie=lie)
    assert_refused(complete(frontend, begun, step), "malformed_response")


@pytest.mark.usefixtures("no_new_account")
@pytest.mark.parametrize("lie", ["no-request", "other-request"])
def test_an_answer_to_no_login_is_not_even_handed_off(frontend: Frontend, lie: str) -> None:
    step = frontend.provider_answer("saml", frontend.begin("saml"), lie=lie)
    assert_page(User().send(step), 400)


@pytest.mark.usefixtures("no_new_account")
@pytest.mark.parametrize("attack", attacks.ATTACKS)
def test_a_response_that_was_changed(frontend: Frontend, attack: Callable[[Any], Any]) -> None:
    begun = frontend.begin("saml")
    step = attacks.on(frontend.provider_answer("saml", begun), attack)
    handed_off = User().send(step)
    if handed_off.status_code != 303:
        assert_page(handed_off, 400)
        return
    callback = Step("GET", handed_off.headers["Location"]).query
    assert_refused(frontend.complete("saml", begun, callback), "malformed_response")


def test_an_assertion_that_alone_is_signed(frontend: Frontend) -> None:
    """So that the wrapped ones above are refused for what is forged in them."""
    begun = frontend.begin("saml")
    step = frontend.provider_answer("saml", begun)
    step = attacks.on(step, attacks.signed_assertion_only)
    assert_signed_in(complete(frontend, begun, step))


def test_a_comment_makes_no_other_user(frontend: Frontend) -> None:
    name = f"{attacks.VICTIM}.not"
    begun = frontend.begin("saml")
    genuine = frontend.provider_answer("saml", begun, user=name)
    token = assert_signed_in(complete(frontend, begun, genuine))
    begun = frontend.begin("saml")
    changed = attacks.on(frontend.provider_answer("saml", begun, user=name), attacks.with_a_comment)
    answer = complete(frontend, begun, changed)
    if answer.status_code == 201:
        assert answer.json()["token"] == token
    else:
        assert_refused(answer)


@pytest.mark.usefixtures("no_new_account")
def test_the_answer_to_the_login_of_somebody_else(frontend: Frontend) -> None:
    """Login CSRF: an attacker has his own answer posted by the browser of a victim."""
    stranger = Frontend(frontend.addresses, frontend.transport)
    step = stranger.provider_answer("saml", stranger.begin("saml"))
    begun = frontend.begin("saml")
    assert_refused(complete(frontend, begun, step), "session_context_missing", "state_mismatch")


@pytest.mark.usefixtures("no_new_account")
def test_a_response_without_the_flow_is_of_no_use(frontend: Frontend) -> None:
    step = frontend.provider_answer("saml", frontend.begin("saml"))
    nobody = Frontend(frontend.addresses)
    assert_refused(nobody.complete("saml", {}, step.fields), "session_context_missing")


def test_the_metadata_names_the_hand_off(frontend: Frontend) -> None:
    step = frontend.provider_answer("saml", frontend.begin("saml"))
    assert step.method.upper() == "POST"
    assert urlsplit(step.url).path == "/auth/o/saml/callback/"
