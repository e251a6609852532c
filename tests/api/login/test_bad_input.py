"""What no frontend and no provider should send: a clear 4xx, and nothing half written."""

from __future__ import annotations

import json
import logging
from io import BytesIO
from typing import Any

import pytest
import requests
import responses
from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token
from social_core.backends.github import GithubOAuth2
from social_core.exceptions import AuthException
from social_django.models import UserSocialAuth

from tests.support.frontend import Frontend
from tests.support.openid_provider import ISSUER, OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()
NESTED = 20_000


@pytest.fixture(autouse=True)
def nothing_is_written() -> Any:
    """Hold each test of this module to it: no user, no association, no token."""
    yield
    assert not User.objects.exists()
    assert not UserSocialAuth.objects.exists()
    assert not Token.objects.exists()


@pytest.mark.parametrize("value", [["text"], {"a": "text"}, 5, 5.5, None, True])
@pytest.mark.parametrize("name", ["code", "state", "flow", "partial_token"])
def test_wrong_types(name: str, value: Any, frontend: Frontend) -> None:
    answer = frontend.post({"code": "c", "state": "s", name: value})

    assert answer.status_code == 400
    assert list(answer.data) == [name]


@pytest.mark.parametrize("name", ["code", "state", "flow", "partial_token", "anything"])
@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_characters_that_no_database_takes(name: str, text: str, frontend: Frontend) -> None:
    body = json.dumps({"code": "c", "state": "s", name: text})

    answer = frontend.post(body, content_type="application/json", format=None)

    assert answer.status_code == 400
    assert list(answer.data) == [name]
    assert answer.content


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_names_that_cannot_be_answered(name: str, frontend: Frontend) -> None:
    body = json.dumps({"code": "c", "state": "s", name: "text"})

    answer = frontend.post(body, content_type="application/json", format=None)

    assert answer.status_code == 400
    assert list(answer.data) == ["non_field_errors"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"5",
        b"\xff\xfe",
        b'{"code": "\xff"}',
        b'{"code": NaN,}',
        b"[" * NESTED + b"]" * NESTED,
        b'{"code": ' + b"[" * NESTED + b"]" * NESTED + b"}",
        b'{"code": ' + b"9" * 5_000 + b"}",
        b'{"anything": ' + b"9" * 5_000 + b"}",
        b"",
        b"{}",
    ],
    ids=lambda body: str(body[:20]),
)
def test_bodies_that_are_no_parameters(body: bytes, frontend: Frontend) -> None:
    answer = frontend.post(body, content_type="application/json", format=None)

    assert answer.status_code == 400
    assert answer.data


@pytest.mark.parametrize("length", [1_000_001, 5_000_000])
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"],
)
def test_large_bodies(length: int, content_type: str, frontend: Frontend) -> None:
    body = {
        "application/json": b'{"code": "' + b"a" * length + b'"}',
        "application/x-www-form-urlencoded": b"code=" + b"a" * length,
    }.get(content_type)
    if body is None:
        body = b'--b\r\nContent-Disposition: form-data; name="code"\r\n\r\n'
        body += b"a" * length + b"\r\n--b--\r\n"

    answer = frontend.post(body, content_type=content_type, format=None)

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"--", "multipart/form-data"),
        (b"--", "multipart/form-data; boundary=b"),
        ("&".join(f"a{n}=1" for n in range(2_000)).encode(), "application/x-www-form-urlencoded"),
        (b"code=%ff&state=%ff", "application/x-www-form-urlencoded; charset=utf-8"),
        (b"code=c&state=s", "application/x-www-form-urlencoded; charset=unknown"),
        (b"code=c&state=s", "text/plain"),
    ],
)
def test_forms_that_are_none(body: bytes, content_type: str, frontend: Frontend) -> None:
    answer = frontend.post(body, content_type=content_type, format=None)

    assert 400 <= answer.status_code < 500
    assert answer.data


def test_a_file_is_no_text(frontend: Frontend) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="code"; filename="f"\r\n\r\n'
        b"content\r\n--b--\r\n"
    )

    answer = frontend.post(body, content_type="multipart/form-data; boundary=b", format=None)

    assert answer.status_code == 400
    assert "code" in answer.data


