"""Requests provoke the documented error codes, with the documented status and recovery."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
import responses
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.urls import path
from rest_framework import exceptions
from rest_framework.test import APIClient
from rest_framework.views import APIView
from social_django.models import UserSocialAuth

from social_endpoints.provider_tokens import get_access_token
from social_endpoints.testing import FakeProviders, ProviderResponse
from tests.support.account_views import route_account_views
from tests.support.accounts import disconnect, logged_in, user_with
from tests.support.configuration import configure_endpoints
from tests.support.error_entries import ENTRIES, field
from tests.support.fakes import sign_in
from tests.support.frontend import REDIRECT_URI, Frontend, browser
from tests.support.id_token_providers import PROVIDERS, hexadecimal
from tests.support.keys import other_key, public
from tests.support.native import post_tokens
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.pages import named_tests
from tests.support.pipeline import (
    AFTER_GET_USERNAME,
    ASK_NAME,
    BEFORE_CREATE_USER,
    LAST,
    pipeline_with,
)
from tests.support.urlconf import urlconf

pytestmark = pytest.mark.django_db

User = get_user_model()
HERE = __name__

Provoke = Callable[["Project"], Any]

PROVOKED: dict[str, Provoke] = {}
"""Functions that provoke a code and return the last response."""

ELSEWHERE = {
    "refresh_token_invalid": [
        "tests/api/tokens/test_refresh.py::test_token_that_is_not_accepted_is_a_401",
    ],
    "profile_email_missing": [
        "tests/user_models/test_keys.py::test_missing_address_is_not_replaced_with_a_username",
        "tests/api/accounts/test_unique_constraints.py::test_missing_address_is_not_reported_as_taken",
    ],
    "username_in_use": [
        "tests/user_models/test_keys.py::test_account_with_the_username_as_its_key_is_not_taken_over",
        "tests/api/login/test_queries.py::test_taken_username_in_a_project_storage_is_rejected",
    ],
}
"""Codes that need another user model or storage, with the tests that provoke them."""


class Project:
    """A project with an OpenID provider, whose settings a test may change."""

    def __init__(self, openid: OpenIDProvider, fakes: FakeProviders, settings: Any) -> None:
        self.openid, self.settings, self.wire = openid, settings, openid.wire
        self.fakes = fakes
        self.frontend = Frontend()

    def configure(self, **entries: Any) -> None:
        configure_endpoints(self.settings, **entries)

    def log_in(self) -> Any:
        return self.frontend.log_in(self.openid)

    def complete(self, **params: str) -> Any:
        """Complete a login with other parameters than those of the provider."""
        begun, callback = self.frontend.authorize(self.openid)
        return self.frontend.complete(begun, {"state": callback["state"], **params})

    def log_in_with_claims(self, **claims: Any) -> Any:
        self.openid.claims |= claims
        return self.log_in()

    def log_in_with_step(self, name: str, position: int = LAST) -> Any:
        step = name if "." in name else f"{HERE}.{name}"
        self.settings.SOCIAL_AUTH_PIPELINE = pipeline_with((position, step))
        return self.log_in()

    def log_in_with_answer(self, **answer: Any) -> Any:
        """Log in while the token endpoint has another answer."""
        begun, callback = self.frontend.authorize(self.openid)
        self.wire.replace("POST", f"{ISSUER}/token", **answer)
        return self.frontend.complete(begun, callback)

    def post_id_token(self, **body: Any) -> Any:
        """Post an ID token whose nonce is the hash of "value"."""
        provider = PROVIDERS["oidc"](responses.RequestsMock())
        self.configure(NATIVE_PROVIDERS=["oidc"])
        token = provider.token(nonce=hexadecimal("value"))
        return post_tokens("oidc", **{"id_token": token, "nonce": "value", **body})


@pytest.fixture
def project(openid: OpenIDProvider, social_provider: FakeProviders, settings: Any) -> Project:
    return Project(openid, social_provider, settings)


def provokes(code: str) -> Callable[[Provoke], Provoke]:
    def register(provoke: Provoke) -> Provoke:
        PROVOKED[code] = provoke
        return provoke

    return register


def get(url: str, client: APIClient | None = None, **query: Any) -> Any:
    return (client or browser()).get(f"/auth/{url}", query, secure=True)


def signed_in(**settings: Any) -> APIClient:
    return logged_in(user_with(("oidc", "user-1")), **settings)


# --- The login was interrupted --------------------------------------------------------


@provokes("session_context_missing")
def _(project: Project) -> Any:
    return project.frontend.post({"code": "c", "state": "s"})


@provokes("state_mismatch")
def _(project: Project) -> Any:
    project.configure(FLOW_TRANSPORT="body")
    frontend = Frontend("body")
    begun, callback = frontend.authorize(project.openid)
    assert frontend.complete(begun, callback).status_code == 201
    return frontend.complete(begun, callback)


@provokes("too_many_attempts")
def _(project: Project) -> Any:
    paused = project.log_in_with_step(ASK_NAME, BEFORE_CREATE_USER)
    for _attempt in range(10):
        assert project.frontend.resume(paused, name="").data["error_code"] == "invalid_parameter"
    return project.frontend.resume(paused, name="")


@provokes("user_mismatch")
def _(project: Project) -> Any:
    first = Frontend("body", signed_in(), below="connect/")
    second = Frontend("body", logged_in(user_with(username="grace")), below="connect/")
    begun, callback = first.authorize(project.openid)
    return second.complete(begun, callback)


# --- The user or the account ----------------------------------------------------------


@provokes("authorization_declined")
def _(project: Project) -> Any:
    return project.complete(error="access_denied")


@provokes("authentication_disallowed")
def _(project: Project) -> Any:
    project.log_in()
    User.objects.update(is_active=False)
    return project.log_in()


@provokes("membership_required")
def _(project: Project) -> Any:
    project.settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.github.GithubOrganizationOAuth2"
    ]
    project.settings.SOCIAL_AUTH_GITHUB_ORG_KEY = "key"
    project.settings.SOCIAL_AUTH_GITHUB_ORG_SECRET = "secret"
    project.settings.SOCIAL_AUTH_GITHUB_ORG_NAME = "example"
    github = project.fakes("github-org", preferred_username="ada")
    github.fail("https://api.github.com/orgs/example/members/ada", 404)
    return sign_in(github, project.frontend, "github-org")


@provokes("email_in_use")
def _(project: Project) -> Any:
    User.objects.create_user("grace", "ada@example.com")
    project.configure(UNIQUE_EMAIL=True)
    return project.log_in()


@provokes("identity_in_use")
def _(project: Project) -> Any:
    assert project.log_in().status_code == 201
    client = logged_in(user_with(username="grace"))
    return Frontend(client=client, below="connect/").log_in(project.openid)


@provokes("email_verification_rejected")
def _(project: Project) -> Any:
    project.settings.SOCIAL_AUTH_FORCE_EMAIL_VALIDATION = True
    project.settings.SOCIAL_AUTH_EMAIL_VALIDATION_FUNCTION = f"{HERE}.send_nothing"
    project.settings.SOCIAL_AUTH_EMAIL_VALIDATION_URL = "/check-your-mail"
    step = "social_core.pipeline.mail.mail_validation"
    paused = project.log_in_with_step(step, AFTER_GET_USERNAME)
    asked = project.frontend.resume(paused, verification_code="wrong")
    return project.frontend.resume(asked, partial_pipeline_confirm=True)


def send_nothing(*arguments: Any) -> None:
    """Send no mail."""


@provokes("reauthentication_required")
def _(project: Project) -> Any:
    return project.complete(error="login_required")


@provokes("disconnect_disallowed")
def _(project: Project) -> Any:
    client = signed_in()
    return disconnect(client, UserSocialAuth.objects.get())


# --- The request ----------------------------------------------------------------------


@provokes("redirect_uri_missing")
def _(project: Project) -> Any:
    return get("o/oidc/")


@provokes("redirect_uri_repeated")
def _(project: Project) -> Any:
    return get("o/oidc/", redirect_uri=[REDIRECT_URI, REDIRECT_URI])


@provokes("redirect_uri_not_allowed")
def _(project: Project) -> Any:
    return get("o/oidc/", redirect_uri=f"{REDIRECT_URI}/")


@provokes("missing_parameter")
def _(project: Project) -> Any:
    project.openid.endpoints["authorization_response_iss_parameter_supported"] = True
    return project.log_in()


@provokes("invalid_parameter")
def _(project: Project) -> Any:
    return project.frontend.post({})


@provokes("scope_not_allowed")
def _(project: Project) -> Any:
    return get("o/oidc/connect/", signed_in(), redirect_uri=REDIRECT_URI, scope="calendar")


@provokes("use_post")
def _(project: Project) -> Any:
    return get("o/oidc/", code="c", state="s")


@provokes("use_token_endpoint")
def _(project: Project) -> Any:
    return project.frontend.post({"credential": "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln"})


@provokes("use_id_token")
def _(project: Project) -> Any:
    project.configure(NATIVE_PROVIDERS=["oidc"])
    return post_tokens("oidc", credential="eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln")


@provokes("nonce_not_hashed")
def _(project: Project) -> Any:
    return project.post_id_token(nonce=hexadecimal("value"))


@provokes("post_logout_redirect_uri_missing")
def _(project: Project) -> Any:
    return get("o/oidc/logout/", signed_in())


@provokes("post_logout_redirect_uri_repeated")
def _(project: Project) -> Any:
    return get("o/oidc/logout/", signed_in(), post_logout_redirect_uri=[REDIRECT_URI] * 2)


@provokes("post_logout_redirect_uri_not_allowed")
def _(project: Project) -> Any:
    return get("o/oidc/logout/", signed_in(), post_logout_redirect_uri=REDIRECT_URI)


@provokes("parse_error")
def _(project: Project) -> Any:
    return post_bytes(b"{", "application/json")


@provokes("unsupported_media_type")
def _(project: Project) -> Any:
    return post_bytes(b"{}", "text/plain")


@provokes("body_too_large")
def _(project: Project) -> Any:
    return post_bytes(b"a" * 1_000_001, "application/json")


def post_bytes(body: bytes, content_type: str) -> Any:
    return browser().post("/auth/o/oidc/", body, content_type=content_type, secure=True)


@provokes("method_not_allowed")
def _(project: Project) -> Any:
    return get("o/oidc/token/")


@provokes("not_acceptable")
def _(project: Project) -> Any:
    return project.log_in_with_step("accept_nothing")


def accept_nothing(**kwargs: Any) -> None:
    raise exceptions.NotAcceptable


@provokes("not_found")
def _(project: Project) -> Any:
    return disconnect(signed_in(), 4711)


# --- Signed in or not -----------------------------------------------------------------


@provokes("not_authenticated")
def _(project: Project) -> Any:
    return get("connections/")


@provokes("authentication_failed")
def _(project: Project) -> Any:
    client = browser()
    client.credentials(HTTP_AUTHORIZATION="Token x")
    return get("connections/", client)


@provokes("permission_denied")
def _(project: Project) -> Any:
    project.settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    session = "rest_framework.authentication.SessionAuthentication"
    route_account_views(project.settings, authentication=session)
    client = browser(enforce_csrf_checks=True)
    client.force_login(user_with(("oidc", "user-1"), ("github", "1")))
    return disconnect(client, UserSocialAuth.objects.first())


@provokes("throttled")
def _(project: Project) -> Any:
    project.configure(THROTTLE_RATES={"anon": "1/min"})
    get("o/")
    return get("o/")


# --- What the project supports --------------------------------------------------------


@provokes("provider_not_supported")
def _(project: Project) -> Any:
    return get("o/google/", redirect_uri=REDIRECT_URI)


@provokes("native_sign_in_disabled")
def _(project: Project) -> Any:
    return post_tokens("oidc", id_token="t")


@provokes("backchannel_logout_disabled")
def _(project: Project) -> Any:
    return browser().post("/auth/o/oidc/logout/backchannel/", {"logout_token": "t"}, secure=True)


@provokes("logout_not_supported")
def _(project: Project) -> Any:
    project.configure(ALLOWED_LOGOUT_REDIRECT_URIS=[REDIRECT_URI])
    return get("o/github/logout/", signed_in(), post_logout_redirect_uri=REDIRECT_URI)


@provokes("refresh_not_supported")
def _(project: Project) -> Any:
    return browser().post("/auth/refresh/", secure=True)


# --- The provider's answer ------------------------------------------------------------


@provokes("authorization_code_rejected")
def _(project: Project) -> Any:
    return project.complete(code="another")


@provokes("credential_rejected")
def _(project: Project) -> Any:
    token = PROVIDERS["oidc"](responses.RequestsMock()).token(nonce=hexadecimal("value"))
    assert project.post_id_token(id_token=token).status_code == 201
    return project.post_id_token(id_token=token)


@provokes("token_revoked")
def _(project: Project) -> Any:
    project.settings.AUTHENTICATION_BACKENDS = ["social_core.backends.vk.VKOAuth2"]
    project.settings.SOCIAL_AUTH_VK_OAUTH2_KEY = "key"
    project.settings.SOCIAL_AUTH_VK_OAUTH2_SECRET = "secret"
    vk = project.fakes("vk-oauth2")
    vk.replace("userinfo", ProviderResponse(content={"error": {"error_code": 5}}))
    return sign_in(vk, project.frontend, "vk-oauth2")


@provokes("nonce_mismatch")
def _(project: Project) -> Any:
    return project.log_in_with_claims(nonce="another")


@provokes("response_expired")
def _(project: Project) -> Any:
    return project.log_in_with_claims(exp=int(time.time()) - 60)


@provokes("response_not_yet_valid")
def _(project: Project) -> Any:
    return project.log_in_with_claims(nbf=int(time.time()) + 60)


@provokes("malformed_response")
def _(project: Project) -> Any:
    return project.log_in_with_answer(body="<html>")


@provokes("missing_claim")
def _(project: Project) -> Any:
    del project.openid.claims["sub"]
    return project.log_in()


@provokes("invalid_claim")
def _(project: Project) -> Any:
    return project.log_in_with_claims(aud="another-client-id")


@provokes("invalid_signature")
def _(project: Project) -> Any:
    project.openid.jwk_fields["n"] = public(other_key())["n"]
    return project.log_in()


class CalendarView(APIView):
    """A view of the project that needs an access token of the provider."""

    def get(self, request: Any) -> Any:
        """Fail, because there is no token."""
        get_access_token(request.user, "oidc", min_lifetime=10_000)


@provokes("provider_reauthentication_required")
def _(project: Project) -> Any:
    return request_calendar(project, logged_in(user_with()))


@provokes("provider_error")
def _(project: Project) -> Any:
    project.openid.token_params = {"expires_in": 60, "refresh_token": "r"}
    assert project.log_in().status_code == 201
    project.wire.replace("POST", f"{ISSUER}/token", json={"error": "invalid_client"}, status=401)
    return request_calendar(project, logged_in(User.objects.get()))


def request_calendar(project: Project, client: APIClient) -> Any:
    project.settings.ROOT_URLCONF = urlconf(path("calendar/", CalendarView.as_view()))
    return client.get("/calendar/", secure=True)


# --- The provider cannot be reached ---------------------------------------------------


@provokes("timeout")
def _(project: Project) -> Any:
    return project.log_in_with_answer(body=requests.ConnectTimeout())


@provokes("connection_failed")
def _(project: Project) -> Any:
    return project.log_in_with_answer(body=requests.ConnectionError())


@provokes("unavailable")
def _(project: Project) -> Any:
    return project.log_in_with_answer(status=503)


@provokes("provider_unavailable")
def _(project: Project) -> Any:
    project.configure(PROVIDER_TIMEOUTS=1)
    project.log_in_with_answer(body=requests.ConnectTimeout())
    return project.log_in()


@provokes("rate_limited")
def _(project: Project) -> Any:
    return project.log_in_with_answer(status=429)


@provokes("tls_error")
def _(project: Project) -> Any:
    return project.log_in_with_answer(body=requests.exceptions.SSLError())


@provokes("http_error")
def _(project: Project) -> Any:
    return project.log_in_with_answer(status=400)


# --- The project ----------------------------------------------------------------------


@provokes("missing_setting")
def _(project: Project) -> Any:
    project.settings.SOCIAL_AUTH_OIDC_KEY = None
    return project.frontend.begin()


@provokes("invalid_setting")
def _(project: Project) -> Any:
    return project.log_in_with_answer(json={"error": "invalid_client"}, status=401)


@provokes("unsupported_feature")
def _(project: Project) -> Any:
    project.configure(NATIVE_PROVIDERS=["oidc"])
    return post_tokens("oidc", access_token="t")


@provokes("backend_missing")
def _(project: Project) -> Any:
    return project.log_in_with_step("load_missing_backend")


def load_missing_backend(strategy: Any, **kwargs: Any) -> None:
    strategy.get_backend("missing")


@provokes("unknown_error")
def _(project: Project) -> Any:
    return project.log_in_with_step("fail")


def fail(**kwargs: Any) -> None:
    raise KeyError("plan")


@provokes("storage_unavailable")
def _(project: Project) -> Any:
    return project.log_in_with_step("lose_the_database")


def lose_the_database(**kwargs: Any) -> None:
    raise OperationalError("server closed the connection")


@provokes("identifier_migration_conflict")
def _(project: Project) -> Any:
    user_with(("oidc", "ada@example.com"))
    project.settings.SOCIAL_AUTH_OIDC_LEGACY_ID_KEYS = ["email"]
    return project.log_in()


@provokes("invalid_expiry")
def _(project: Project) -> Any:
    return project.log_in_with_step("read_expiry")


def read_expiry(social: Any, **kwargs: Any) -> None:
    social.extra_data = {"expires": "soon"}
    social.expiration_timedelta()


# --- The tests ------------------------------------------------------------------------


def test_each_error_code_is_provoked() -> None:
    assert PROVOKED.keys() | ELSEWHERE.keys() == ENTRIES.keys()
    assert not PROVOKED.keys() & ELSEWHERE.keys()
    assert {name for names in ELSEWHERE.values() for name in names} <= named_tests()


@pytest.mark.parametrize("code", sorted(PROVOKED))
@pytest.mark.undocumented("pipeline steps of the test raise exceptions of their own")
def test_error_has_the_documented_status_and_recovery(code: str, project: Project) -> None:
    response = PROVOKED[code](project)

    assert response.data["error_code"] == code, response.data
    assert str(response.status_code) in re.findall(r"[45]\d\d", field(code, "Status"))
    named = re.findall(r"``(\w+)``", field(code, "Recovery") + field(code, "Cause"))
    assert response.data["error_recovery"] in named
    assert re.fullmatch(r"[\w-]{8}", response.data["error_id"])
