"""OpenID 2.0: what the real server of tests/servers cannot be made to send."""

from __future__ import annotations

import logging
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
import requests
import responses
from django.contrib.auth import get_user_model
from social_core.backends.open_id import OpenIdAuth
from social_django.models import Association, Nonce, UserSocialAuth

from social_endpoints.internal.flows.flow import LOGIN
from social_endpoints.internal.flows.token import open_flow, seal
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, error
from tests.support.openid2_provider import OpenID2Provider

pytestmark = [
    pytest.mark.django_db,
    # python3-openid's server, which only the tests use, causes it.
    pytest.mark.filterwarnings('ignore:The "namespace" attribute:DeprecationWarning'),
]
User = get_user_model()
URL = "https://openid.example.com/"
EVIL = "https://evil.example.com/"


class FixedOpenId(OpenIdAuth):
    name = "fixed"
    URL = URL


@pytest.fixture(autouse=True)
def project(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.open_id.OpenIdAuth",
        f"{__name__}.FixedOpenId",
        "social_core.backends.livejournal.LiveJournalOpenId",
    ]


@pytest.fixture
def openid2(wire: responses.RequestsMock) -> OpenID2Provider:
    return OpenID2Provider(wire)


@pytest.fixture(params=["openid", "fixed"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def begin(frontend: Frontend, name: str, identifier: str = URL, **query: str) -> Any:
    parameter = {"openid_identifier": identifier} if name == "openid" else {}
    return frontend.begin(name, **parameter, **query)


def authorize(frontend: Frontend, openid2: OpenID2Provider, name: str) -> tuple[Any, Any]:
    """Begin and sign in at the provider; return the response and the callback."""
    begun = begin(frontend, name)
    return begun, openid2.authorize(begun.data["authorization_url"])


def replace_discovery(wire: responses.RequestsMock, old: str, new: str) -> None:
    body = wire.registered()[0].body.replace(old, new)
    wire.replace("GET", URL, body=body, content_type="application/xrds+xml")


def test_login_writes_one_nonce_and_no_association(
    name: str, frontend: Frontend, openid2: OpenID2Provider, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        begun, callback = authorize(frontend, openid2, name)

    response = frontend.complete(begun, callback, name)

    assert response.status_code == 201, response.data
    user = User.objects.get()
    assert (user.username, user.email) == ("AdaLovelace", "ada@example.com")
    assert UserSocialAuth.objects.get().uid == openid2.identity
    assert openid2.requests == ["check_authentication"]
    assert (Nonce.objects.count(), Association.objects.count()) == (1, 0)


# --- Begin ------------------------------------------------------------------------------


def test_realm_is_origin_of_redirect_uri(
    name: str, frontend: Frontend, openid2: OpenID2Provider, settings: Any
) -> None:
    assert authorization_params(begin(frontend, name))["openid.realm"] == "https://app.example.com/"

    settings.SOCIAL_AUTH_OPENID_TRUST_ROOT = "https://*.example.com/"
    assert authorization_params(begin(frontend, name))["openid.realm"] == "https://*.example.com/"


@pytest.mark.parametrize("query", ["next=%2Fa%26b&x=1+2/", "empty=&provider=openid"])
def test_redirect_uri_is_sent_unchanged(
    query: str, name: str, frontend: Frontend, openid2: OpenID2Provider, configure: Configure
) -> None:
    uri = f"https://app.example.com/cb?{query}"
    configure(ALLOWED_REDIRECT_URIS=[uri])
    begun = begin(frontend, name, redirect_uri=uri)
    callback = openid2.authorize(begun.data["authorization_url"])
    # A frontend posts the whole query of its URL.
    callback = {**dict(parse_qsl(query, keep_blank_values=True)), **callback}

    response = frontend.complete(begun, callback, name)

    return_to = authorization_params(begun)["openid.return_to"]
    assert return_to.startswith(f"{uri}&redirect_state=")
    assert response.status_code == 201, response.data


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "missing_parameter"),
        ({"openid_identifier": "http://["}, "invalid_parameter"),
        ({"openid_identifier": "http://a b/"}, "invalid_parameter"),
    ],
)
def test_begin_without_valid_identifier_is_rejected(
    query: dict[str, str], code: str, frontend: Frontend
) -> None:
    begun = frontend.begin("openid", **query)

    assert error(begun) == (400, code)
    assert "openid_identifier" in begun.data


