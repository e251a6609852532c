"""Broken, slow and hostile responses of a provider: a 400, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.contrib.auth import get_user_model

from tests.support.frontend import Frontend, error
from tests.support.openid_provider import ISSUER, OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()
NESTED = 20_000
DISCOVERY = "/.well-known/openid-configuration"

RESPONSES: dict[str, dict[str, Any]] = {
    "HTML": {"body": "<html>Oops</html>", "content_type": "text/html"},
    "nothing": {"body": ""},
    "a list": {"json": []},
    "a string": {"json": "text"},
    "null": {"json": None},
    "an empty object": {"json": {}},
    "a long number": {"body": '{"access_token": ' + "9" * 5_000 + "}"},
    "nested": {"body": "[" * NESTED + "]" * NESTED},
    "invalid UTF-8": {"body": b'{"access_token": "\xff"}'},
    "500": {"status": 500, "body": "error"},
    "503": {"status": 503, "headers": {"Retry-After": "120"}},
    "429": {"status": 429, "headers": {"Retry-After": "60"}},
    "400": {"status": 400, "json": {"error": "invalid_grant", "error_description": "s3cret"}},
    "a refused connection": {"body": requests.ConnectionError("s3cret")},
    "silence": {"body": requests.Timeout("s3cret")},
    "broken TLS": {"body": requests.exceptions.SSLError("s3cret")},
    "a broken stream": {"body": requests.exceptions.ChunkedEncodingError("s3cret")},
    "a redirect loop": {"status": 302, "headers": {"Location": "LOOP"}},
}
RETRY_LATER = {"500", "503", "429", "a refused connection", "a broken stream", "silence"}
# The ID token identifies the user, and requests guesses the encoding.
ACCEPTED = {("GET /userinfo", "an empty object"), ("GET /userinfo", "invalid UTF-8")}


def respond(openid: OpenIDProvider, method: str, path: str, response: str) -> None:
    """Let an endpoint of the provider answer with one of RESPONSES."""
    url, arguments = ISSUER + path, dict(RESPONSES[response])
    openid.wire.remove(method, url)
    if response == "a redirect loop":
        arguments["headers"] = {"Location": url}
        openid.wire.add("GET", url, **arguments)
    openid.wire.add(method, url, **arguments)


@pytest.fixture
def frontend() -> Frontend:
    """Return a frontend; its transport makes no difference to the provider's responses."""
    return Frontend()


@pytest.fixture(autouse=True)
def nothing_is_written() -> Iterator[None]:
    yield
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("endpoint", "response"),
    [
        (endpoint, response)
        for endpoint in ("POST /token", "GET /userinfo", "GET /jwks")
        for response in RESPONSES
        if (endpoint, response) not in ACCEPTED
    ],
)
def test_broken_response_at_completion_is_a_400_without_secrets(
    endpoint: str,
    response: str,
    frontend: Frontend,
    openid: OpenIDProvider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun, callback = frontend.authorize(openid)
    respond(openid, *endpoint.split(), response)

    rejected = frontend.complete(begun, callback)

    assert rejected.status_code == 400
    assert set(rejected.data) == {
        "non_field_errors",
        "error_code",
        "error_source",
        "error_stage",
        "error_recovery",
        "error_id",
    }
    assert (rejected.data["error_recovery"] == "retry_later") == (response in RETRY_LATER)
    retry_after = RESPONSES[response].get("headers", {}).get("Retry-After")
    assert rejected.headers.get("Retry-After") == retry_after
    for secret in ("s3cret", callback["code"], callback["state"], ISSUER):
        assert secret not in rejected.content.decode()
        assert secret not in caplog.text


@pytest.mark.parametrize("response", RESPONSES)
def test_broken_discovery_at_begin_is_a_400(
    response: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    respond(openid, "GET", DISCOVERY, response)

    rejected = frontend.begin()

    assert rejected.status_code == 400
    assert rejected.data["error_stage"] == "begin"
    assert (rejected.data["error_recovery"] == "retry_later") == (response in RETRY_LATER)
    assert not rejected.cookies


@pytest.mark.parametrize(
    ("header", "forwarded"),
    [
        ("soon", False),
        ("-1", False),
        ("1" * 40, False),
        ("<script>", False),
        ("Wed, 21 Oct 2015 07:28:00 GMT", True),
    ],
)
def test_retry_after_is_forwarded_if_it_is_valid(
    header: str, forwarded: bool, frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.wire.replace("GET", ISSUER + DISCOVERY, status=503, headers={"Retry-After": header})

    response = frontend.begin()

    assert response.headers.get("Retry-After") == (header if forwarded else None)


@pytest.mark.parametrize(
    ("subject", "userinfo"),
    [
        # A null character in a value that identifies the user.
        ("user\0", {"sub": "user\0"}),
        ("user-1", {"email": "ada\0@example.com"}),
        ("user-1", {"other": 10**400}),
        ("user-1", {"other": json.loads("[" * 30 + "]" * 30)}),
        ("user-1", {"email": ["ada@example.com"]}),
        # A profile without the subject of the ID token.
        ("", {"sub": None}),
        ("", {"sub": ""}),
        ("user-1", {"sub": "somebody-else"}),
    ],
)
def test_invalid_profile_is_rejected(
    subject: str, userinfo: dict[str, Any], frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.claims["sub"] = subject
    openid.userinfo |= userinfo

    assert frontend.log_in(openid).status_code == 400


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another client"},
        {"iss": "https://evil.example.com"},
        {"nonce": "another login"},
        {"exp": 1},
        {"iat": 1},
        {"nbf": 4_000_000_000},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_id_token_that_is_not_for_this_login_is_rejected(
    claims: dict[str, Any], frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.claims |= claims

    response = frontend.log_in(openid)

    assert (response.status_code, response.data["error_stage"]) == (400, "token_validation")


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "/path", "nonsense", "", "https://", "http://[", "ftp://a/b"),
        "https://\ud800/",
    ],
)
@pytest.mark.parametrize(
    "name", ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"]
)
def test_endpoint_that_is_not_http_is_rejected(
    name: str, url: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.endpoints = {name: url}

    status, code = error(frontend.log_in(openid))

    assert status == 400
    assert code in {"malformed_response", "missing_claim"}


def test_client_authentication_of_another_type_is_rejected(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.endpoints = {"token_endpoint_auth_methods_supported": 5}

    assert error(frontend.log_in(openid)) == (400, "malformed_response")


@pytest.mark.parametrize("location", ["ftp://a/b", "javascript:alert(1)", "http://[", "https://"])
def test_redirect_to_an_invalid_url_is_rejected(
    location: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.wire.replace("GET", f"{ISSUER}/userinfo", status=302, headers={"Location": location})

    assert frontend.log_in(openid).status_code == 400


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("invalid_client", "WARNING"),
        ("unauthorized_client", "WARNING"),
        ("invalid_request", "WARNING"),
        ("invalid_grant", "INFO"),
    ],
)
def test_error_of_the_token_endpoint_is_logged_at_the_level_of_its_cause(
    value: str,
    level: str,
    frontend: Frontend,
    openid: OpenIDProvider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="social_endpoints")
    openid.wire.replace("POST", f"{ISSUER}/token", status=401, json={"error": value})

    response = frontend.log_in(openid)

    assert response.status_code == 400
    (record,) = [record for record in caplog.records if record.name == "social_endpoints"]
    assert value in record.getMessage()
    if value != "invalid_request":  # social-core 6 has another code for it.
        assert record.levelname == level
