"""OpenID 2.0: identities that the user chooses, and signed assertions about them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from openid.message import IDENTIFIER_SELECT

from tests.support.servers.assertions import assert_refused, assert_signed_in
from tests.support.servers.frontend import Frontend, as_user, new_name
from tests.support.servers.toolkit import demo
from tests.support.tcp_provider import Provider


def test_identity_selected_at_provider_reaches_same_account(any_frontend: Frontend) -> None:
    token = assert_signed_in(any_frontend.sign_in("openid"))
    identifier = f"{any_frontend.addresses.provider('openid2')}/"
    begun = any_frontend.begin("openid", openid_identifier=identifier)
    callback = any_frontend.authorize(begun)
    assert assert_signed_in(any_frontend.complete("openid", begun, callback)) == token


@pytest.mark.usefixtures("no_new_account")
def test_identity_confirmed_by_another_server_is_refused(frontend: Frontend) -> None:
    begun = frontend.begin("openid")
    here, there = map(frontend.addresses.provider, ("openid2", "other-openid2"))
    url = begun["authorization_url"]
    elsewhere = url.replace(f"{here}/openid", f"{there}/openid")
    assert elsewhere != url
    callback = frontend.authorize({**begun, "authorization_url": elsewhere})
    assert callback["openid.op_endpoint"] == f"{there}/openid"
    assert callback["openid.claimed_id"] == f"{here}/ada"
    assert_refused(frontend.complete("openid", begun, callback))


@pytest.mark.usefixtures("no_new_account")
def test_true_assertion_of_another_login_is_refused(any_frontend: Frontend) -> None:
    begun = any_frontend.begin("openid")
    stranger = any_frontend.fresh()
    other = f"{any_frontend.addresses.provider('other-openid2')}/ada"
    callback = stranger.authorize(stranger.begin("openid", openid_identifier=other))
    assert_refused(any_frontend.complete("openid", begun, callback))


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
def test_changed_assertion_is_refused(frontend: Frontend, name: str, value: str) -> None:
    begun = frontend.begin("openid")
    callback = frontend.authorize(begun)
    assert name in callback
    addresses = frontend.addresses
    callback[name] = value.format(openid2=addresses.provider("openid2"), site=addresses.site)
    assert_refused(frontend.complete("openid", begun, callback))


@pytest.fixture
def internal() -> Iterator[Provider]:
    """Return a server inside the site's network, which answers nothing."""
    server = Provider()
    yield server
    server.stop()


INTERNAL = ["http://127.0.0.1:{}/", "127.0.0.1:{}/admin", "localhost:{}/", "x@127.0.0.1:{}/"]


@pytest.mark.usefixtures("no_new_account")
@pytest.mark.parametrize("identity", INTERNAL)
def test_identity_of_forged_assertion_is_not_fetched(
    frontend: Frontend, internal: Provider, identity: str
) -> None:
    root = f"{frontend.addresses.provider('openid2')}/"
    begun = frontend.begin("openid", openid_identifier=root)
    forged = dict.fromkeys(["openid.claimed_id", "openid.identity"], identity.format(internal.port))
    assert_refused(frontend.complete("openid", begun, {**frontend.authorize(begun), **forged}))
    assert internal.connections == 0


@pytest.mark.usefixtures("no_new_account")
@pytest.mark.parametrize("identity", INTERNAL)
def test_confirmed_identity_at_internal_host_is_not_fetched(
    frontend: Frontend, internal: Provider, identity: str
) -> None:
    root = f"{frontend.addresses.provider('openid2')}/"
    begun = frontend.begin("openid", openid_identifier=root)
    wanted = quote(identity.format(internal.port), safe="")
    url = begun["authorization_url"].replace(quote(IDENTIFIER_SELECT, safe=""), wanted)
    callback = frontend.authorize({**begun, "authorization_url": url})
    assert callback["openid.claimed_id"] == identity.format(internal.port)
    assert_refused(frontend.complete("openid", begun, callback))
    assert internal.connections == 0


def test_attributes_that_are_not_signed_are_ignored(frontend: Frontend) -> None:
    begun = frontend.begin("openid")
    attributes = {
        "openid.ns.ax": "http://openid.net/srv/ax/1.0",
        "openid.ax.mode": "fetch_response",
        "openid.ax.type.email": "http://axschema.org/contact/email",
        "openid.ax.value.email": "eve@example.com",
    }
    callback = {**frontend.authorize(begun, fill=as_user(new_name())), **attributes}
    token = assert_signed_in(frontend.complete("openid", begun, callback))
    assert frontend.email(token) == demo.EMAIL


@pytest.mark.parametrize("identifier", ["http://localhost:9/nobody", "http://", "not a URL", "=x"])
def test_identifier_without_provider_is_refused(frontend: Frontend, identifier: str) -> None:
    assert_refused(frontend.get("openid", openid_identifier=identifier))