@pytest.mark.parametrize(
    ("status", "code", "recovery"),
    [
        (500, "unavailable", "retry_later"),
        (429, "rate_limited", "retry_later"),
        (404, "invalid_parameter", "correct_input"),
        (200, "invalid_parameter", "correct_input"),
    ],
)
def test_begin_with_identifier_without_provider_is_rejected(
    status: int, code: str, recovery: str, frontend: Frontend, wire: responses.RequestsMock
) -> None:
    wire.get("https://nobody.example.com/", status=status, body="<html></html>")

    begun = begin(frontend, "openid", "https://nobody.example.com/")

    assert error(begun) == (400, code)
    assert begun.data["error_recovery"] == recovery


def test_begin_with_missing_fixed_provider_is_rejected(
    frontend: Frontend, wire: responses.RequestsMock
) -> None:
    wire.get(URL, status=404)

    assert error(frontend.begin("fixed")) == (400, "http_error")


@pytest.mark.parametrize(
    "endpoint", ["http://openid.example.com/server", "", "https://user@openid.example.com/"]
)
@pytest.mark.usefixtures("openid2")
def test_begin_with_insecure_endpoint_of_fixed_provider_is_rejected(
    endpoint: str, frontend: Frontend, wire: responses.RequestsMock
) -> None:
    replace_discovery(wire, "https://openid.example.com/server", endpoint)

    assert frontend.begin("fixed").status_code == 400


def test_begin_with_endpoint_that_is_not_a_web_url_is_rejected(
    frontend: Frontend, openid2: OpenID2Provider, wire: responses.RequestsMock
) -> None:
    replace_discovery(wire, openid2.endpoint, "javascript:alert(1)")

    assert error(begin(frontend, "openid")) == (400, "malformed_response")


@pytest.mark.usefixtures("openid2")
def test_flow_does_not_store_discovered_services(wire: responses.RequestsMock) -> None:
    body = wire.registered()[0].body
    service = body[body.index("<Service") : body.index("</XRD>")]
    replace_discovery(wire, service, service * 50)

    assert len(begin(Frontend("body"), "openid").data["flow"]) < 900


@pytest.mark.usefixtures("openid2")
def test_livejournal_requires_name_of_user(
    frontend: Frontend, wire: responses.RequestsMock
) -> None:
    endpoint = "https://www.livejournal.com/openid/server.bml"
    body = wire.registered()[1].body.replace("https://openid.example.com/server", endpoint)
    wire.get("https://ada.livejournal.com/", body=body, content_type="application/xrds+xml")

    begun = frontend.begin("livejournal", openid_lj_user="ada")
    rejected = frontend.begin("livejournal", openid_identifier=URL)

    assert begun.data["authorization_url"].startswith(endpoint), begun.data
    assert "openid_lj_user" in rejected.data


@pytest.mark.parametrize("name", ["evil.example.com%2f", "evil.example.com%3f", "a@b", "a\\b"])
def test_name_of_livejournal_user_cannot_lead_to_another_host(
    name: str, frontend: Frontend, wire: responses.RequestsMock
) -> None:
    begun = frontend.begin("livejournal", openid_lj_user=name)

    assert error(begun) == (400, "invalid_parameter")
    assert "openid_lj_user" in begun.data
    assert len(wire.calls) == 0


# --- Complete ---------------------------------------------------------------------------


