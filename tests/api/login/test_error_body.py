"""The body of an error: safe texts, and the details in the log."""

from __future__ import annotations

import logging
import re
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.http import JsonResponse
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import exception_handler
from social_core.backends.github import GithubOAuth2
from social_core.exceptions import AuthException

from social_endpoints.testing import FakeProviders, ProviderResponse
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, authorization_params, browser, error
from tests.support.log import logged
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()


def test_completion_without_a_flow_has_the_full_error_body(frontend: Frontend) -> None:
    response = frontend.post({"code": "c", "state": "s"})

    assert response.status_code == 400
    (text,) = response.data.pop("non_field_errors")
    assert text.startswith("This request contains no flow.")
    assert ("credentials" in text) is (frontend.transport == "cookie")
    assert ("`flow`" in text) is (frontend.transport == "body")
    assert re.fullmatch(r"[\w-]{8}", response.data.pop("error_id"))
    assert response.data == {
        "error_code": "session_context_missing",
        "error_source": "session",
        "error_stage": "callback",
        "error_recovery": "restart_login",
    }


@pytest.mark.parametrize("body", [{"code": "c", "state": "s"}, ["code"]])
def test_messages_have_the_name_of_the_projects_setting(body: Any, settings: Any) -> None:
    settings.REST_FRAMEWORK = {"NON_FIELD_ERRORS_KEY": "messages"}

    response = Frontend().post(body)

    assert response.status_code == 400
    assert len(response.data["messages"]) == 1
    assert "non_field_errors" not in response.data


