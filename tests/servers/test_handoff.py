"""Handoff: the provider POSTs its answer to the site, and the page completes with a code."""

from __future__ import annotations

import pytest
import requests

from tests.support.servers.assertions import assert_page, assert_refused, assert_signed_in
from tests.support.servers.frontend import Frontend, Step, User

FORM_POST, SAML = PROVIDERS = ("openid-connect-form-post", "saml")
MEGABYTE = 1_000_000


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def other(provider: str) -> str:
    return SAML if provider == FORM_POST else FORM_POST


def hand_off(step: Step) -> dict[str, str]:
    """Send the provider's POST; return the parameters of the page's callback."""
    response = User().send(step)
    assert response.status_code == 303, response.text
    return Step("GET", response.headers["Location"]).query


def test_page_receives_only_code_and_state(any_frontend: Frontend, provider: str) -> None:
    step = any_frontend.provider_post(provider, any_frontend.begin(provider))
    response = User().send(step)
    assert response.status_code == 303
    assert response.headers["Location"].startswith(f"{any_frontend.redirect_uri}?")
    assert "no-store" in response.headers["Cache-Control"]
    assert "Set-Cookie" not in response.headers
    callback = Step("GET", response.headers["Location"]).query
    assert set(callback) == {"code", "state"}
    assert callback["code"] not in step.fields.values()


def test_stranger_with_code_cannot_use_it_up(any_frontend: Frontend, provider: str) -> None:
    begun = any_frontend.begin(provider)
    callback = hand_off(any_frontend.provider_post(provider, begun))
    stranger = any_frontend.fresh()
    strangers_login = stranger.begin(provider)
    assert_refused(stranger.complete(provider, strangers_login, callback))
    own_callback = hand_off(stranger.provider_post(provider, strangers_login))
    stolen_code = {**own_callback, "code": callback["code"]}
    assert_refused(stranger.complete(provider, strangers_login, stolen_code))
    without_flow = any_frontend.fresh(transport="cookie")
    assert_refused(without_flow.complete(provider, {}, callback), "session_context_missing")
    assert_signed_in(any_frontend.complete(provider, begun, callback))


@pytest.mark.usefixtures("no_new_account")
def test_code_of_other_provider_is_refused(any_frontend: Frontend, provider: str) -> None:
    begun = any_frontend.begin(provider)
    foreign_begun = any_frontend.begin(other(provider))
    callback = hand_off(any_frontend.provider_post(other(provider), foreign_begun))
    assert_refused(any_frontend.complete(provider, begun, callback))


@pytest.mark.usefixtures("no_new_account")
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"code": "x", "state": "of no login"},
        {"SAMLResponse": "x", "RelayState": "x"},
        {"SAMLResponse": "PHg+", "RelayState": "{}"},
        {"SAMLResponse": "\0", "state": "\0", "code": "\udcff".encode(errors="replace").decode()},
    ],
)
def test_post_without_login_is_refused(
    frontend: Frontend, provider: str, fields: dict[str, str]
) -> None:
    step = Step("POST", frontend.addresses.handoff(provider), fields)
    assert_page(User().send(step), 400)


def test_post_for_other_provider_is_refused(frontend: Frontend, provider: str) -> None:
    step = frontend.provider_post(other(provider), frontend.begin(other(provider)))
    assert_page(User().send(Step("POST", frontend.addresses.handoff(provider), step.fields)), 400)


@pytest.mark.parametrize("field", ["state", "SAMLResponse", "unknown"])
def test_field_of_ten_megabytes_is_refused(frontend: Frontend, provider: str, field: str) -> None:
    step = Step("POST", frontend.addresses.handoff(provider), {field: "A" * 10 * MEGABYTE})
    assert_page(User().send(step), 413)


def test_json_body_of_ten_megabytes_is_refused(frontend: Frontend, provider: str) -> None:
    response = requests.post(
        frontend.addresses.handoff(provider),
        b'{"state": "' + b"A" * 10 * MEGABYTE + b'"}',
        headers={"Content-Type": "application/json"},
        timeout=30,
    )
    assert 400 <= response.status_code < 500, response.text


def test_unknown_provider_is_refused(frontend: Frontend) -> None:
    response = User().send(Step("POST", frontend.addresses.handoff("unknown"), {"state": "x"}))
    assert 400 <= response.status_code < 500, response.text
