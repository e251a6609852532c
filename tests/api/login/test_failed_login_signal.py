"""``user_login_failed``: sent when a presented credential is rejected, and at no other time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
import responses
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed
from rest_framework.exceptions import ValidationError
from social_core.exceptions import REASONS, AuthCredentialError

from social_endpoints.internal.actions.outcome import REJECTED_CREDENTIAL_CODES
from tests.support.access_token_providers import github
from tests.support.accounts import logged_in
from tests.support.frontend import Frontend, authorization_params
from tests.support.id_token_providers import PROVIDERS, IdTokenProvider
from tests.support.keys import other_key
from tests.support.native import post_tokens
from tests.support.openid2_provider import OpenID2Provider
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.pipeline import ASK_NAME, BEFORE_CREATE_USER, pipeline_with
from tests.support.signals import received

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings('ignore:The "namespace" attribute:DeprecationWarning'),
]
User = get_user_model()
Project = tuple[Frontend, OpenIDProvider, Any]


def refuse(**kwargs: Any) -> None:
    raise ValidationError({"invitation": ["You need an invitation."]})


def reject_an_answer(backend: Any, **kwargs: Any) -> None:
    raise AuthCredentialError(backend)


@pytest.fixture
def project(openid: OpenIDProvider, settings: Any) -> Project:
    return Frontend(), openid, settings


def failures(call: Callable[..., Any], *args: Any, **kwargs: Any) -> list[Any]:
    """Return the error codes that the signal has reported for a refused request."""
    with received(user_login_failed) as failed:
        response = call(*args, **kwargs)
    assert response.status_code in {400, 404}, response.data
    codes = [failure["credentials"]["error_code"] for failure in failed]
    assert codes in ([], [response.data.get("error_code")])
    return codes


# --- Redirect logins --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "their-client-id"}, "invalid_claim"),
        ({"exp": 1}, "response_expired"),
        ({"nonce": "of-another-login"}, "nonce_mismatch"),
    ],
)
def test_rejected_id_token_is_reported(claims: Any, code: str, project: Project) -> None:
    frontend, openid, _ = project
    openid.claims.update(claims)

    assert failures(frontend.log_in, openid) == [code]


def test_signature_algorithm_that_is_not_allowed_is_not_reported(project: Project) -> None:
    """The settings may be wrong, and then everybody would be locked out."""
    frontend, openid, settings = project
    settings.SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = ["ES256"]

    assert failures(frontend.log_in, openid) == []


def test_rejected_code_is_reported(project: Project) -> None:
    frontend, openid, _ = project
    begun, callback = frontend.authorize(openid)

    callback["code"] = Frontend().authorize(openid)[1]["code"]

    assert failures(frontend.complete, begun, callback) == ["authorization_code_rejected"]


def test_rejected_identity_at_connect_is_not_a_failed_login(project: Project) -> None:
    _, openid, _ = project
    client = logged_in(User.objects.create_user("ada"))
    openid.claims["aud"] = "their-client-id"

    assert failures(Frontend(below="connect/", client=client).log_in, openid) == []


@pytest.mark.parametrize(
    "value",
    ["access_denied", "server_error", "invalid_token", "invalid_grant", "token_expired", "other"],
)
def test_error_in_a_callback_is_not_reported(value: str, project: Project) -> None:
    frontend, openid, _ = project
    begun, callback = frontend.authorize(openid)

    declined = {"error": value, "state": callback["state"]}

    assert failures(frontend.complete, begun, declined) == []


@pytest.mark.parametrize(
    "outage",
    [
        {"body": requests.ConnectionError()},
        {"body": requests.Timeout()},
        {"status": 503},
        {"status": 429},
        {"status": 400, "json": {"error": "invalid_client"}},
        {"body": "<html>"},
        {"json": {}},
    ],
    ids=str,
)
def test_failure_of_the_provider_is_not_reported(outage: Any, project: Project) -> None:
    frontend, openid, _ = project
    begun, callback = frontend.authorize(openid)
    openid.wire.replace("POST", f"{ISSUER}/token", **outage)

    assert failures(frontend.complete, begun, callback) == []


@pytest.mark.parametrize("sent", [{}, {"code": "c"}, {"code": "c", "state": "s"}, {"error": "e"}])
def test_callback_without_a_flow_is_not_reported(sent: dict[str, str], project: Project) -> None:
    assert failures(lambda: project[0].post(sent)) == []


def test_used_flow_is_not_reported(project: Project) -> None:
    frontend, openid, _ = project
    begun, callback = frontend.authorize(openid)
    flow = dict(frontend.client.cookies)
    frontend.complete(begun, callback)
    frontend.client.cookies.update(flow)

    assert failures(frontend.complete, begun, callback) == []


@pytest.mark.parametrize("reason", ["a step", "an inactive user", "an address in use"])
def test_refusal_by_the_project_is_not_reported(reason: str, project: Project) -> None:
    frontend, openid, settings = project
    if reason == "a step":
        settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, f"{__name__}.refuse"))
    elif reason == "an inactive user":
        frontend.log_in(openid)
        User.objects.update(is_active=False)
    else:
        settings.SOCIAL_AUTH_PIPELINE = pipeline_with(
            (BEFORE_CREATE_USER, "social_core.pipeline.social_auth.associate_by_email")
        )
        for name in ("ada", "grace"):
            User.objects.create_user(name, "ada@example.com")

    assert failures(frontend.log_in, openid) == []


def test_wrong_answer_in_a_paused_form_is_not_reported(project: Project) -> None:
    frontend, openid, settings = project
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, ASK_NAME))
    paused = frontend.log_in(openid)

    assert failures(frontend.resume, paused, name="") == []


def test_exception_of_a_step_is_not_reported(project: Project) -> None:
    frontend, openid, settings = project
    step = f"{__name__}.reject_an_answer"
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, step))

    with received(user_login_failed) as failed:
        response = frontend.log_in(openid)

    assert response.data["error_code"] == "credential_rejected"
    assert response.data["error_stage"] == "pipeline"
    assert failed == []


# --- Callbacks that are signed ----------------------------------------------------------


def test_forged_telegram_fields_are_reported(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.telegram.TelegramAuth"]
    settings.SOCIAL_AUTH_TELEGRAM_BOT_TOKEN = "12345:the-secret-of-the-bot"
    frontend = Frontend()
    begun = frontend.begin("telegram")
    forged = {"id": "7", "auth_date": "9999999999", "hash": "0" * 64}
    if "return_to" in authorization_params(begun):
        query = authorization_params(begun)["return_to"].partition("?")[2]
        forged |= dict(pair.split("=", 1) for pair in filter(None, query.split("&")))

    assert failures(frontend.complete, begun, forged, "telegram")


def test_forged_openid_signature_is_reported(wire: responses.RequestsMock, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.open_id.OpenIdAuth"]
    frontend, openid2 = Frontend(), OpenID2Provider(wire)
    begun = frontend.begin("openid", openid_identifier="https://openid.example.com/")
    callback = openid2.authorize(begun.data["authorization_url"])
    callback["openid.sig"] = "Zm9yZ2Vk"

    assert failures(frontend.complete, begun, callback, "openid")


# --- Native sign-in ---------------------------------------------------------------------


@pytest.fixture
def oidc(wire: responses.RequestsMock, settings: Any) -> IdTokenProvider:
    provider: IdTokenProvider = PROVIDERS["oidc"](wire)
    provider.install(settings)
    return provider


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (lambda oidc: oidc.token(aud="their-client-id"), "invalid_claim"),
        (lambda oidc: oidc.token(iat=1, exp=2), "response_expired"),
        (lambda oidc: oidc.token(other_key()), "invalid_signature"),
        (lambda oidc: "not-a-token", "invalid_claim"),
    ],
)
def test_rejected_id_token_of_an_app_is_reported(
    token: Any, code: str, oidc: IdTokenProvider
) -> None:
    assert failures(oidc.sign_in, token(oidc)) == [code]


def test_id_token_that_has_signed_in_is_reported(oidc: IdTokenProvider) -> None:
    token = oidc.token()
    oidc.sign_in(token)

    assert failures(oidc.sign_in, token) == ["credential_rejected"]


def test_outage_and_missing_nonce_are_not_reported(oidc: IdTokenProvider) -> None:
    oidc.status = 503
    assert failures(oidc.sign_in) == []
    oidc.status = 200
    oidc.nonce = None
    assert failures(oidc.sign_in, oidc.token(nonce="n")) == []


def test_access_token_of_another_client_or_user_is_reported(
    openid: OpenIDProvider, configure: Any
) -> None:
    provider = github()
    provider.install(openid)
    configure(NATIVE_PROVIDERS=["github"])
    provider.profile["id"] = 999
    assert failures(provider.sign_in) == ["invalid_claim"]
    provider.claims.update(provider.of_others)
    assert failures(provider.sign_in) == ["invalid_claim"]


def test_native_sign_in_that_is_off_is_not_reported(openid: OpenIDProvider) -> None:
    assert failures(post_tokens, "oidc", id_token="x") == []


def test_unverified_address_at_google_is_not_reported(
    wire: responses.RequestsMock, settings: Any
) -> None:
    google = PROVIDERS["google-oauth2"](wire)
    google.install(settings)

    assert failures(google.sign_in, google.token(email_verified=False)) == []


def test_reported_codes_exist() -> None:
    assert REJECTED_CREDENTIAL_CODES - {"nonce_not_hashed"} <= set(REASONS)