# --- The error code of every response ---------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "options", "expected"),
    [
        ("get", "connections/", {}, (401, "not_authenticated", "reauthenticate")),
        (
            "get",
            "connections/",
            {"headers": {"Authorization": "Token x"}},
            (401, "authentication_failed", "reauthenticate"),
        ),
        ("get", "o/nobody/", {}, (404, "provider_not_supported", "contact_administrator")),
        ("put", "o/oidc/", {}, (405, "method_not_allowed", "correct_input")),
        ("get", "o/oidc/token/", {}, (405, "method_not_allowed", "correct_input")),
        (
            "post",
            "o/oidc/",
            {"data": b"a" * 1_000_001, "content_type": "application/json"},
            (413, "body_too_large", "correct_input"),
        ),
        (
            "post",
            "o/oidc/",
            {"data": b"a", "content_type": "text/plain"},
            (415, "unsupported_media_type", "correct_input"),
        ),
        (
            "post",
            "o/oidc/",
            {"data": b"{", "content_type": "application/json"},
            (400, "parse_error", "correct_input"),
        ),
        ("post", "o/oidc/", {}, (400, "invalid_parameter", "correct_input")),
        ("post", "o/oidc/token/", {}, (404, "native_sign_in_disabled", "contact_administrator")),
        ("get", "o/oidc/?code=c&state=s", {}, (400, "use_post", "correct_input")),
        ("get", "o/oidc/?error=access_denied", {}, (400, "use_post", "correct_input")),
        ("get", "o/oidc/", {}, (400, "redirect_uri_missing", "correct_input")),
    ],
)
def test_every_error_has_a_code_that_is_in_the_log(
    method: str,
    path: str,
    options: Any,
    expected: tuple[int, str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="social_endpoints")

    response = getattr(browser(), method)(f"/auth/{path}", secure=True, **options)

    code, recovery = response.data["error_code"], response.data["error_recovery"]
    assert (response.status_code, code, recovery) == expected
    (record,) = [each for each in caplog.records if each.name == "social_endpoints"]
    assert code in record.getMessage()
    assert response.data["error_id"] in record.getMessage()


def test_classified_code_of_a_callback_is_the_one_in_the_log(
    frontend: Frontend, openid: OpenIDProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="social_endpoints")
    begun, callback = frontend.authorize(openid)

    declined = {"error": "user_cancelled_login", "state": callback["state"]}
    response = frontend.complete(begun, declined)

    assert error(response) == (400, "authorization_declined")
    assert "authorization_declined" in caplog.text
    assert response.data["error_id"] in caplog.text


@pytest.mark.parametrize("in_query", [True, False])
def test_post_that_a_redirect_turned_into_a_get_is_explained(
    in_query: bool, openid: OpenIDProvider
) -> None:
    frontend = Frontend()
    _, callback = frontend.authorize(openid)
    path = "/auth/o/oidc" + (f"?{urlencode(callback)}" if in_query else "")

    response = frontend.client.post(path, callback, format="json", secure=True, follow=True)

    assert response.redirect_chain
    assert error(response) == (400, "use_post")
    assert "trailing slash" in response.data["non_field_errors"][0]


def test_redirected_post_without_a_flow_cookie_is_read_as_a_begin() -> None:
    client = browser()

    redirected = client.post("/auth/o/oidc", {"code": "c"}, format="json", secure=True)
    response = client.get(redirected.headers["Location"], secure=True)

    assert error(response) == (400, "redirect_uri_missing")


JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln"


@pytest.mark.parametrize("name", ["access_token", "credential", "id_token"])
def test_token_in_place_of_a_callback_points_to_the_endpoint_for_tokens(
    name: str, frontend: Frontend
) -> None:
    response = frontend.post({name: JWT})

    assert error(response) == (400, "use_token_endpoint")
    assert "`token/`" in response.data["non_field_errors"][0]


def test_credential_of_a_button_points_to_the_parameter(configure: Configure) -> None:
    configure(NATIVE_PROVIDERS=["oidc"])

    response = browser().post("/auth/o/oidc/token/", {"credential": JWT}, secure=True)

    assert error(response) == (400, "use_id_token")
    assert "`id_token`" in response.data["non_field_errors"][0]


# --- Exceptions of a backend ----------------------------------------------------------


class Talkative(GithubOAuth2):
    """A backend whose exceptions contain secrets."""

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            raise KeyError(access_token)
        except KeyError as cause:
            raise TypeError(f"no {access_token} in {self.data} of {kwargs}") from cause


class WithoutSuper(AuthException):
    """A project's exception that does not call social-core's constructor."""

    def __init__(self, backend: Any) -> None:
        self.email = "s3cret"


class NotSerializable(AuthException):
    def public_metadata(self) -> dict[str, str]:
        return {"error_code": {1, 2}}  # type: ignore[dict-item]  # the mistake of this project


class RaisesWithoutSuper(GithubOAuth2):
    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        raise WithoutSuper(self)


class RaisesNotSerializable(GithubOAuth2):
    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        raise NotSerializable(self)


@pytest.mark.parametrize(
    ("backend", "logged"),
    [
        (Talkative, ["in user_data", "TypeError", "KeyError"]),
        (RaisesWithoutSuper, ["WithoutSuper"]),
        (RaisesNotSerializable, ["NotSerializable"]),
    ],
)
def test_exception_of_a_backend_is_logged_without_secrets(
    backend: type[GithubOAuth2],
    logged: list[str],
    frontend: Frontend,
    social_provider: FakeProviders,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.{backend.__name__}"]
    tokens = ProviderResponse(content={"access_token": "the-access-token"})
    social_provider("github").replace("token", tokens)
    begun = frontend.begin("github")
    state = authorization_params(begun)["state"]

    with caplog.at_level(logging.DEBUG):
        response = frontend.complete(begun, {"code": "the-code", "state": state}, "github")

    assert error(response) == (400, "unknown_error")
    for text in logged:
        assert text in caplog.text
    secrets = ["the-access-token", "the-code", state, "our-github-secret", "s3cret"]
    if frontend.transport == "body":
        secrets.append(begun.data["flow"])
    for secret in secrets:
        assert secret not in caplog.text
        assert secret not in response.content.decode()
    assert not User.objects.exists()


# --- Exception handlers of a project --------------------------------------------------


def add_status(exc: Exception, context: Any) -> Response | None:
    """Add the status to DRF's response, as DRF's documentation shows."""
    response = exception_handler(exc, context)
    if response is not None and isinstance(response.data, dict):
        response.data["status"] = response.status_code
    return response


def reshape(exc: Exception, context: Any) -> Response | None:
    response = exception_handler(exc, context)
    if response is not None:
        codes = exc.get_codes()  # type: ignore[attr-defined]  # an APIException
        response.data = {"errors": [codes]}
    return response


def reshape_into_a_list(exc: Exception, context: Any) -> Response | None:
    response = reshape(exc, context)
    if response is not None:
        response.data = response.data["errors"]
    return response


def respond_with_django(exc: Exception, context: Any) -> JsonResponse:
    return JsonResponse({"problem": cast("APIException", exc).get_codes()}, status=422)


@pytest.mark.parametrize("path", ["oidc/?redirect_uri=https://evil.example", "oidc/callback/"])
@pytest.mark.undocumented("the project's handler chooses the status")
def test_status_of_the_projects_exception_handler_is_logged(
    path: str, client: APIClient, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REST_FRAMEWORK = {"EXCEPTION_HANDLER": f"{__name__}.respond_with_django"}
    caplog.set_level("INFO", "social_endpoints")

    response = client.get(f"/auth/o/{path}", secure=True)

    assert response.status_code == 422
    (line,) = logged(caplog)
    assert (line["event"].partition(" ")[2], line["status"]) == ("refused", "422")


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (add_status, {"error_code": "session_context_missing", "status": 400}),
        (reshape, {"errors": ["session_context_missing"]}),
        (reshape_into_a_list, ["session_context_missing"]),
    ],
)
def test_exception_handler_of_the_project_shapes_the_body(
    handler: Any, expected: Any, frontend: Frontend, settings: Any
) -> None:
    settings.REST_FRAMEWORK = {"EXCEPTION_HANDLER": f"{__name__}.{handler.__name__}"}

    response = frontend.post({"code": "c", "state": "s"})

    assert response.status_code == 400
    assert "detail" not in response.data
    if handler is add_status:
        assert expected.items() <= response.data.items()
    else:
        assert response.data == expected