@pytest.mark.parametrize("missing", ["code", "state"])
@pytest.mark.parametrize("blank", [True, False])
def test_missing_parameters(
    missing: str, blank: bool, frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    del callback[missing]
    if blank:
        callback[missing] = ""

    answer = frontend.complete(begun, callback)

    assert (answer.status_code, answer.data) == (400, {missing: ["This field is required."]})
    assert openid.requests == ["/.well-known/openid-configuration"]


@pytest.mark.parametrize("flow", ["text", "gAAAAA", "ä", "\u2028", "=" * 500, "a" * 100_000])
def test_flows_that_are_none(flow: str, openid: OpenIDProvider) -> None:
    for frontend in (Frontend("body"), Frontend("cookie")):
        frontend.client.cookies["__Host-auth_flow_x"] = "text"
        answer = frontend.post({"code": "c", "state": "s", "flow": flow})
        assert answer.status_code == 400
        assert answer.data["error_code"] == "session_context_missing"
        assert "contains no flow" not in answer.data["non_field_errors"][0]


ANSWERS: dict[str, dict[str, Any]] = {
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
RETRY = {"500", "503", "429", "a refused connection", "a broken stream", "silence"}


# Not broken: the ID token says who it is, and requests guesses the encoding.
FINE = {("GET /userinfo", "an empty object"), ("GET /userinfo", "invalid UTF-8")}


@pytest.mark.parametrize(
    ("endpoint", "answer"),
    [
        (endpoint, answer)
        for endpoint in ("POST /token", "GET /userinfo", "GET /jwks")
        for answer in ANSWERS
        if (endpoint, answer) not in FINE
    ],
)
def test_broken_answers_at_completion(
    endpoint: str,
    answer: str,
    frontend: Frontend,
    openid: OpenIDProvider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    method, path = endpoint.split()
    openid.wire.remove(method, ISSUER + path)
    _add(openid.wire, method, ISSUER + path, answer)

    refused = frontend.complete(begun, callback)

    assert refused.status_code == 400
    assert set(refused.data) == {
        "non_field_errors",
        "error_code",
        "error_source",
        "error_stage",
        "error_recovery",
    }
    assert (refused.data["error_recovery"] == "retry_later") == (answer in RETRY)
    retry_after = ANSWERS[answer].get("headers", {}).get("Retry-After")
    assert refused.headers.get("Retry-After") == retry_after
    for secret in ("s3cret", callback["code"], callback["state"], ISSUER):
        assert secret not in refused.content.decode()
        assert secret not in caplog.text


@pytest.mark.parametrize("answer", ANSWERS)
def test_broken_answers_at_begin(answer: str, frontend: Frontend, openid: OpenIDProvider) -> None:
    path = "/.well-known/openid-configuration"
    openid.wire.remove("GET", ISSUER + path)
    _add(openid.wire, "GET", ISSUER + path, answer)

    refused = frontend.begin()

    assert refused.status_code == 400
    assert refused.data["error_stage"] == "begin"
    assert (refused.data["error_recovery"] == "retry_later") == (answer in RETRY)
    assert not refused.cookies


def _add(wire: responses.RequestsMock, method: str, url: str, answer: str) -> None:
    arguments = dict(ANSWERS[answer])
    if arguments.get("headers", {}).get("Location"):
        arguments["headers"] = {"Location": url}
        wire.add("GET", url, **arguments)
    wire.add(method, url, **arguments)


@pytest.mark.parametrize(
    "header", ["soon", "-1", "1" * 40, "<script>", "Wed, 21 Oct 2015 07:28:00 GMT"]
)
def test_only_a_valid_retry_after_is_handed_on(
    header: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    path = "/.well-known/openid-configuration"
    openid.wire.remove("GET", ISSUER + path)
    openid.wire.add("GET", ISSUER + path, status=503, headers={"Retry-After": header})

    refused = frontend.begin()

    assert refused.headers.get("Retry-After") == (header if "GMT" in header else None)


@pytest.mark.parametrize(
    "change",
    [
        {"sub": "user\0"},
        {"sub": "x", "deep": [{"list": ["a\0"]}]},
        {"email": "ada\0@example.com"},
        {"given_name": "Ada\0"},
        {"other": {"a\0": 1}},
    ],
)
def test_null_characters_in_what_the_provider_says(
    change: dict[str, Any], frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.userinfo |= change
    openid.claims["sub"] = openid.userinfo["sub"]

    assert frontend.log_in(openid).status_code == 400


@pytest.mark.parametrize("change", [{"sub": None}, {"sub": ""}, {"sub": "somebody-else"}])
def test_a_profile_of_nobody_or_of_somebody_else(
    change: dict[str, Any], frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.userinfo |= change
    openid.claims["sub"] = "" if not change["sub"] else "user-1"

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
)
def test_id_tokens_that_are_not_for_this_login(
    claims: dict[str, Any], frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.claims |= claims

    answer = frontend.log_in(openid)

    assert answer.status_code == 400
    assert answer.data["error_stage"] == "token_validation"


class Talkative(GithubOAuth2):
    """A backend whose exceptions quote what they were raised over."""

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            raise KeyError(access_token)
        except KeyError as error:
            raise TypeError(f"no {access_token} in {self.data} of {kwargs}") from error


def test_no_secret_in_a_log(
    frontend: Frontend,
    wire: responses.RequestsMock,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.login.test_bad_input.Talkative"]
    wire.post(
        "https://github.com/login/oauth/access_token", json={"access_token": "the-access-token"}
    )
    begun = frontend.begin("github")
    state = begun.data["authorization_url"].split("state=")[1].split("&")[0]

    with caplog.at_level(logging.DEBUG):
        answer = frontend.complete(begun, {"code": "the-code", "state": state}, "github")

    assert answer.status_code == 400
    assert answer.data["error_code"] == "unknown_error"
    assert "in user_data" in caplog.text
    assert "TypeError" in caplog.text
    assert "KeyError" in caplog.text
    secrets = ["the-access-token", "the-code", state, "our-github-secret"]
    if frontend.transport == "body":
        secrets.append(begun.data["flow"])
    for secret in secrets:
        assert secret not in caplog.text
        assert secret not in answer.content.decode()


def test_a_missing_key_is_the_projects_mistake(
    frontend: Frontend, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SOCIAL_AUTH_GITHUB_KEY = None

    answer = frontend.begin("github")

    assert answer.status_code == 500
    assert answer.data["error_code"] == "missing_setting"
    assert answer.data["error_source"] == "configuration"
    assert "missing_setting KEY" in caplog.text


@pytest.mark.parametrize("lifetime", ["soon", 0, -1, True, 1.5])
def test_a_lifetime_that_is_none(lifetime: Any, frontend: Frontend, settings: Any) -> None:
    settings.SOCIAL_AUTH_GITHUB_STATE_LIFETIME = lifetime

    answer = frontend.begin("github")

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")


def test_what_is_stored_must_fit_into_a_flow(frontend: Frontend, settings: Any) -> None:
    settings.SOCIAL_AUTH_FIELDS_STORED_IN_SESSION = ["note"]
    note = "".join(chr(0x4E00 + n) for n in range(1_500))

    answer = frontend.begin("github", note=note)

    assert (answer.status_code, answer.data["error_code"]) == (400, "invalid_parameter")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("charset", ["idna", "utf-7", "utf-16"])
def test_a_charset_does_not_redefine_the_query(
    method: str, charset: str, frontend: Frontend
) -> None:
    answer = getattr(frontend.client, method)(
        "/auth/o/github/?code=a&redirect_uri=b",
        content_type=f"application/json; charset={charset}",
        secure=True,
    )

    assert answer.status_code == 400


class GoneAway(BytesIO):
    """The body of a client that goes away while it sends."""

    def read(self, *args: Any) -> bytes:
        raise OSError


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"],
)
@pytest.mark.parametrize("said", ["100", "99999999999999999999"])
def test_a_body_that_does_not_arrive(content_type: str, said: str, frontend: Frontend) -> None:
    body = GoneAway() if said == "100" else BytesIO(b"{")

    answer = frontend.client.post(
        "/auth/o/github/",
        secure=True,
        **{"wsgi.input": body, "CONTENT_LENGTH": said, "CONTENT_TYPE": content_type},
    )

    assert answer.status_code == 400


@pytest.mark.parametrize("method", ["get", "post"])
def test_too_many_parameters_in_the_query(method: str, frontend: Frontend) -> None:
    query = "&".join(f"a{number}=1" for number in range(2_000))

    answer = getattr(frontend.client, method)(f"/auth/o/github/?{query}", secure=True)

    assert (answer.status_code, set(answer.data)) == (400, {"detail"})
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "nonsense"])
def test_every_answer_is_json(accept: str, frontend: Frontend) -> None:
    answer = frontend.client.get(
        "/auth/o/github/?format=html", headers={"Accept": accept}, secure=True
    )

    assert (answer.status_code, list(answer.data)) == (400, ["redirect_uri"])
    assert answer.headers["Content-Type"] == "application/json"


class Unfinished(AuthException):
    """An exception of a project's that does not call core's."""

    def __init__(self, backend: Any) -> None:
        self.email = "s3cret"


class Unfit(AuthException):
    """An exception of a project's whose metadata nobody can send."""

    def public_metadata(self) -> dict[str, str]:
        return {"error_code": {1, 2}}  # type: ignore[dict-item]  # that is the point


class Raising(GithubOAuth2):
    """A backend that raises what it is told to."""

    error: type[AuthException]

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        raise self.error(self)


@pytest.mark.parametrize("error", [Unfinished, Unfit])
def test_errors_that_break_what_core_promises(
    error: type[AuthException],
    frontend: Frontend,
    wire: responses.RequestsMock,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.login.test_bad_input.Raising"]
    Raising.error = error
    wire.post("https://github.com/login/oauth/access_token", json={"access_token": "token"})
    begun = frontend.begin("github")
    state = begun.data["authorization_url"].split("state=")[1].split("&")[0]

    answer = frontend.complete(begun, {"code": "code", "state": state}, "github")

    assert (answer.status_code, answer.data["error_code"]) == (400, "unknown_error")
    assert error.__name__ in caplog.text
    assert "s3cret" not in caplog.text


def test_a_missing_app_is_a_500_before_anyone_goes_to_the_provider(
    frontend: Frontend, settings: Any
) -> None:
    settings.INSTALLED_APPS = [
        app for app in settings.INSTALLED_APPS if app != "rest_framework.authtoken"
    ]

    answer = frontend.begin("github")

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")


BAD_URLS = ["javascript:alert(1)", "/path", "nonsense", "", "https://", "http://[", "ftp://a/b"]


@pytest.mark.parametrize("url", BAD_URLS)
@pytest.mark.parametrize("name", ["token_endpoint", "userinfo_endpoint", "jwks_uri"])
def test_endpoints_of_a_provider_that_are_none(
    name: str, url: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.endpoints = {name: url}

    answer = frontend.log_in(openid)

    assert answer.status_code == 400
    assert answer.data["error_code"] in {"malformed_response", "missing_claim"}


@pytest.mark.parametrize("url", BAD_URLS)
def test_an_authorization_endpoint_that_is_none(
    url: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.endpoints = {"authorization_endpoint": url}

    answer = frontend.begin()

    assert answer.status_code == 400
    assert "authorization_url" not in answer.data


@pytest.mark.parametrize("location", ["ftp://a/b", "javascript:alert(1)", "http://[", "https://"])
def test_redirects_of_a_provider_to_nowhere(
    location: str, frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    openid.wire.remove("GET", f"{ISSUER}/userinfo")
    openid.wire.add("GET", f"{ISSUER}/userinfo", status=302, headers={"Location": location})

    answer = frontend.complete(begun, callback)

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("error", "level"),
    [
        ("invalid_client", "ERROR"),
        ("unauthorized_client", "ERROR"),
        ("invalid_request", "WARNING"),
        ("invalid_grant", "INFO"),
    ],
)
def test_what_a_token_endpoint_says_of_the_client(
    error: str,
    level: str,
    frontend: Frontend,
    openid: OpenIDProvider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="social_endpoints")
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])
    openid.wire.remove("POST", f"{ISSUER}/token")
    openid.wire.add("POST", f"{ISSUER}/token", status=401, json={"error": error})

    answer = frontend.complete(begun, callback)

    assert answer.status_code == 400
    (record,) = [record for record in caplog.records if record.name == "social_endpoints"]
    assert error in record.getMessage()
    if error != "invalid_request":  # social-core 6 has another code for it.
        assert record.levelname == level
