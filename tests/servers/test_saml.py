"""SAML 2.0: responses that the site must accept, and responses that it must reject."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.servers import saml_attacks
from tests.support.servers.assertions import assert_page, assert_refused, assert_signed_in
from tests.support.servers.frontend import Frontend, Step, User


def complete(frontend: Frontend, begun: dict[str, str], step: Step) -> requests.Response:
    """Post a response to the handoff, and complete with what the page receives."""
    response = User().send(step)
    assert response.status_code == 303, response.text
    return frontend.complete("saml", begun, Step("GET", response.headers["Location"]).query)


def test_identity_provider_in_query_is_used(frontend: Frontend) -> None:
    begun = frontend.begin("saml", idp="tests")
    assert_signed_in(frontend.complete("saml", begun, frontend.authorize(begun)))


@pytest.mark.parametrize("name", ["unknown", "", "with space", "with:colon"])
def test_unknown_identity_provider_is_refused(frontend: Frontend, name: str) -> None:
    assert_refused(frontend.get("saml", idp=name))


@pytest.mark.usefixtures("no_new_account")
@pytest.mark.parametrize(
    "lie", ["unsigned", "other-key", "expired", "other-audience", "other-destination"]
)
def test_invalid_response_of_provider_is_refused(frontend: Frontend, lie: str) -> None:
    begun = frontend.begin("saml")
    step = frontend.provider_post("saml", begun, lie=lie)
    assert_refused(complete(frontend, begun, step), "malformed_response")


@pytest.mark.usefixtures("no_new_account")
@pytest.mark.parametrize("lie", ["no-request", "other-request"])
def test_response_without_login_is_refused_by_handoff(frontend: Frontend, lie: str) -> None:
    step = frontend.provider_post("saml", frontend.begin("saml"), lie=lie)
    assert_page(User().send(step), 400)


@pytest.mark.usefixtures("no_new_account")
@pytest.mark.parametrize("attack", saml_attacks.ATTACKS)
def test_changed_response_is_refused(frontend: Frontend, attack: Callable[[Any], Any]) -> None:
    begun = frontend.begin("saml")
    step = saml_attacks.apply(frontend.provider_post("saml", begun), attack)
    response = User().send(step)
    if response.status_code != 303:
        assert_page(response, 400)
        return
    callback = Step("GET", response.headers["Location"]).query
    assert_refused(frontend.complete("saml", begun, callback), "malformed_response")


def test_response_with_signed_assertion_only_is_accepted(frontend: Frontend) -> None:
    """This proves that the wrapping attacks are refused because of what they forge."""
    begun = frontend.begin("saml")
    step = frontend.provider_post("saml", begun)
    step = saml_attacks.apply(step, saml_attacks.signed_assertion_only)
    assert_signed_in(complete(frontend, begun, step))


def test_comment_in_name_reaches_no_other_account(frontend: Frontend) -> None:
    name = f"{saml_attacks.VICTIM}.not"
    begun = frontend.begin("saml")
    genuine = frontend.provider_post("saml", begun, user=name)
    token = assert_signed_in(complete(frontend, begun, genuine))
    begun = frontend.begin("saml")
    step = frontend.provider_post("saml", begun, user=name)
    response = complete(frontend, begun, saml_attacks.apply(step, saml_attacks.with_a_comment))
    if response.status_code == 201:
        assert response.json()["token"] == token
    else:
        assert_refused(response)


@pytest.mark.usefixtures("no_new_account")
def test_response_for_login_of_another_browser_is_refused(any_frontend: Frontend) -> None:
    """Login CSRF: the attacker's response is posted by the victim's browser."""
    attacker = any_frontend.fresh()
    step = attacker.provider_post("saml", attacker.begin("saml"))
    begun = any_frontend.begin("saml")
    assert_refused(complete(any_frontend, begun, step), "session_context_missing", "state_mismatch")


@pytest.mark.usefixtures("no_new_account")
def test_response_posted_to_complete_without_flow_is_refused(frontend: Frontend) -> None:
    step = frontend.provider_post("saml", frontend.begin("saml"))
    response = frontend.fresh().complete("saml", {}, step.fields)
    assert_refused(response, "session_context_missing")


def test_metadata_names_handoff_url(frontend: Frontend) -> None:
    step = frontend.provider_post("saml", frontend.begin("saml"))
    assert step.method.upper() == "POST"
    assert urlsplit(step.url).path == "/auth/o/saml/callback/"
