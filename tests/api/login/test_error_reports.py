"""Django's error reports about requests to the endpoints contain no secrets."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
import responses
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.http import HttpRequest
from django.test import RequestFactory
from django.views.debug import SafeExceptionReporterFilter
from rest_framework.authentication import BaseAuthentication
from rest_framework.test import APIClient

from social_endpoints.conf import Settings
from tests.support.account_views import route_account_views
from tests.support.configuration import Configure
from tests.support.error_reports import reported_errors, tracked_errors
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.id_token_providers import PROVIDERS
from tests.support.oauth1_provider import Twitter
from tests.support.openid2_provider import OpenID2Provider
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.pipeline import LAST, pipeline_with
from tests.support.signals import connected
from tests.support.token_serializers import DJOSER, PAIRS

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.undocumented("Django's page of an error is the response"),
    pytest.mark.filterwarnings('ignore:The "namespace" attribute:DeprecationWarning'),
]
HERE = "tests.api.login.test_error_reports"
COOKIES = {
    "access": "an-old-access-token",
    "jwt": "a-jwt-of-the-project",
    "sessionid": "old-session",
}
AUTHORIZATION = "Token of-another-login"


class FailingMiddleware:
    """Raises after the view if the request asks for it."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        response = self.get_response(request)
        if "X-Fail" in request.headers:
            raise LookupError(len(response.cookies))
        return response


class ProjectFilter(SafeExceptionReporterFilter):
    cleansed_substitute = "hidden by the project"


class SetsFilter(FailingMiddleware):
    def __call__(self, request: HttpRequest) -> Any:
        request.exception_reporter_filter = ProjectFilter()
        return self.get_response(request)


def fail(**kwargs: Any) -> None:
    raise LookupError("the receiver")


def client(**headers: str) -> APIClient:
    headers["HTTP_AUTHORIZATION"] = AUTHORIZATION
    browser = APIClient(raise_request_exception=False, **headers)
    browser.cookies.load(COOKIES)
    return browser


def exchanged(wire: responses.RequestsMock) -> set[str]:
    """Return the values that were posted to the provider, and those of its responses."""
    values: set[str] = set()
    for call in wire.calls:
        if call.request.method == "POST":
            values |= {value for _, value in parse_qsl(str(call.request.body))}
            values |= {str(value) for value in call.response.json().values()}  # type: ignore[union-attr]  # no error
    return values


def assert_hidden(reports: list[str], secrets: set[str]) -> None:
    text = "".join(reports)
    assert "LookupError" in text
    secrets = {secret for secret in secrets if len(secret) > 10 and "://" not in secret}
    assert len(secrets | {*COOKIES.values()}) > len(COOKIES)
    assert [
        secret for secret in secrets | {*COOKIES.values(), AUTHORIZATION} if secret in text
    ] == []


@pytest.mark.parametrize("place", ["receiver", "middleware", "provider"])
@pytest.mark.parametrize(("serializer", "transport"), PAIRS)
def test_report_of_a_login_has_no_secrets(
    serializer: str,
    transport: str,
    place: str,
    openid: OpenIDProvider,
    configure: Configure,
    settings: Any,
) -> None:
    configure(FLOW_TRANSPORT=transport, TOKEN_SERIALIZER=f"social_endpoints.tokens.{serializer}")
    settings.DJOSER = DJOSER
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        f"{HERE}.FailingMiddleware",
    ]
    frontend = Frontend(transport, client(), "multipart")
    begun, callback = frontend.authorize(openid)
    query = urlencode(callback)
    flow = {"flow": begun.data["flow"]} if transport == "body" else {}
    cookies = {cookie.value for cookie in frontend.client.cookies.values()}
    if place == "provider":
        openid.before_userinfo = fail

    with reported_errors() as reports, connected(fail, *[user_logged_in] * (place == "receiver")):
        response = frontend.client.post(
            f"/auth/o/oidc/?{query}",
            {**callback, **flow},
            secure=True,
            HTTP_REFERER=f"https://testserver/callback?{query}",
            RAW_URI=f"/auth/o/oidc/?{query}",
            **({"HTTP_X_FAIL": "1"} if place == "middleware" else {}),
        )

    assert response.status_code in {400, 500}
    issued = {cookie.value for cookie in response.cookies.values()}
    secrets = {*callback.values(), *flow.values(), *exchanged(openid.wire)}
    assert_hidden(reports, secrets | cookies | issued)


