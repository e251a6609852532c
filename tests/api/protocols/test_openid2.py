"""Logins with OpenID 2.0."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
import responses
from django.contrib.auth import get_user_model
from openid import fetchers
from social_core.backends.open_id import OpenIdAuth
from social_django.models import Association, Nonce, UserSocialAuth

from social_endpoints.internal.network.bounded import BoundedAdapter
from social_endpoints.internal.network.openid_fetcher import WithoutRedirects
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.openid2_provider import OpenID2Provider

pytestmark = [
    pytest.mark.django_db,
    # The library's own server asks for it, and no project runs that.
    pytest.mark.filterwarnings('ignore:The "namespace" attribute:DeprecationWarning'),
]
User = get_user_model()


class FixedOpenId(OpenIdAuth):
    """A provider whose URL is fixed, as Steam's is."""

    name = "fixed"
    URL = "https://openid.example.com/"


@pytest.fixture(autouse=True)
def project(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.open_id.OpenIdAuth",
        "tests.api.protocols.test_openid2.FixedOpenId",
        "social_core.backends.livejournal.LiveJournalOpenId",
    ]


@pytest.fixture
def openid2(wire: responses.RequestsMock) -> OpenID2Provider:
    """Return the OpenID 2.0 provider of the tests."""
    return OpenID2Provider(wire)


