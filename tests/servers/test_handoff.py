"""The hand-off: a provider posts its answer to the site, and the page completes with a code."""

from __future__ import annotations

import pytest
import requests

from tests.servers.assertions import assert_page, assert_refused, assert_signed_in
from tests.servers.frontend import Frontend, Step, User

pytestmark = pytest.mark.usefixtures("openid_connect_provider", "saml_provider")

PROVIDERS = ["openid-connect-form-post", "saml"]
MEGABYTE = 1_000_000


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def hand_off(step: Step) -> dict[str, str]:
    """Post what the provider sends; return what the page gets."""
    answer = User().send(step)
    assert answer.status_code == 303, answer.text
    return Step("GET", answer.headers["Location"]).query


@pytest.mark.usefixtures("either_encoding")
def test_sign_in(frontend: Frontend, provider: str) -> None:
    token = assert_signed_in(frontend.log_in(provider))
    assert frontend.me(token)["email"] == "dana@example.com"
    assert assert_signed_in(frontend.log_in(provider)) == token


def test_what_the_page_gets(frontend: Frontend, provider: str) -> None:
    step = frontend.provider_answer(provider, frontend.begin(provider))
    answer = User().send(step)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{frontend.redirect_uri}?")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    callback = Step("GET", answer.headers["Location"]).query
    assert set(callback) == {"code", "state"}
    assert callback["code"] not in step.fields.values()


def test_two_tabs(frontend: Frontend, provider: str) -> None:
    first, second = frontend.begin(provider), frontend.begin(provider)
    callbacks = [hand_off(frontend.provider_answer(provider, begun)) for begun in (first, second)]
    for begun, callback in zip((first, second), callbacks, strict=True):
        assert_signed_in(frontend.complete(provider, begun, callback))


def test_a_code_counts_once(frontend: Frontend, provider: str) -> None:
    begun = frontend.begin(provider)
    callback = hand_off(frontend.provider_answer(provider, begun))
    cookies = frontend.client.cookies.copy()
    assert_signed_in(frontend.complete(provider, begun, callback))
    frontend.client.cookies = cookies
    assert_refused(frontend.complete(provider, begun, callback))


def test_a_stranger_with_the_code_cannot_use_it_up(frontend: Frontend, provider: str) -> None:
    begun = frontend.begin(provider)
    callback = hand_off(frontend.provider_answer(provider, begun))
    stranger = Frontend(frontend.addresses, frontend.transport)
    strangers = stranger.begin(provider)
    assert_refused(stranger.complete(provider, strangers, callback))
    own = hand_off(stranger.provider_answer(provider, strangers))
    own_state = {**own, "code": callback["code"]}
    assert_refused(stranger.complete(provider, strangers, own_state))
    nobody = Frontend(frontend.addresses, "cookie")
    assert_refused(nobody.complete(provider, {}, callback), "session_context_missing")
    assert_signed_in(frontend.complete(provider, begun, callback))


@pytest.mark.usefixtures("no_new_account")
def test_a_code_of_the_other_provider(frontend: Frontend, provider: str) -> None:
    (other,) = set(PROVIDERS) - {provider}
    begun = frontend.begin(provider)
    callback = hand_off(frontend.provider_answer(other, frontend.begin(other)))
    assert_refused(frontend.complete(provider, begun, callback))


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
def test_no_such_login(frontend: Frontend, provider: str, fields: dict[str, str]) -> None:
    step = Step("POST", frontend.addresses.handoff(provider), fields)
    assert_page(User().send(step), 400)


def test_an_answer_for_another_provider(frontend: Frontend, provider: str) -> None:
    (other,) = set(PROVIDERS) - {provider}
    step = frontend.provider_answer(other, frontend.begin(other))
    assert_page(User().send(Step("POST", frontend.addresses.handoff(provider), step.fields)), 400)


@pytest.mark.parametrize("field", ["state", "SAMLResponse", "unknown"])
def test_ten_megabytes(frontend: Frontend, provider: str, field: str) -> None:
    step = Step("POST", frontend.addresses.handoff(provider), {field: "A" * 10 * MEGABYTE})
    assert_page(User().send(step), 413)


def test_ten_megabytes_of_another_kind(frontend: Frontend, provider: str) -> None:
    body = b'{"state": "' + b"A" * 10 * MEGABYTE + b'"}'
    answer = requests.post(
        frontend.addresses.handoff(provider),
        body,
        headers={"Content-Type": "application/json"},
        timeout=30,
    )
    assert 400 <= answer.status_code < 500, answer.text


def test_a_provider_that_is_not_configured(frontend: Frontend) -> None:
    answer = User().send(Step("POST", frontend.addresses.handoff("unknown"), {"state": "x"}))
    assert 400 <= answer.status_code < 500, answer.text