def test_report_of_a_native_sign_in_has_no_secrets(
    wire: responses.RequestsMock, settings: Any
) -> None:
    oidc = PROVIDERS["oidc"](wire)
    oidc.install(settings)
    tokens = {"id_token": oidc.token(), "access_token": "the-access-token", "nonce": oidc.nonce}
    wire.get("https://id.example.com/userinfo", json={"sub": "user-1"})

    with reported_errors() as reports, connected(fail, user_logged_in):
        client().post("/auth/o/oidc/token/", tokens, secure=True)

    assert_hidden(reports, {*tokens.values(), *tokens["id_token"].split(".")})


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(("serializer", "transport"), PAIRS)
def test_log_of_a_login_has_no_secrets(
    serializer: str,
    transport: str,
    fails: bool,
    openid: OpenIDProvider,
    configure: Configure,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "social_endpoints")
    configure(FLOW_TRANSPORT=transport, TOKEN_SERIALIZER=f"social_endpoints.tokens.{serializer}")
    settings.DJOSER = DJOSER
    settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
    frontend = Frontend(transport, client())
    begun, callback = frontend.authorize(openid)
    flow = {"flow": begun.data["flow"]} if transport == "body" else {}
    cookies = {cookie.value for cookie in frontend.client.cookies.values()}
    if fails:
        openid.wire.replace("GET", f"{ISSUER}/userinfo", status=500, body="{}")

    response = frontend.complete(begun, callback)

    assert response.status_code == (400 if fails else 201)
    issued = {cookie.value for cookie in response.cookies.values()}
    if not fails:
        issued |= {str(value) for value in response.data.values()}
    secrets = {*callback.values(), *flow.values(), *exchanged(openid.wire)} | cookies | issued
    text = "".join(each.getMessage() for each in caplog.records if each.name == "social_endpoints")
    assert "login" in text
    assert [secret for secret in secrets if len(secret) > 10 and secret in text] == []


@pytest.mark.parametrize("protocol", ["twitter", "openid"])
def test_report_of_another_protocol_has_no_secrets(
    protocol: str, wire: responses.RequestsMock, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.twitter.TwitterOAuth",
        "social_core.backends.open_id.OpenIdAuth",
    ]
    settings.SOCIAL_AUTH_TWITTER_KEY, settings.SOCIAL_AUTH_TWITTER_SECRET = "key", "secret-of-us"
    frontend = Frontend("body", client(), "multipart")
    server: Any = Twitter(wire) if protocol == "twitter" else OpenID2Provider(wire)
    begun = frontend.begin(protocol, openid_identifier="https://openid.example.com/")
    callback = server.authorize(begun.data["authorization_url"])

    with reported_errors() as reports, connected(fail, user_logged_in):
        frontend.complete(begun, callback, protocol)

    secrets = {value for name, value in callback.items() if "ns" not in name}
    assert_hidden(reports, {*secrets, begun.data["flow"], "secret-of-token-1", "secret-of-us"})


def test_report_of_a_begin_shows_the_redirect_uri(openid: OpenIDProvider, settings: Any) -> None:
    settings.MIDDLEWARE = [f"{HERE}.FailingMiddleware"]

    with reported_errors() as reports:
        Frontend(client=client(HTTP_X_FAIL="1")).begin(invitation="secret-invitation")

    assert REDIRECT_URI in "".join(reports)
    assert_hidden(reports, {"secret-invitation"})


