"""The log: one line for each event, with its values and without secrets."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
import requests
import responses
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import path
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.test import APIClient
from social_django.models import Partial, UserSocialAuth

from social_endpoints.internal.log.events import MAX_VALUE, format_value, log_event
from social_endpoints.testing import FakeProviders, ProviderResponse
from social_endpoints.views import ConnectionListView
from tests.support.account_views import route_account_views
from tests.support.accounts import disconnect, logged_in, user_with
from tests.support.authentication import FIXED, FixedAuthentication
from tests.support.concurrency import THREADS, log_in_together
from tests.support.configuration import Configure
from tests.support.fakes import sign_in
from tests.support.frontend import Frontend
from tests.support.id_token_providers import PROVIDERS
from tests.support.keys import other_key, public
from tests.support.log import logged
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.pipeline import ASK_NAME, BEFORE_CREATE_USER, LAST, pipeline_with
from tests.support.signals import connected
from tests.support.urlconf import urlconf

pytestmark = pytest.mark.django_db
User = get_user_model()
Log = pytest.LogCaptureFixture
HOST = "id.example.com"


@pytest.fixture(autouse=True)
def every_level(caplog: Log) -> None:
    caplog.set_level(logging.DEBUG, "social_endpoints")


def quote_uri(uri: str, **kwargs: Any) -> bool:
    raise LookupError(f"{uri} is unknown.")


def create_dangling_row(**kwargs: Any) -> None:
    """Create a row that the database refuses at the commit."""
    Token.objects.create(user_id=4_711)


def refuse(**kwargs: Any) -> None:
    raise ValidationError({"invitation": ["You need an invitation."]})


# --- Completed and paused ---------------------------------------------------------------


def test_login_is_logged_once(frontend: Frontend, openid: OpenIDProvider, caplog: Log) -> None:
    frontend.log_in(openid)
    frontend.log_in(openid)

    first, second = logged(caplog)
    pk = str(User.objects.get().pk)
    assert first.pop("provider_ms").isdigit()
    expected = {"level": "INFO", "event": "login completed", "provider": "oidc", "via": "redirect"}
    assert first == {**expected, "user": pk, "new_account": "true", "new_connection": "true"}
    assert second.items() >= {**expected, "user": pk, "new_account": "false"}.items()


def test_duration_of_the_requests_to_the_provider_is_logged(
    openid: OpenIDProvider, caplog: Log
) -> None:
    openid.before_userinfo = lambda: time.sleep(0.05)

    Frontend().log_in(openid)

    (line,) = logged(caplog)
    assert 50 <= int(line["provider_ms"]) < 10_000


def test_native_sign_in_is_logged_once(
    wire: responses.RequestsMock, settings: Any, caplog: Log
) -> None:
    oidc = PROVIDERS["oidc"](wire)
    oidc.install(settings)

    oidc.sign_in()

    (line,) = logged(caplog)
    assert (line["event"], line["via"]) == ("login completed", "native")
    assert line["user"] == str(User.objects.get().pk)


def test_connect_and_disconnect_are_logged_once(openid: OpenIDProvider, caplog: Log) -> None:
    user = user_with(("github", "1"))
    client = logged_in(user)
    Frontend(below="connect/", client=client).log_in(openid)
    disconnect(client, UserSocialAuth.objects.get(provider="oidc"))

    connect, ended = logged(caplog)
    expected = {"level": "INFO", "provider": "oidc", "user": str(user.pk)}
    assert connect.items() >= {**expected, "event": "connect completed"}.items()
    assert connect["new_connection"] == "true"
    assert ended.items() >= {**expected, "event": "disconnect completed"}.items()


def test_paused_login_is_logged_once_and_resumed_with_its_user(
    openid: OpenIDProvider, settings: Any, caplog: Log
) -> None:
    frontend = Frontend()
    frontend.log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
    caplog.clear()

    paused = frontend.log_in(openid)
    frontend.resume(paused, name="")
    frontend.resume(paused, name="Ada")

    events = [(line["event"], line["user"]) for line in logged(caplog)]
    pk = str(User.objects.get().pk)
    assert events == [(f"login {event}", pk) for event in ("paused", "refused", "completed")]


def test_handoff_is_logged_once(openid: OpenIDProvider, settings: Any, caplog: Log) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    callback = openid.authorize(Frontend().begin().data["authorization_url"])

    APIClient().post("/auth/o/oidc/callback/", callback, secure=True)

    (line,) = logged(caplog)
    assert (line["event"], line["provider"]) == ("handoff completed", "oidc")


def test_login_that_is_rolled_back_is_not_logged_as_completed(
    openid: OpenIDProvider, caplog: Log
) -> None:
    with connected(refuse, user_logged_in):
        response = Frontend().log_in(openid)

    assert response.status_code == 400
    (line,) = logged(caplog)
    assert line["event"] == "login refused"
    assert "user" not in line
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_logins_that_collide_are_logged_once_each(openid: OpenIDProvider, caplog: Log) -> None:
    responses = log_in_together(openid)

    lines = logged(caplog)
    assert {response.status_code for response in responses} == {201}
    assert [line["event"] for line in lines] == ["login completed"] * THREADS
    assert sorted(line["new_account"] for line in lines) == ["false"] * (THREADS - 1) + ["true"]
    assert {line["user"] for line in lines} == {str(User.objects.get().pk)}


@pytest.mark.django_db(transaction=True)
def test_login_that_fails_at_the_commit_is_logged_once_as_refused(
    openid: OpenIDProvider, settings: Any, caplog: Log
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{__name__}.create_dangling_row"))

    body = Frontend().log_in(openid).data

    (line,) = logged(caplog)
    assert (line["event"], line["error_id"]) == ("login refused", body["error_id"])
    assert "user" not in line


# --- Refused ----------------------------------------------------------------------------


def test_refused_login_has_the_code_and_the_id_of_the_response(
    openid: OpenIDProvider, caplog: Log
) -> None:
    frontend = Frontend()
    begun, callback = frontend.authorize(openid)
    callback["code"] = Frontend().authorize(openid)[1]["code"]

    body = frontend.complete(begun, callback).data

    (line,) = logged(caplog)
    assert (
        line.items()
        >= {
            "level": "INFO",
            "event": "login refused",
            "provider": "oidc",
            "via": "redirect",
            "code": body["error_code"],
            "stage": body["error_stage"],
            "error_id": body["error_id"],
            "status": "400",
            "provider_error": "invalid_grant",
            "host": HOST,
        }.items()
    )


@pytest.mark.parametrize(
    ("value", "logged_value"), [("access_denied", "access_denied"), ("my words", None)]
)
def test_error_in_a_callback_is_logged_if_it_is_standard(
    value: str, logged_value: str | None, openid: OpenIDProvider, caplog: Log
) -> None:
    frontend = Frontend()
    begun, callback = frontend.authorize(openid)

    frontend.complete(begun, {"error": value, "state": callback["state"]})

    (line,) = logged(caplog)
    assert (line["level"], line.get("provider_error")) == ("INFO", logged_value)
    assert "words" not in caplog.text


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com/other",
        'https://evil.example/\r\n2026 login completed user=1 x="y',
        "https://evil.example/" + "a" * 5_000,
        "javascript:alert(1)\x7f\u2028é",
    ],
    ids=["plain", "injection", "long", "control"],
)
def test_redirect_uri_that_is_not_allowed_is_logged_in_one_line(uri: str, caplog: Log) -> None:
    body = Frontend().begin(redirect_uri=uri).data

    (line,) = logged(caplog)
    assert (
        line.items()
        >= {
            "level": "WARNING",
            "event": "login refused",
            "code": body["error_code"],
            "error_id": body["error_id"],
            "redirect_uri": uri if len(uri) < MAX_VALUE else f"{uri[:MAX_VALUE]}...",
        }.items()
    )
    (record,) = [each for each in caplog.records if each.name == "social_endpoints"]
    assert record.getMessage().isprintable()


def test_policy_that_fails_adds_no_line_of_the_client(configure: Configure, caplog: Log) -> None:
    configure(ALLOWED_REDIRECT_URIS=f"{__name__}.quote_uri")

    Frontend().begin(redirect_uri="https://evil.example/\nlogin completed user=1")

    assert [line["event"] for line in logged(caplog)] == ["redirect policy failed", "login refused"]
    assert "LookupError" in caplog.text
    assert "\nlogin completed" not in caplog.text


def test_inactive_user_is_logged_as_a_warning(openid: OpenIDProvider, caplog: Log) -> None:
    frontend = Frontend()
    frontend.log_in(openid)
    User.objects.update(is_active=False)
    caplog.clear()

    frontend.log_in(openid)

    (line,) = logged(caplog)
    expected = {"level": "WARNING", "code": "authentication_disallowed", "cause": "inactive_user"}
    assert line.items() >= {**expected, "user": str(User.objects.get().pk)}.items()


@pytest.mark.parametrize(
    ("cause", "change"),
    [
        ("flow_not_sent", lambda callback, cookies: cookies.clear()),
        ("flow_unknown", lambda callback, cookies: callback.update(state="of another login")),
        ("flow_unknown", lambda callback, cookies: callback.update(flow="of another server")),
    ],
    ids=["no cookie", "another state", "another key"],
)
def test_missing_flow_is_logged_with_its_cause(
    cause: str, change: Callable[..., Any], openid: OpenIDProvider, caplog: Log
) -> None:
    frontend = Frontend()
    begun, callback = frontend.authorize(openid)
    change(callback, frontend.client.cookies)
    if "flow" in callback:
        frontend.client.cookies.clear()

    frontend.complete(begun, callback)

    (line,) = logged(caplog)
    assert (line["code"], line["cause"]) == ("session_context_missing", cause)


def test_late_completion_is_logged_with_its_cause(
    openid: OpenIDProvider, settings: Any, caplog: Log
) -> None:
    frontend = Frontend("body")
    begun, callback = frontend.authorize(openid)
    frontend.complete(begun, callback)
    frontend.complete(begun, callback)
    settings.SOCIAL_AUTH_STATE_LIFETIME = 1
    expiring, late_callback = frontend.authorize(openid)
    time.sleep(2)
    frontend.complete(expiring, late_callback)

    _, used, expired = logged(caplog)
    assert (used["code"], used["cause"]) == ("state_mismatch", "flow_used")
    assert (expired["code"], expired["cause"]) == ("session_context_missing", "flow_expired")


def test_late_callback_of_a_handoff_is_logged_with_its_cause(
    openid: OpenIDProvider, settings: Any, caplog: Log
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    frontend = Frontend()
    begun = frontend.begin()
    callback = openid.authorize(begun.data["authorization_url"])

    frontend.complete(begun, {"code": "an-old-code", "state": callback["state"]})

    (line,) = logged(caplog)
    assert (line["code"], line["cause"]) == ("state_mismatch", "handoff_expired")


def test_paused_login_that_is_gone_is_logged_with_its_cause(
    openid: OpenIDProvider, settings: Any, caplog: Log
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
    frontend = Frontend()
    paused = frontend.log_in(openid)
    Partial.objects.all().delete()

    frontend.resume(paused, name="Ada")

    _, line = logged(caplog)
    assert (line["code"], line["cause"]) == ("session_context_missing", "paused_login_missing")


def test_refusal_of_a_step_is_logged_with_its_fields_and_user(
    openid: OpenIDProvider, settings: Any, caplog: Log
) -> None:
    Frontend().log_in(openid)
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, f"{__name__}.refuse"))
    caplog.clear()

    Frontend().log_in(openid)

    (line,) = logged(caplog)
    expected = {"level": "INFO", "code": "invalid_parameter", "fields": "invitation"}
    assert line.items() >= {**expected, "user": str(User.objects.get().pk)}.items()


@pytest.mark.parametrize(
    ("outage", "values"),
    [
        ({"body": requests.ConnectTimeout()}, {"cause": "timeout"}),
        ({"body": requests.exceptions.SSLError()}, {"cause": "tls"}),
        ({"body": requests.ConnectionError(ConnectionRefusedError())}, {"cause": "refused"}),
        (
            {"body": requests.ConnectionError(ConnectionResetError())},
            {"cause": "connection_failed"},
        ),
        ({"body": requests.exceptions.ProxyError()}, {"cause": "proxy"}),
        ({"body": "x" * 1_000_001}, {"cause": "malformed_response"}),
        ({"status": 503}, {"cause": "http_503"}),
        (
            {"status": 400, "json": {"error": "invalid_client"}},
            {"provider_error": "invalid_client"},
        ),
    ],
    ids=str,
)
def test_failure_of_the_provider_is_logged_as_a_warning(
    outage: Any, values: dict[str, str], openid: OpenIDProvider, caplog: Log
) -> None:
    frontend = Frontend()
    begun, callback = frontend.authorize(openid)
    openid.wire.replace("POST", f"{ISSUER}/token", **outage)

    frontend.complete(begun, callback)

    (line,) = logged(caplog)
    assert line.items() >= {"level": "WARNING", "host": HOST, **values}.items()


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ({"error": error}, {"code": "http_error", "provider_error": error})
        for error in ("incorrect_client_credentials", "redirect_uri_mismatch")
    ]
    + [("<html>", {"code": "malformed_response", "stage": "token_exchange"})],
    ids=str,
)
def test_error_of_the_provider_with_status_200_is_logged_as_a_warning(
    content: Any, values: dict[str, str], social_provider: FakeProviders, caplog: Log
) -> None:
    """GitHub responds in this way if the client secret is wrong."""
    github = social_provider("github")
    github.replace("token", ProviderResponse(content=content))

    sign_in(github, Frontend(), "github")

    (line,) = logged(caplog)
    assert line.items() >= {"level": "WARNING", "status": "400", **values}.items()


@pytest.mark.parametrize(
    ("response", "values"),
    [
        ({"body": "<html>"}, {"code": "malformed_response"}),
        ({"json": {"issuer": "https://other.example.com"}}, {"claim": "issuer"}),
    ],
    ids=str,
)
def test_wrong_discovery_document_is_logged_as_a_warning(
    response: Any, values: dict[str, str], openid: OpenIDProvider, caplog: Log
) -> None:
    openid.wire.replace("GET", f"{ISSUER}/.well-known/openid-configuration", **response)

    Frontend().begin()

    (line,) = logged(caplog)
    assert line.items() >= {"level": "WARNING", "stage": "begin", **values}.items()


def test_login_without_a_place_is_logged_as_a_warning(
    openid: OpenIDProvider, configure: Configure, caplog: Log
) -> None:
    configure(PROVIDER_CONCURRENCY=1)
    frontend, other = Frontend("body"), Frontend("body")
    attempt = other.authorize(openid)
    openid.before_userinfo = lambda: other.complete(*attempt)

    frontend.log_in(openid)

    refused, completed = logged(caplog)
    expected = {"level": "WARNING", "code": "provider_unavailable", "cause": "too_many_waiting"}
    assert refused.items() >= expected.items()
    assert completed["event"] == "login completed"


@pytest.mark.parametrize(
    ("host", "cause"), [("127.0.0.1:9", "refused"), ("nowhere.invalid", "dns")]
)
def test_real_network_error_is_logged_with_its_cause(
    host: str, cause: str, settings: Any, caplog: Log
) -> None:
    settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = f"http://{host}/?secret=1"

    Frontend().begin()

    (line,) = logged(caplog)
    assert line.items() >= {"level": "WARNING", "host": host, "cause": cause}.items()
    assert "secret=1" not in caplog.text


def test_algorithm_that_is_not_allowed_is_logged_as_a_warning(
    openid: OpenIDProvider, settings: Any, caplog: Log
) -> None:
    settings.SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = ["ES256"]

    Frontend().log_in(openid)

    (line,) = logged(caplog)
    expected = {"level": "WARNING", "code": "invalid_signature", "algorithm": "RS256"}
    assert line.items() >= expected.items()


def test_forged_signature_is_not_logged_as_a_warning(openid: OpenIDProvider, caplog: Log) -> None:
    openid.jwk_fields["n"] = public(other_key())["n"]

    Frontend().log_in(openid)

    (line,) = logged(caplog)
    assert (line["level"], line["code"]) == ("INFO", "invalid_signature")


def test_algorithm_of_an_app_that_is_not_allowed_is_logged_as_a_warning(
    wire: responses.RequestsMock, settings: Any, caplog: Log
) -> None:
    oidc = PROVIDERS["oidc"](wire)
    oidc.install(settings)
    settings.SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = ["ES256"]

    oidc.sign_in()

    (line,) = logged(caplog)
    expected = {"level": "WARNING", "code": "invalid_signature", "algorithm": "RS256"}
    assert line.items() >= expected.items()


@pytest.mark.parametrize(
    ("request_line", "event"),
    [
        ("GET /auth/o/nobody%0Aowner/", "login refused"),
        ("POST /auth/o/oidc/token/", "login refused"),
        ("DELETE /auth/o/oidc/", "login refused"),
        ("GET /auth/connections/", "request refused"),
        ("DELETE /auth/connections/5/", "disconnect refused"),
        ("POST /auth/o/oidc/connect/", "connect refused"),
        ("POST /auth/o/", "request refused"),
    ],
)
def test_request_that_reaches_no_action_is_logged_once(
    request_line: str, event: str, caplog: Log
) -> None:
    method, url = request_line.split()

    response = APIClient().generic(method, url, secure=True)

    (line,) = logged(caplog)
    assert (line["level"], line["event"]) == ("INFO", event)
    assert (line["code"], line["error_id"]) == (
        response.json()["error_code"],
        response.json()["error_id"],
    )
    assert line["status"] == str(response.status_code)


class Never(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return False


def test_user_without_a_permission_is_logged(settings: Any, caplog: Log) -> None:
    view = ConnectionListView.as_view(permission_classes=[Never])
    settings.ROOT_URLCONF = urlconf(path("auth/connections/", view))
    user = user_with()

    logged_in(user).get("/auth/connections/", secure=True)

    (line,) = logged(caplog)
    assert (line["code"], line["user"]) == ("permission_denied", str(user.pk))


def test_user_of_another_model_is_not_logged(settings: Any, caplog: Log) -> None:
    """The primary key may equal that of a user."""
    FixedAuthentication.user = Token(pk=str(user_with().pk))
    FixedAuthentication.user.is_authenticated = True
    route_account_views(settings, authentication=FIXED)

    APIClient().get("/auth/connections/", secure=True)

    (line,) = logged(caplog)
    assert line["code"] == "permission_denied"
    assert "user" not in line


def test_page_of_a_refused_handoff_has_the_id_in_the_log(caplog: Log) -> None:
    page = APIClient().get("/auth/o/oidc/callback/?state=s", secure=True).content.decode()

    (line,) = logged(caplog)
    assert (line["level"], line["event"]) == ("INFO", "handoff refused")
    assert line["error_id"] in page


def test_throttled_request_is_logged_once(configure: Configure, caplog: Log) -> None:
    cache.clear()
    configure(THROTTLE_RATES={"anon": "1/day"})
    client = APIClient()
    client.get("/auth/o/", secure=True)

    client.get("/auth/o/", secure=True)

    (line,) = logged(caplog)
    assert (
        line.items() >= {"level": "INFO", "event": "request refused", "code": "throttled"}.items()
    )


# --- The project's logging --------------------------------------------------------------

request_id: ContextVar[str] = ContextVar("request_id", default="-")


class RequestIDMiddleware:
    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        request_id.set(request.headers["X-Request-ID"])
        return self.get_response(request)


class RequestIDFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


def test_filter_of_the_project_can_add_an_id_of_the_request(
    openid: OpenIDProvider, settings: Any, caplog: Log
) -> None:
    settings.MIDDLEWARE = [f"{__name__}.RequestIDMiddleware"]
    frontend = Frontend(client=APIClient(HTTP_X_REQUEST_ID="the-id"))
    caplog.handler.addFilter(added := RequestIDFilter())

    frontend.log_in(openid)
    frontend.begin(redirect_uri="https://evil.example")

    caplog.handler.removeFilter(added)
    records: list[Any] = [each for each in caplog.records if each.name == "social_endpoints"]
    assert [record.request_id for record in records] == ["the-id", "the-id"]


class FailingFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise LookupError("the filter")


@pytest.mark.parametrize("is_shown", [True, False])
def test_filter_of_the_project_that_fails_changes_no_response(
    is_shown: bool,
    openid: OpenIDProvider,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", is_shown)
    logging.getLogger("social_endpoints").addFilter(added := FailingFilter())

    completed = Frontend().log_in(openid)
    refused = Frontend().begin(redirect_uri="https://evil.example")

    logging.getLogger("social_endpoints").removeFilter(added)
    assert (completed.status_code, refused.status_code) == (201, 400)
    assert ("LookupError: the filter" in capsys.readouterr().err) is is_shown


# --- The format -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (True, "true"),
        ("google-oauth2", "google-oauth2"),
        ("", '""'),
        ("a b", '"a b"'),
        ("a=b", '"a=b"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("\r\n\x00\x1b[31m\x7f", '"\\r\\n\\u0000\\u001b[31m\\u007f"'),
        ("\u2028é\ud800", '"\\u2028\\u00e9\\ud800"'),
        ("%s%d", "%s%d"),
    ],
)
def test_value_is_one_word_or_a_json_string(value: Any, text: str, caplog: Log) -> None:
    assert format_value(value) == text

    log_event("login refused", code=value, error_id=1)

    (line,) = logged(caplog)
    assert line == {
        "level": "INFO",
        "event": "login refused",
        "code": text if text[0] != '"' else value,
        "error_id": "1",
    }
