"""OpenID 2.0: the user says who the provider is, and the provider signs who the user is."""

from __future__ import annotations

import pytest

from tests.servers.assertions import assert_refused, assert_signed_in
from tests.servers.frontend import DENY, Frontend, User

pytestmark = pytest.mark.usefixtures("openid2_provider")


@pytest.fixture
def ada(frontend: Frontend) -> str:
    return f"{frontend.addresses.openid2}/ada"


@pytest.mark.usefixtures("either_encoding")
def test_sign_in(frontend: Frontend, ada: str) -> None:
    token = assert_signed_in(frontend.log_in("openid", openid_identifier=ada))
    assert frontend.me(token)["email"] == "dana@example.com"
    assert assert_signed_in(frontend.log_in("openid", openid_identifier=ada)) == token


def test_the_user_chooses_the_identity_at_the_provider(frontend: Frontend, ada: str) -> None:
    token = assert_signed_in(frontend.log_in("openid", openid_identifier=ada))
    provider = f"{frontend.addresses.openid2}/"
    assert assert_signed_in(frontend.log_in("openid", openid_identifier=provider)) == token


def test_two_tabs(frontend: Frontend, ada: str) -> None:
    user = User()
    first, second = (frontend.begin("openid", openid_identifier=ada) for _ in range(2))
    callbacks = [frontend.authorize(begun, user) for begun in (first, second)]
    for begun, callback in zip((first, second), callbacks, strict=True):
        assert_signed_in(frontend.complete("openid", begun, callback))


@pytest.mark.usefixtures("no_new_account")
def test_the_user_declines(frontend: Frontend, ada: str) -> None:
    begun = frontend.begin("openid", openid_identifier=ada)
    callback = frontend.authorize(begun, User(), DENY)
    assert_refused(frontend.complete("openid", begun, callback), "authorization_declined")


@pytest.mark.usefixtures("no_new_account", "other_openid2_provider")
def test_another_server_confirms_the_identity(frontend: Frontend, ada: str) -> None:
    """It signs with a key of its own, and says whose identity it is not asked to know."""
    begun = frontend.begin("openid", openid_identifier=ada)
    here, there = frontend.addresses.openid2, frontend.addresses.other_openid2
    elsewhere = begun["authorization_url"].replace(f"{here}/openid", f"{there}/openid")
    assert elsewhere != begun["authorization_url"]
    callback = frontend.authorize({**begun, "authorization_url": elsewhere}, User())
    assert callback["openid.op_endpoint"] == f"{there}/openid"
    assert callback["openid.claimed_id"] == ada
    assert_refused(frontend.complete("openid", begun, callback))


@pytest.mark.usefixtures("no_new_account", "other_openid2_provider")
def test_an_assertion_from_another_server(frontend: Frontend, ada: str) -> None:
    """It is true, of an identity of that server, but it is not what was begun with."""
    begun = frontend.begin("openid", openid_identifier=ada)
    stranger = Frontend(frontend.addresses, frontend.transport)
    other = f"{frontend.addresses.other_openid2}/ada"
    callback = stranger.authorize(stranger.begin("openid", openid_identifier=other), User())
    assert_refused(frontend.complete("openid", begun, callback))


@pytest.mark.usefixtures("no_new_account")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("openid.claimed_id", "{openid2}/eve"),
        ("openid.identity", "{openid2}/eve"),
        ("openid.sreg.email", "eve@example.com"),
        ("openid.return_to", "{site}/elsewhere/"),
        ("openid.sig", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("openid.signed", "mode"),
        ("openid.assoc_handle", "unknown"),
    ],
)
def test_an_assertion_that_was_changed(frontend: Frontend, ada: str, name: str, value: str) -> None:
    begun = frontend.begin("openid", openid_identifier=ada)
    callback = frontend.authorize(begun, User())
    assert name in callback
    addresses = frontend.addresses
    callback[name] = value.format(openid2=addresses.openid2, site=addresses.site)
    assert_refused(frontend.complete("openid", begun, callback))


def test_an_assertion_counts_once(frontend: Frontend, ada: str) -> None:
    begun = frontend.begin("openid", openid_identifier=ada)
    callback = frontend.authorize(begun, User())
    cookies = frontend.client.cookies.copy()
    assert_signed_in(frontend.complete("openid", begun, callback))
    frontend.client.cookies = cookies
    assert_refused(frontend.complete("openid", begun, callback), "state_mismatch")


@pytest.mark.usefixtures("no_new_account", "openid_connect_provider")
def test_the_callback_of_another_provider(frontend: Frontend, ada: str) -> None:
    begun = frontend.begin("openid", openid_identifier=ada)
    callback = frontend.authorize(frontend.begin("openid-connect"), User())
    answer = frontend.complete("openid", begun, callback)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("identifier", ["http://localhost:9/nobody", "http://", "not a URL", "=x"])
def test_an_identifier_at_which_nobody_answers(frontend: Frontend, identifier: str) -> None:
    assert_refused(frontend.get("openid", openid_identifier=identifier))