def test_report_of_too_many_parameters_has_none(openid: OpenIDProvider, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    settings.MIDDLEWARE = [f"{HERE}.FailingMiddleware"]

    with reported_errors() as reports:
        client(HTTP_X_FAIL="1").get("/auth/o/oidc/?a=1&b=2&code=secret-of-the-query")

    assert_hidden(reports, {"secret-of-the-query"})


@pytest.mark.parametrize("is_of_the_request", [False, True])
def test_report_uses_the_filter_of_the_project(
    is_of_the_request: bool, openid: OpenIDProvider, settings: Any
) -> None:
    settings.MIDDLEWARE = [f"{HERE}.FailingMiddleware"]
    if is_of_the_request:
        settings.MIDDLEWARE = [f"{HERE}.SetsFilter", *settings.MIDDLEWARE]
    else:
        settings.DEFAULT_EXCEPTION_REPORTER_FILTER = f"{HERE}.ProjectFilter"

    with reported_errors() as reports:
        Frontend(client=client(HTTP_X_FAIL="1")).begin()

    assert ProjectFilter.cleansed_substitute in "".join(reports)


@pytest.mark.parametrize("name", ["JWT_ACCESS_COOKIE", "JWT_REFRESH_COOKIE"])
def test_report_of_another_view_hides_the_cookies_with_jwts(name: str, rf: RequestFactory) -> None:
    rf.cookies[getattr(Settings, name)] = "a-jwt"

    assert "a-jwt" not in SafeExceptionReporterFilter().get_safe_cookies(rf.get("/")).values()


def test_page_with_debug_is_complete(openid: OpenIDProvider, settings: Any) -> None:
    settings.DEBUG = True
    settings.MIDDLEWARE = [f"{HERE}.FailingMiddleware"]

    page = (
        Frontend(client=client(HTTP_X_FAIL="1"))
        .begin(invitation="secret-invitation")
        .content.decode()
    )

    assert "secret-invitation" in page
    assert COOKIES["jwt"] in page


def quote_tokens(response: Any, **kwargs: Any) -> None:
    raise LookupError(f"no {response['id_token']}")


@pytest.mark.parametrize("body", ["json", "multipart"])
@pytest.mark.parametrize("debug", [False, True])
def test_error_tracker_finds_no_secrets(
    debug: bool, body: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    """Without DEBUG, there are no local variables; the messages and the body are never complete."""
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{HERE}.quote_tokens"))
    frontend.client.raise_request_exception = False
    frontend.format = body
    begun, callback = frontend.authorize(openid)
    settings.DEBUG = debug

    with tracked_errors() as found:
        response = frontend.complete(begun, callback)

    secrets = {*openid.secrets, *(cookie.value for cookie in frontend.client.cookies.values())}
    text = "".join(found)
    assert "LookupError" in text
    assert any(secret in text for secret in secrets if secret) is debug
    assert not any(secret in each for secret in secrets if secret for each in found[:1])
    assert not response.renderer_context["request"].data


def test_error_tracker_finds_no_secrets_of_a_query_string(
    openid: OpenIDProvider, settings: Any
) -> None:
    """The representation of a request contains its query string."""
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{HERE}.fail"))
    frontend = Frontend()
    _, callback = frontend.authorize(openid)

    with tracked_errors() as found:
        response = frontend.client.post(f"/auth/o/oidc/?{urlencode(callback)}", secure=True)

    assert response.status_code == 500
    assert "LookupError" in "".join(found)
    assert [text for text in found if callback["code"] in text] == []


def fail_in_a_group(response: Any, **kwargs: Any) -> None:
    errors: list[Exception] = []
    try:
        fail(token=response["id_token"])
    except LookupError as error:
        errors.append(error)
    raise ExceptionGroup("two tasks", errors)


def test_error_tracker_finds_no_secrets_in_a_group_of_exceptions(
    openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{HERE}.fail_in_a_group"))

    with tracked_errors() as found:
        Frontend().log_in(openid)

    assert "LookupError" in "".join(found)
    assert [text for text in found for secret in openid.secrets if secret and secret in text] == []


def quote_tokens_after_the_commit(**kwargs: Any) -> None:
    transaction.on_commit(partial(quote_tokens, **kwargs))


@pytest.mark.django_db(transaction=True)
def test_error_tracker_finds_no_secrets_of_a_login_that_is_stored(
    openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((LAST, f"{HERE}.quote_tokens_after_the_commit"))

    with tracked_errors() as found:
        response = Frontend().log_in(openid)

    assert response.status_code == 201
    assert "LookupError" in "".join(found)
    assert [secret for secret in openid.secrets if secret and secret in "".join(found)] == []


class QuotingAuthentication(BaseAuthentication):
    def authenticate(self, request: Any) -> None:
        raise LookupError(f"no {request.headers['Authorization']}")


@pytest.mark.parametrize("debug", [False, True])
def test_error_tracker_finds_no_credentials_of_a_signed_in_user(debug: bool, settings: Any) -> None:
    """Django REST framework's own call has caught the exception and has not ended."""
    route_account_views(settings, authentication=f"{HERE}.QuotingAuthentication")
    settings.DEBUG = debug

    with tracked_errors() as found:
        response = client().get("/auth/connections/?code=of-a-callback", secure=True)

    assert response.status_code == 500
    assert "LookupError" in "".join(found)
    assert ("of-a-callback" in "".join(found)) is debug
    assert (AUTHORIZATION.split()[1] in "".join(found)) is debug


def test_body_of_a_login_is_cleared_after_the_response(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    """An error tracker also reports the bodies of requests that succeed."""
    response = frontend.log_in(openid)

    assert response.status_code == 201
    assert response.renderer_context["request"].data == {}