def test_other_parameters_of_frontend_are_ignored(
    name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    begun, callback = authorize(frontend, openid2, name)
    other = {"provider": "openid", "redirect_uri": REDIRECT_URI, "withCredentials": True}

    assert frontend.complete(begun, {**callback, **other}, name).status_code == 201


@pytest.mark.parametrize(
    ("mode", "code", "recovery"),
    [
        ("setup_needed", "reauthentication_required", "reauthenticate"),
        ("cancel", "authorization_declined", "none"),
        ("error", "malformed_response", "contact_administrator"),
        ("other", "malformed_response", "contact_administrator"),
    ],
)
def test_message_without_an_assertion_is_reported_and_leaves_the_login_open(
    mode: str, code: str, recovery: str, name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    begun, callback = authorize(frontend, openid2, name)
    message = {"openid.ns": "http://specs.openid.net/auth/2.0", "openid.mode": mode}
    message["redirect_state"] = callback["redirect_state"]

    response = frontend.complete(begun, message, name)

    assert error(response) == (400, code)
    assert response.data["error_recovery"] == recovery
    assert not Nonce.objects.exists()
    assert frontend.complete(begun, callback, name).status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        {"openid.sig": "forged"},
        {"openid.mode": "forged"},
        {"openid.op_endpoint": "https://evil.example.com/server"},
        {"openid.return_to": "https://["},
        {"redirect_state": "other"},
        {"janrain_nonce": "other"},
    ],
    ids=str,
)
def test_changed_assertion_is_rejected(
    change: dict[str, str],
    name: str,
    frontend: Frontend,
    openid2: OpenID2Provider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    begun, callback = authorize(frontend, openid2, name)

    response = frontend.complete(begun, {**callback, **change}, name)

    assert response.status_code == 400
    assert set(response.data) >= {"error_code", "error_recovery"}
    assert not User.objects.exists()
    assert callback["openid.sig"] not in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        *({"openid.ns": value} for value in (None, "", "x")),
        {"openid.ns.x": "http://specs.openid.net/auth/2.0"},
        {"openid.ns.x": "", "openid.x.y": "z"},
        {"openid.ns.x": "x:", "openid.ns.y": "x:"},
        {"openid.ns.openid": "x:"},
        {"openid.ns.a.b": "x:"},
    ],
    ids=str,
)
def test_message_of_another_version_is_malformed(
    change: dict[str, str | None], name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    begun, callback = authorize(frontend, openid2, name)
    message = {field: text for field, text in {**callback, **change}.items() if text is not None}

    assert error(frontend.complete(begun, message, name)) == (400, "malformed_response")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"openid.claimed_id": EVIL, "openid.identity": EVIL}, "invalid_signature"),
        ({"openid.claimed_id": EVIL, "openid.op_endpoint": EVIL}, "invalid_claim"),
        ({"openid.identity": "=foo", "openid.claimed_id": "=foo"}, "invalid_signature"),
        ({"openid.claimed_id": EVIL, "openid.signed": "mode,identity"}, "missing_claim"),
        ({"openid.claimed_id": None, "openid.identity": None}, "missing_claim"),
        ({"openid.response_nonce": None}, "missing_claim"),
        ({"openid.x": "x" * 40_000}, "malformed_response"),
        ({"openid.x": "x\nis_valid:true\n"}, "malformed_response"),
        ({"openid.x\n": "x"}, "malformed_response"),
    ],
    ids=[
        "identity",
        "provider",
        "XRI",
        "unsigned",
        "no identity",
        "no nonce",
        "long",
        "line break",
        "line break in a name",
    ],
)
def test_forged_assertion_is_not_discovered(
    change: dict[str, str | None],
    code: str,
    name: str,
    frontend: Frontend,
    openid2: OpenID2Provider,
    wire: responses.RequestsMock,
) -> None:
    begun, callback = authorize(frontend, openid2, name)
    wire.calls.reset()
    forged = {field: text for field, text in {**callback, **change}.items() if text is not None}

    response = frontend.complete(begun, forged, name)

    assert error(response) == (400, code)
    assert {call.request.url for call in wire.calls} <= {openid2.endpoint}


