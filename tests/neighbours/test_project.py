"""A project with django-axes, drf-standardized-errors and others signs in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView
from social_core.backends.base import BaseAuth

from social_endpoints.provider_tokens import get_access_token
from social_endpoints.testing import ProviderResponse
from tests.support.accounts import logged_in
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.native import post_tokens
from tests.support.neighbours.native import id_token_with_nonce
from tests.support.openapi import alternatives, content, generate
from tests.support.openid_provider import OpenIDProvider
from tests.support.pipeline import ASK_NAME, BEFORE_CREATE_USER, pipeline_with
from tests.support.stored_tokens import connect

pytestmark = pytest.mark.django_db
User = get_user_model()

REAUTHENTICATION = "provider_reauthentication_required"
ORIGIN = "https://app.example.com"


def test_checks_find_no_mistake() -> None:
    assert run_checks() == []


def test_login_by_redirect(frontend: Frontend, openid: OpenIDProvider) -> None:
    first, second = frontend.log_in(openid), frontend.log_in(openid)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json() == {"token": first.data["token"]}


def test_connect(frontend: Frontend, openid: OpenIDProvider) -> None:
    user = User.objects.create_user("grace")
    browser = replace(frontend, client=logged_in(user), below="connect/")

    assert browser.log_in(openid).status_code == 201
    assert user.social_auth.get().uid == "user-1"


def test_native_sign_in(openid: OpenIDProvider) -> None:
    token, nonce = id_token_with_nonce(openid)

    response = post_tokens("oidc", id_token=token, nonce=nonce)

    assert response.status_code == 201, response.data


def test_paused_login_resumes(frontend: Frontend, openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))

    paused = frontend.log_in(openid)
    response = frontend.resume(paused, name="Ada")

    assert (paused.status_code, response.status_code) == (202, 201)
    assert User.objects.get().first_name == "Ada"


def test_login_in_a_session_is_not_verified_by_a_second_factor(
    openid: OpenIDProvider, configure: Configure
) -> None:
    """LoginRequiredMiddleware guards the page; django-otp knows of no second factor."""
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.SessionSerializer")
    browser = Frontend("cookie", APIClient(enforce_csrf_checks=True))

    before = browser.client.get("/account/", secure=True)
    browser.log_in(openid)
    after = browser.client.get("/account/", secure=True)

    assert (before.status_code, before["Location"]) == (302, "/login/?next=/account/")
    assert after.json() == {"user": "ada", "verified": False}


def test_session_connects_with_csrf_token(openid: OpenIDProvider, configure: Configure) -> None:
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.SessionSerializer")
    browser = Frontend("cookie", APIClient(enforce_csrf_checks=True))
    browser.log_in(openid)
    page = replace(browser, below="connect/")
    begun, callback = page.authorize(openid)
    headers = {"Origin": "https://testserver"}

    without = page.post(callback, headers=headers)
    headers["X-CSRFToken"] = browser.client.cookies["csrftoken"].value
    response = page.post(callback, headers=headers)

    assert begun.status_code == 200
    assert (without.status_code, response.status_code) == (403, 201)


def test_account_endpoint_without_login_is_not_a_redirect() -> None:
    response = APIClient().get("/auth/connections/", secure=True)

    assert response.status_code in {401, 403}
    (error,) = response.json()["errors"]
    assert error["code"] == "not_authenticated"


# --- drf-standardized-errors ----------------------------------------------------------


def test_refusal_has_the_shape_of_the_project_and_the_code_of_the_exception(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun, callback = frontend.authorize(openid)

    response = frontend.complete(begun, {**callback, "state": "of another login"})

    assert response.status_code == 400
    assert response.json()["type"] == "client_error"
    (error,) = response.json()["errors"]
    assert error["code"] in {"state_mismatch", "session_context_missing"}
    assert error["attr"] is None


def test_field_error_has_the_shape_of_the_project_and_its_own_code(
    openid: OpenIDProvider,
) -> None:
    response = Frontend().begin(redirect_uri="https://evil.example/")

    assert response.status_code == 400
    assert response.json()["type"] == "validation_error"
    (error,) = response.json()["errors"]
    assert (error["attr"], error["detail"]) == ("redirect_uri", "This redirect URI is not allowed.")


@pytest.mark.parametrize("provider", ["unknown", "email"])
def test_unknown_provider_has_the_shape_of_the_project(provider: str) -> None:
    response = Frontend().begin(provider)

    (error,) = response.json()["errors"]
    assert (response.status_code, error["code"]) == (404, "provider_not_supported")


def test_mistake_in_the_settings_has_the_shape_of_the_project(
    openid: OpenIDProvider, configure: Configure, frontend: Frontend
) -> None:
    begun, callback = frontend.authorize(openid)
    configure(TOKEN_SERIALIZER="tests.support.missing.Serializer")
    frontend.client.raise_request_exception = False

    response = frontend.complete(begun, callback)

    assert response.status_code == 500
    assert response.json()["type"] == "server_error"


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_document_has_the_shape_of_the_project(status: int) -> None:
    """With ``TEST_DOCUMENT``, the other tests compare it with the responses."""
    document = generate()
    operation = document["paths"]["/auth/o/{provider}/connect/"]["post"]

    bodies = alternatives(document, content(operation, status)["schema"])

    assert [body["required"] for body in bodies.values()] == [["errors", "type"]] * len(bodies)


# --- djangorestframework-camel-case ---------------------------------------------------


def test_bodies_have_the_names_of_the_contract(openid: OpenIDProvider, settings: Any) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
    browser = Frontend("body")

    begun = browser.begin()
    paused = browser.complete(begun, openid.authorize(begun.data["authorization_url"]))

    assert begun.json().keys() == {"authorization_url", "flow"}
    assert paused.json().keys() >= {"partial_token", "redirect_to", "fields", "flow"}


class Camel(BaseAuth):
    """A provider whose parameters have capital letters."""

    name = "camel"

    def auth_url(self) -> str:
        return "https://camel.example.com/"

    def auth_complete(self, *args: Any, **kwargs: Any) -> Any:
        return self.strategy.authenticate(self, response=dict(self.data), **kwargs)

    def get_user_id(self, details: Any, response: Any) -> str:
        return str(response["userId"])

    def get_user_details(self, response: Any) -> dict[str, Any]:
        return {"username": "ada"}


@pytest.mark.parametrize("body", ["json", "multipart"])
def test_names_in_a_body_reach_the_backend_unchanged(
    body: str, frontend: Frontend, settings: Any
) -> None:
    """The middleware renames the parameters of the query string alone."""
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Camel"]
    frontend.format = body

    response = frontend.complete(frontend.begin("camel"), {"userId": "7"}, "camel")

    assert response.status_code == 201, response.data


# --- django-cors-headers --------------------------------------------------------------


def test_frontend_of_another_origin_may_send_credentials(openid: OpenIDProvider) -> None:
    browser = APIClient(headers={"Origin": ORIGIN, "Sec-Fetch-Mode": "cors"})

    begun = browser.get("/auth/o/oidc/", {"redirect_uri": REDIRECT_URI}, secure=True)
    callback = openid.authorize(begun.data["authorization_url"])
    response = browser.post("/auth/o/oidc/", callback, format="json", secure=True)

    assert response.status_code == 201
    for each in (begun, response):
        assert each["Access-Control-Allow-Origin"] == ORIGIN
        assert each["Access-Control-Allow-Credentials"] == "true"
        assert "no-store" in each["Cache-Control"]


# --- django-axes ----------------------------------------------------------------------


def test_refusal_without_rejected_credential_locks_nobody_out(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    for _ in range(2 * settings.AXES_FAILURE_LIMIT):
        begun, callback = frontend.authorize(openid)
        declined = {"error": "access_denied", "state": callback["state"]}
        assert frontend.complete(begun, declined).status_code == 400

    assert frontend.log_in(openid).status_code == 201
    assert not AccessAttempt.objects.exists()


@pytest.mark.undocumented("the 429 is a page of django-axes")
def test_rejected_tokens_are_failed_attempts_and_do_not_stop_a_login(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    responses = []
    for _ in range(settings.AXES_FAILURE_LIMIT):
        token, nonce = id_token_with_nonce(openid, aud="client-of-another-project")
        responses.append(post_tokens("oidc", id_token=token, nonce=nonce).status_code)

    assert responses == [400, 400, 429]
    assert AccessAttempt.objects.get().failures_since_start == settings.AXES_FAILURE_LIMIT
    assert frontend.log_in(openid).status_code == 201


class Scopes(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Any, username: str) -> Response:
        user = User.objects.get(username=username)
        return Response(get_access_token(user, "oidc").scopes)


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (ProviderResponse(400, {"error": "invalid_grant"}), 403, REAUTHENTICATION),
        (ProviderResponse(503), 503, "provider_unavailable"),
        (ProviderResponse(200, "{}"), 502, "provider_error"),
    ],
)
def test_errors_of_provider_tokens_have_the_shape_of_the_project(
    answer: Any, status: int, code: str, openid: OpenIDProvider
) -> None:
    connect(User.objects.create_user("ada"), "oidc")
    openid.replace("token", answer)

    response = Scopes.as_view()(APIRequestFactory().get("/"), username="ada")

    assert response.status_code == status
    assert {each["code"] for each in response.data["errors"]} == {code}
    assert response.get("Retry-After") == ("10" if status == 503 else None)