@pytest.fixture(params=["openid", "fixed"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def begin(frontend: Frontend, name: str, identifier: str = "https://openid.example.com/") -> Any:
    asked = {"openid_identifier": identifier} if name == "openid" else {}
    return frontend.begin(name, **asked)


@pytest.mark.parametrize("encoding", ["json", "multipart"])
def test_login(encoding: str, name: str, frontend: Frontend, openid2: OpenID2Provider) -> None:
    frontend.format = encoding
    begun = begin(frontend, name)
    callback = openid2.authorize(begun.data["authorization_url"])

    answer = frontend.complete(begun, callback, name)

    assert answer.status_code == 201, answer.data
    user = User.objects.get()
    assert (user.username, user.email) == ("AdaLovelace", "ada@example.com")
    assert UserSocialAuth.objects.get().uid == openid2.identity
    assert openid2.requests == ["check_authentication"]


def test_a_begin_writes_nothing_and_a_completion_its_claim(
    name: str, frontend: Frontend, openid2: OpenID2Provider, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        begun = begin(frontend, name)
    frontend.complete(begun, openid2.authorize(begun.data["authorization_url"]), name)

    assert not Association.objects.exists()
    assert Nonce.objects.count() == 1


def test_the_realm_is_the_pages_origin(
    name: str, frontend: Frontend, openid2: OpenID2Provider, settings: Any
) -> None:
    def realm() -> str:
        url = begin(frontend, name).data["authorization_url"]
        return parse_qs(urlsplit(url).query)["openid.realm"][0]

    assert realm() == "https://app.example.com/"
    settings.SOCIAL_AUTH_OPENID_TRUST_ROOT = "https://*.example.com/"
    assert realm() == "https://*.example.com/"


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com/cb?next=%2Fa%26b&x=1+2/",
        "https://app.example.com/cb?empty=&provider=openid",
    ],
)
def test_the_redirect_uri_stays_as_it_is(
    uri: str, name: str, frontend: Frontend, openid2: OpenID2Provider, configure: Configure
) -> None:
    configure(ALLOWED_REDIRECT_URIS=[uri])
    begun = frontend.begin(name, redirect_uri=uri, openid_identifier="https://openid.example.com/")
    url = begun.data["authorization_url"]
    return_to = parse_qs(urlsplit(url).query)["openid.return_to"][0]
    # The page posts all that stands in its URL.
    callback = dict(parse_qsl(urlsplit(uri).query, keep_blank_values=True))

    answer = frontend.complete(begun, {**callback, **openid2.authorize(url)}, name)

    assert return_to.startswith(f"{uri}&redirect_state=")
    assert answer.status_code == 201, answer.data


def test_what_the_page_posts_besides_does_not_reach_the_backend(
    name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    begun = begin(frontend, name)
    callback = openid2.authorize(begun.data["authorization_url"])
    stray = {"provider": "openid", "redirect_uri": REDIRECT_URI, "withCredentials": True}

    assert frontend.complete(begun, {**callback, **stray}, name).status_code == 201


def test_the_user_declines(name: str, frontend: Frontend, openid2: OpenID2Provider) -> None:
    begun = begin(frontend, name)
    callback = openid2.authorize(begun.data["authorization_url"], allow=False)

    answer = frontend.complete(begun, callback, name)

    assert (answer.status_code, answer.data["error_code"]) == (400, "authorization_declined")
    assert answer.data["error_recovery"] == "none"


def test_the_provider_wants_to_see_the_user(
    name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    begun = begin(frontend, name)
    state = openid2.authorize(begun.data["authorization_url"])["redirect_state"]
    callback = {"openid.ns": "http://specs.openid.net/auth/2.0", "openid.mode": "setup_needed"}
    callback["redirect_state"] = state

    answer = frontend.complete(begun, callback, name)

    assert answer.data["error_code"] == "reauthentication_required"
    assert answer.data["error_recovery"] == "reauthenticate"


@pytest.mark.parametrize(
    "change",
    [
        {"openid.sig": "forged"},
        {"openid.mode": "forged"},
        {"openid.identity": "https://openid.example.com/eve"},
        {"openid.op_endpoint": "https://evil.example.com/server"},
        {"openid.claimed_id": "https://evil.example.com/ada"},
        {"openid.return_to": "https://evil.example.com/"},
        {"openid.return_to": "https://["},
        {"openid.signed": "mode"},
        {"redirect_state": "other"},
        {"janrain_nonce": "other"},
    ],
    ids=str,
)
def test_an_assertion_that_was_changed(
    change: dict[str, str],
    name: str,
    frontend: Frontend,
    openid2: OpenID2Provider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    begun = begin(frontend, name)
    callback = openid2.authorize(begun.data["authorization_url"])

    answer = frontend.complete(begun, {**callback, **change}, name)

    assert answer.status_code == 400
    assert set(answer.data) >= {"error_code", "error_recovery"}
    assert not User.objects.exists()
    assert callback["openid.sig"] not in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        {"openid.ns": None},
        {"openid.ns": ""},
        {"openid.ns": "x"},
        {"openid.ns.x": "http://specs.openid.net/auth/2.0"},
    ],
    ids=str,
)
def test_a_message_that_is_none(
    change: dict[str, str | None], name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    begun = begin(frontend, name)
    callback = {**openid2.authorize(begun.data["authorization_url"]), **change}
    posted = {field: text for field, text in callback.items() if text is not None}

    answer = frontend.complete(begun, posted, name)

    assert (answer.status_code, answer.data["error_code"]) == (400, "malformed_response")


@pytest.mark.parametrize("field", ["openid.claimed_id", "openid.identity"])
@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://openid.example.com:8080/",
        "http://openid.example.com@evil.example.com/",
        "http://notopenid.example.com/",
        "https://169.254.169.254/",
        "https://internal/",
        "https://other.example.com:8443/",
        "http://[",
    ],
)
def test_nothing_is_fetched_from_where_a_callback_says(
    url: str,
    field: str,
    frontend: Frontend,
    openid2: OpenID2Provider,
    wire: responses.RequestsMock,
) -> None:
    begun = frontend.begin("fixed")
    callback = openid2.authorize(begun.data["authorization_url"])
    before = len(wire.calls)

    answer = frontend.complete(begun, {**callback, field: url}, "fixed")

    assert (answer.status_code, answer.data["error_code"]) == (400, "invalid_claim")
    assert len(wire.calls) == before


@pytest.mark.parametrize("host", ["https://ada.openid.example.com", "https://ada.example.org"])
def test_a_fixed_provider_may_vouch_for_other_names(
    host: str, frontend: Frontend, openid2: OpenID2Provider, wire: responses.RequestsMock
) -> None:
    begun = frontend.begin("fixed")
    openid2.identity = f"{host}/"
    document = wire.registered()[1].body
    wire.get(openid2.identity, body=document, content_type="application/xrds+xml")

    answer = frontend.complete(begun, openid2.authorize(begun.data["authorization_url"]), "fixed")

    assert answer.status_code == 201, answer.data
    assert UserSocialAuth.objects.get().uid == openid2.identity


@pytest.mark.parametrize("identifier", ["http://[", "http://a b/"])
def test_an_identifier_that_cannot_be_parsed(identifier: str, frontend: Frontend) -> None:
    answer = begin(frontend, "openid", identifier)

    assert (answer.status_code, answer.data["error_code"]) == (400, "invalid_parameter")
    assert "openid_identifier" in answer.data


def test_an_endpoint_that_is_no_web_address(
    frontend: Frontend, openid2: OpenID2Provider, wire: responses.RequestsMock
) -> None:
    url, content_type = "https://openid.example.com/", "application/xrds+xml"
    body = wire.registered()[0].body.replace(openid2.endpoint, "javascript:alert(1)")
    wire.replace("GET", url, body=body, content_type=content_type)

    answer = begin(frontend, "openid")

    assert (answer.status_code, answer.data["error_code"]) == (400, "malformed_response")


def test_an_assertion_of_another_provider(
    name: str, frontend: Frontend, openid2: OpenID2Provider, wire: responses.RequestsMock
) -> None:
    other = OpenID2Provider(wire, "https://evil.example.com")
    begun = begin(frontend, name)
    url = begun.data["authorization_url"].replace("openid.example.com", "evil.example.com")

    answer = frontend.complete(begun, other.authorize(url), name)

    assert answer.status_code == 400
    assert not User.objects.exists()


def test_an_assertion_of_another_login(
    name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    first, second = begin(frontend, name), begin(frontend, name)
    callback = openid2.authorize(first.data["authorization_url"])
    own = openid2.authorize(second.data["authorization_url"])
    state = {"redirect_state": own["redirect_state"]}

    answer = frontend.complete(second, {**callback, **state}, name)

    assert answer.status_code == 400
    assert not User.objects.exists()


def test_a_return_url_that_is_none_and_no_state(
    name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    begun = begin(frontend, name)
    callback = openid2.authorize(begun.data["authorization_url"])
    del callback["redirect_state"]

    answer = frontend.complete(begun, {**callback, "openid.return_to": "https://["}, name)

    assert (answer.status_code, answer.data["error_code"]) == (400, "state_mismatch")


@pytest.mark.parametrize("missing", ["openid.mode", "openid.return_to", "redirect_state"])
def test_a_callback_that_lacks_something(
    missing: str, name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    begun = begin(frontend, name)
    callback = openid2.authorize(begun.data["authorization_url"])
    del callback[missing]

    answer = frontend.complete(begun, callback, name)

    assert answer.status_code == 400
    if missing == "openid.mode":
        assert answer.data == {"openid.mode": ["This field is required."]}


def test_the_state_alone_in_return_to_finds_the_flow(
    name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    begun, newer = begin(frontend, name), begin(frontend, name)
    callback = openid2.authorize(begun.data["authorization_url"])
    del callback["redirect_state"]

    answer = frontend.complete(begun, callback, name)

    # It is the right login, and what it was asked to bring is missing.
    assert answer.data["error_code"] == "malformed_response"
    later = openid2.authorize(newer.data["authorization_url"])
    assert frontend.complete(newer, later, name).status_code == 201


def test_without_a_flow(openid2: OpenID2Provider) -> None:
    callback = {"openid.mode": "id_res", "openid.op_endpoint": openid2.endpoint}

    answer = Frontend("body").post(callback, "openid")

    assert (answer.status_code, answer.data["error_code"]) == (400, "session_context_missing")
    assert openid2.requests == []


def test_the_identifier_is_missing(frontend: Frontend) -> None:
    answer = frontend.begin("openid")

    assert (answer.status_code, answer.data["error_code"]) == (400, "missing_parameter")
    assert "openid_identifier" in answer.data


@pytest.mark.parametrize(
    ("status", "code", "recovery"),
    [
        (500, "unavailable", "retry_later"),
        (429, "rate_limited", "retry_later"),
        (404, "invalid_parameter", "correct_input"),
        (200, "invalid_parameter", "correct_input"),
    ],
)
def test_what_the_user_names_is_no_provider(
    status: int, code: str, recovery: str, frontend: Frontend, wire: responses.RequestsMock
) -> None:
    wire.get("https://nobody.example.com/", status=status, body="<html></html>")

    answer = begin(frontend, "openid", "https://nobody.example.com/")

    assert answer.status_code == 400
    assert (answer.data["error_code"], answer.data["error_recovery"]) == (code, recovery)


def test_a_fixed_provider_that_is_none(frontend: Frontend, wire: responses.RequestsMock) -> None:
    wire.get("https://openid.example.com/", status=404)

    assert frontend.begin("fixed").data["error_code"] == "http_error"


@pytest.mark.parametrize(
    "endpoint", ["http://openid.example.com/server", "", "https://user@openid.example.com/"]
)
def test_a_fixed_provider_whose_discovery_names_another_kind_of_endpoint(
    endpoint: str, frontend: Frontend, wire: responses.RequestsMock
) -> None:
    OpenID2Provider(wire)
    body = wire.registered()[0].body.replace("https://openid.example.com/server", endpoint)
    wire.replace(
        "GET", "https://openid.example.com/", body=body, content_type="application/xrds+xml"
    )

    assert frontend.begin("fixed").status_code == 400


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (requests.ConnectTimeout(), "timeout"),
        (requests.ConnectionError(), "connection_failed"),
        (requests.exceptions.SSLError(), "tls_error"),
    ],
)
def test_the_provider_cannot_be_reached(
    failure: Exception,
    code: str,
    name: str,
    frontend: Frontend,
    openid2: OpenID2Provider,
    wire: responses.RequestsMock,
) -> None:
    begun = begin(frontend, name)
    callback = openid2.authorize(begun.data["authorization_url"])
    wire.replace("POST", openid2.endpoint, body=failure)
    wire.replace("GET", "https://openid.example.com/", body=failure)

    at_completion = frontend.complete(begun, callback, name)
    at_begin = begin(frontend, name)

    assert (at_completion.status_code, at_completion.data["error_code"]) == (400, code)
    assert (at_begin.status_code, at_begin.data["error_code"]) == (400, code)


def test_an_answer_that_is_too_large(
    name: str, frontend: Frontend, wire: responses.RequestsMock
) -> None:
    wire.get("https://openid.example.com/", body=b"x" * 1_100_000)

    assert begin(frontend, name).data["error_code"] == "connection_failed"


class Slow(BaseRequestHandler):
    """A server that sends a byte at a time, or without an end."""

    def handle(self) -> None:
        path = self.request.recv(1_000).split()[1].decode()
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n"
        if path.startswith("/redirect"):
            head = head.replace(b"200 OK", b"302 Found") + b"Location: /nothing\r\n"
        drips = [b"X: y\r\n"] * 100 if path == "/head" else []
        body = [b"x"] * 100 if path.endswith("drip") else [b"x" * 100_000] * 3_000
        with suppress(OSError):  # The client has gone away.
            for piece in (head, *drips, b"\r\n", *body):
                self.request.sendall(piece)
                time.sleep(0.1 if len(piece) < 10 else 0)


@pytest.fixture
def slow() -> Iterator[str]:
    """Return the URL of a slow server that really listens."""
    with ThreadingTCPServer(("127.0.0.1", 0), Slow) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/head", "timeout"),
        ("/drip", "timeout"),
        ("/endless", "connection_failed"),
        ("/redirect-drip", "connection_failed"),
        ("/redirect-endless", "connection_failed"),
    ],
)
def test_a_server_that_holds_on(path: str, code: str, slow: str, settings: Any) -> None:
    settings.SOCIAL_AUTH_REQUESTS_TIMEOUT = 1.5

    answer = begin(Frontend("body"), "openid", slow + path)

    # It would send for ten seconds, and then end otherwise: what is no timeout here was over
    # before the limit, and what is one was ended by it.
    assert (answer.status_code, answer.data["error_code"]) == (400, code)


def test_a_server_that_holds_on_for_longer_than_a_login_may_take(
    slow: str, settings: Any, configure: Configure
) -> None:
    settings.SOCIAL_AUTH_REQUESTS_TIMEOUT = 20
    configure(LOGIN_TIMEOUT=0.5)

    answer = begin(Frontend("body"), "openid", f"{slow}/drip")

    # As above: after its ten seconds it would be something else.
    assert (answer.status_code, answer.data["error_code"]) == (400, "timeout")


def test_a_connection_that_is_there_too_late(slow: str) -> None:
    """A server can take its time to answer the call, and the limit ends meanwhile."""
    with closing(BoundedAdapter(0)) as deadline, WithoutRedirects() as session:
        session.mount("http://", deadline)
        time.sleep(0.2)

        with pytest.raises(requests.ConnectionError):
            session.get(f"{slow}/drip", stream=True, timeout=5)


def test_redirects_without_an_end(
    name: str, frontend: Frontend, wire: responses.RequestsMock
) -> None:
    url = "https://openid.example.com/"
    wire.get(url, status=302, headers={"Location": url})

    assert begin(frontend, name).data["error_code"] == "connection_failed"
    assert len(wire.calls) == 6


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://example.com/", "http://["])
def test_redirects_to_what_is_no_web(
    location: str, name: str, frontend: Frontend, wire: responses.RequestsMock
) -> None:
    wire.get("https://openid.example.com/", status=302, headers={"Location": location})

    assert begin(frontend, name).data["error_code"] == "connection_failed"


def test_an_encoding_that_nobody_knows(
    name: str, frontend: Frontend, wire: responses.RequestsMock
) -> None:
    url, content_type = "https://openid.example.com/", "text/html; charset=nobody"
    wire.get(url, body=b"<html>", content_type=content_type)

    assert begin(frontend, name).data["error_code"] == "connection_failed"


def test_nothing_that_was_sent_is_logged(
    name: str, frontend: Frontend, openid2: OpenID2Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    begun = begin(frontend, name)
    callback = openid2.authorize(begun.data["authorization_url"])

    frontend.complete(begun, {**callback, "openid.assoc_handle": ""}, name)

    text = "".join(record.getMessage() for record in caplog.records)
    assert callback["openid.sig"] not in text
    assert "ada@example.com" not in text
    logging.getLogger("openid.consumer.consumer").error("of somebody else")
    assert "of somebody else" in caplog.text


class Counting(fetchers.HTTPFetcher):
    """A fetcher of the project's own."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    def fetch(self, url: str, body: Any = None, headers: Any = None) -> Any:
        self.urls.append(url)
        raise OSError(url)


@pytest.fixture
def fetcher() -> Iterator[Counting]:
    before = fetchers.getDefaultFetcher()
    counting = Counting()
    fetchers.setDefaultFetcher(counting)
    yield counting
    fetchers.setDefaultFetcher(before, wrap_exceptions=False)


def test_a_fetcher_of_the_projects_own_is_used(
    name: str, frontend: Frontend, fetcher: Counting
) -> None:
    answer = begin(frontend, name)

    assert answer.data["error_code"] == "connection_failed"
    assert fetcher.urls == ["https://openid.example.com/"]


def test_what_else_fetches_in_the_process_does_so_as_before(
    name: str, frontend: Frontend, openid2: OpenID2Provider
) -> None:
    begin(frontend, name)

    # Not over the faked wire, which knows this URL.
    with pytest.raises(fetchers.HTTPFetchingError):
        fetchers.fetch("https://openid.example.com/")


def test_livejournal_asks_for_the_users_name(
    frontend: Frontend, wire: responses.RequestsMock
) -> None:
    endpoint = "https://www.livejournal.com/openid/server.bml"
    OpenID2Provider(wire)
    body = wire.registered()[1].body.replace("https://openid.example.com/server", endpoint)
    wire.get("https://ada.livejournal.com/", body=body, content_type="application/xrds+xml")

    begun = frontend.begin("livejournal", openid_lj_user="ada")
    refused = frontend.begin("livejournal", openid_identifier="https://openid.example.com/")

    assert begun.data["authorization_url"].startswith(endpoint), begun.data
    assert "openid_lj_user" in refused.data


def test_a_flow_of_a_provider_with_many_services_stays_small(
    wire: responses.RequestsMock,
) -> None:
    OpenID2Provider(wire)
    body = wire.registered()[0].body
    service = body[body.index("<Service") : body.index("</XRD>")]
    many = body.replace(service, service * 50)
    wire.replace(
        "GET", "https://openid.example.com/", body=many, content_type="application/xrds+xml"
    )

    begun = begin(Frontend("body"), "openid")

    assert len(begun.data["flow"]) < 900