def test_assertion_without_identity_is_rejected(
    name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    begun = begin(frontend, name)
    openid2.identity = ""
    url = re.sub(r"openid\.(identity|claimed_id)=[^&]*&?", "", begun.data["authorization_url"])
    callback = openid2.authorize(url)

    assert "openid.identity" not in callback
    assert error(frontend.complete(begun, callback, name)) == (400, "missing_claim")


@pytest.mark.parametrize(
    "fields",
    [
        {"openid.sreg.email": "eve@example.com"},
        {"openid.ns.e": "http://openid.net/sreg/1.0", "openid.e.email": "eve@example.com"},
        {
            "openid.ns.e": "http://openid.net/srv/ax/1.0",
            "openid.e.mode": "fetch_response",
            "openid.e.type.a": "http://axschema.org/contact/email",
            "openid.e.value.a": "eve@example.com",
        },
    ],
    ids=["field", "prefix", "attribute exchange"],
)
def test_attribute_that_is_not_signed_is_ignored(
    fields: dict[str, str], name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    openid2.profile = {"fullname": "Ada Lovelace"}
    begun, callback = authorize(frontend, openid2, name)

    response = frontend.complete(begun, {**callback, **fields}, name)

    assert response.status_code == 201, response.data
    assert (User.objects.get().username, User.objects.get().email) == ("AdaLovelace", "")


def test_extension_whose_declaration_is_not_signed_is_ignored(
    name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    openid2.unsigned = {"ns.sreg"}
    begun, callback = authorize(frontend, openid2, name)

    response = frontend.complete(begun, callback, name)

    assert response.status_code == 201, response.data
    assert User.objects.get().email == ""


def test_identity_that_names_another_provider_is_rejected(
    name: str, frontend: Frontend, openid2: OpenID2Provider, wire: responses.RequestsMock
) -> None:
    document = wire.registered()[1].body
    wire.get(EVIL, body=document.replace(openid2.endpoint, "https://evil.example.com/server"))
    openid2.identity = EVIL
    begun, callback = authorize(frontend, openid2, name)

    response = frontend.complete(begun, callback, name)

    assert error(response) == (400, "invalid_claim")
    assert openid2.requests == ["check_authentication"]


@pytest.mark.parametrize(
    "identity",
    [
        "http://127.0.0.1/admin",
        "http://localhost/",
        "http://localhost./",
        "http://intranet/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "https://other.example.com:8443/",
        "127.0.0.1:8080/admin",
    ],
)
def test_confirmed_identity_at_internal_host_is_not_fetched(
    identity: str,
    name: str,
    frontend: Frontend,
    openid2: OpenID2Provider,
    wire: responses.RequestsMock,
) -> None:
    openid2.identity = identity
    begun, callback = authorize(frontend, openid2, name)
    wire.calls.reset()

    response = frontend.complete(begun, callback, name)

    assert error(response) == (400, "invalid_claim")
    assert openid2.requests == ["check_authentication"]
    assert [call.request.url for call in wire.calls] == [openid2.endpoint]


@pytest.mark.parametrize("identity", ["https://[", "ftp://openid.example.com/", "http://a%2fb/"])
def test_identity_that_is_not_a_url_is_rejected(
    identity: str, name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    openid2.identity = identity
    begun, callback = authorize(frontend, openid2, name)

    assert error(frontend.complete(begun, callback, name)) == (400, "invalid_claim")


@pytest.mark.parametrize("is_typed", [False, True])
def test_fragment_of_the_provider_is_part_of_the_identity(
    is_typed: bool,
    name: str,
    frontend: Frontend,
    openid2: OpenID2Provider,
    wire: responses.RequestsMock,
) -> None:
    begun = begin(frontend, name, openid2.identity if is_typed else URL)
    callback = openid2.authorize(begun.data["authorization_url"])
    wire.replace("POST", openid2.endpoint, body="is_valid:true")
    callback["openid.claimed_id"] += "#2026"

    response = frontend.complete(begun, callback, name)

    assert response.status_code == 201, response.data
    assert UserSocialAuth.objects.get().uid == f"{openid2.identity}#2026"


def test_typed_identity_is_not_replaced(
    frontend: Frontend, openid2: OpenID2Provider, wire: responses.RequestsMock
) -> None:
    eve = f"{openid2.url}/eve"
    openid2.add_page(eve, is_identity=True)
    begun = begin(frontend, "openid", openid2.identity)
    openid2.identity = eve
    url = begun.data["authorization_url"].replace("%2Fada", "%2Feve")

    response = frontend.complete(begun, openid2.authorize(url), "openid")

    assert error(response) == (400, "invalid_claim")
    assert openid2.requests == ["check_authentication"]


@pytest.fixture
def version1(openid2: OpenID2Provider, wire: responses.RequestsMock) -> str:
    """Return an identifier whose provider uses OpenID Authentication 1.1."""
    identifier = f"{openid2.url}/old"
    link = f'<link rel="openid.server" href="{openid2.endpoint}">'
    page = f'{link}<link rel="openid.delegate" href="{openid2.identity}">'
    wire.get(identifier, body=f"<html><head>{page}</head><body>{link}</body></html>")
    return identifier


def test_login_with_version_1(frontend: Frontend, openid2: OpenID2Provider, version1: str) -> None:
    begun = begin(frontend, "openid", version1)
    callback = openid2.authorize(begun.data["authorization_url"])

    response = frontend.complete(begun, callback, "openid")

    assert "openid.ns" not in callback
    assert response.status_code == 201, response.data
    assert UserSocialAuth.objects.get().uid == version1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"openid1_claimed_id": EVIL}, "invalid_claim"),
        ({"openid.identity": EVIL}, "invalid_signature"),
        ({"openid.signed": "identity"}, "missing_claim"),
        ({"openid.user_setup_url": EVIL}, "reauthentication_required"),
        ({"openid.ns": "http://openid.net/signon/1.1"}, "malformed_response"),
    ],
    ids=str,
)
def test_changed_assertion_of_version_1_is_rejected(
    change: dict[str, str],
    code: str,
    frontend: Frontend,
    openid2: OpenID2Provider,
    version1: str,
    wire: responses.RequestsMock,
) -> None:
    begun = begin(frontend, "openid", version1)
    callback = openid2.authorize(begun.data["authorization_url"])
    wire.calls.reset()

    response = frontend.complete(begun, {**callback, **change}, "openid")

    assert error(response) == (400, code)
    assert {call.request.url for call in wire.calls} <= {openid2.endpoint}


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (503, "is_valid:true", "unavailable"),
        (404, "is_valid:true", "http_error"),
        (302, "", "invalid_signature"),
        (200, "", "invalid_signature"),
        (200, "error:is_valid:true", "invalid_signature"),
        (400, "error:invalid", "invalid_signature"),
        (400, "is_valid:true", "invalid_signature"),
        (302, "is_valid:true", "invalid_signature"),
        (200, "<p>\nis_valid:true\n</p>", "invalid_signature"),
        (200, "is_valid:true\nis_valid:false", "invalid_signature"),
        (200, "is_valid:false\nis_valid:true", "invalid_signature"),
    ],
)
def test_provider_that_does_not_verify_is_reported(
    status: int,
    body: str,
    code: str,
    name: str,
    frontend: Frontend,
    openid2: OpenID2Provider,
    wire: responses.RequestsMock,
) -> None:
    begun, callback = authorize(frontend, openid2, name)
    wire.replace("POST", openid2.endpoint, status=status, body=body, headers={"Location": EVIL})

    response = frontend.complete(begun, callback, name)

    assert error(response) == (400, code)
    assert EVIL not in {call.request.url for call in wire.calls}


@pytest.mark.parametrize("host", ["https://ada.openid.example.com", "https://ada.example.org"])
def test_fixed_provider_may_assert_identity_at_another_host(
    host: str, frontend: Frontend, openid2: OpenID2Provider, wire: responses.RequestsMock
) -> None:
    openid2.identity = f"{host}/"
    document = wire.registered()[1].body
    wire.get(openid2.identity, body=document, content_type="application/xrds+xml")
    begun, callback = authorize(frontend, openid2, "fixed")

    response = frontend.complete(begun, callback, "fixed")

    assert response.status_code == 201, response.data
    assert UserSocialAuth.objects.get().uid == openid2.identity


def test_assertion_of_another_login_with_own_state_is_rejected(
    name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    _, other = authorize(frontend, openid2, name)
    begun, callback = authorize(frontend, openid2, name)

    response = frontend.complete(
        begun, {**other, "redirect_state": callback["redirect_state"]}, name
    )

    assert response.status_code == 400
    assert not User.objects.exists()


def test_malformed_return_to_without_state_is_rejected(
    name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    begun, callback = authorize(frontend, openid2, name)
    del callback["redirect_state"]

    response = frontend.complete(begun, {**callback, "openid.return_to": "https://["}, name)

    assert error(response) == (400, "state_mismatch")


@pytest.mark.parametrize("return_to", ["https://[", "https://app.example.com/a b"])
def test_confirmed_return_to_that_is_not_a_url_is_rejected(
    return_to: str,
    name: str,
    frontend: Frontend,
    openid2: OpenID2Provider,
    wire: responses.RequestsMock,
) -> None:
    begun, callback = authorize(frontend, openid2, name)
    wire.replace("POST", openid2.endpoint, body="is_valid:true")
    state = {"redirect_state": callback["redirect_state"]}
    callback |= {"openid.return_to": f"{return_to}?{urlencode(state)}"}

    response = frontend.complete(begun, callback, name)

    assert error(response) == (400, "malformed_response")


def test_long_return_to_does_not_select_a_flow(
    name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    begun, callback = authorize(frontend, openid2, name)
    del callback["redirect_state"]
    callback["openid.return_to"] += "&x=" + "%" * 40_000

    assert error(frontend.complete(begun, callback, name)) == (400, "state_mismatch")


@pytest.mark.parametrize("missing", ["openid.mode", "openid.return_to", "redirect_state"])
def test_incomplete_callback_is_rejected(
    missing: str, name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    begun, callback = authorize(frontend, openid2, name)
    del callback[missing]

    response = frontend.complete(begun, callback, name)

    assert response.status_code == 400
    if missing == "openid.mode":
        assert response.data["openid.mode"] == ["This field is required."]


def test_state_in_return_to_selects_flow(
    name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    begun, callback = authorize(frontend, openid2, name)
    newer, newer_callback = authorize(frontend, openid2, name)
    del callback["redirect_state"]

    response = frontend.complete(begun, callback, name)

    # The right flow, in which python3-openid misses the parameter.
    assert response.data["error_code"] == "malformed_response"
    assert frontend.complete(newer, newer_callback, name).status_code == 201


def test_complete_without_flow_sends_no_request(openid2: OpenID2Provider) -> None:
    callback = {"openid.mode": "id_res", "openid.op_endpoint": openid2.endpoint}

    assert error(Frontend("body").post(callback, "openid")) == (400, "session_context_missing")
    assert openid2.requests == []


# --- Network ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (requests.ConnectTimeout(), "timeout"),
        (requests.ConnectionError(), "connection_failed"),
        (requests.exceptions.SSLError(), "tls_error"),
    ],
)
def test_network_failure_has_specific_code(
    failure: Exception,
    code: str,
    name: str,
    frontend: Frontend,
    openid2: OpenID2Provider,
    wire: responses.RequestsMock,
) -> None:
    begun, callback = authorize(frontend, openid2, name)
    wire.replace("POST", openid2.endpoint, body=failure)
    wire.replace("GET", URL, body=failure)

    assert error(frontend.complete(begun, callback, name)) == (400, code)
    assert error(begin(frontend, name)) == (400, code)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://example.com/", "http://["])
def test_redirect_to_another_scheme_is_not_followed(
    location: str, name: str, frontend: Frontend, wire: responses.RequestsMock
) -> None:
    wire.get(URL, status=302, headers={"Location": location})

    assert begin(frontend, name).status_code == 400
    assert len(wire.calls) == 1


def test_library_logs_nothing_about_login(
    name: str, frontend: Frontend, openid2: OpenID2Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    begun, callback = authorize(frontend, openid2, name)

    frontend.complete(begun, {**callback, "openid.assoc_handle": ""}, name)

    text = "".join(record.getMessage() for record in caplog.records)
    assert callback["openid.sig"] not in text
    assert "ada@example.com" not in text
    logging.getLogger("openid.consumer.consumer").error("from other code")
    assert "from other code" in caplog.text


@pytest.mark.parametrize("value", [{}, {"_openid_consumer_last_token": {}}, ["a"], None, "text"])
def test_session_of_another_version_is_a_missing_flow(value: Any, openid2: OpenID2Provider) -> None:
    frontend = Frontend("body")
    begun, callback = authorize(frontend, openid2, "openid")
    flow = open_flow(begun.data["flow"], provider="openid", purpose=LOGIN)
    assert flow is not None
    flow.session["openid"] = value
    begun.data["flow"] = seal(flow)

    refused = frontend.complete(begun, callback, "openid")

    assert error(refused) == (400, "session_context_missing")
