"""Errors in a callback (RFC 6749 section 4.1.2.1): the browser's word, and always a 400."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from social_django.models import Nonce

from social_endpoints.testing import FakeProviders
from tests.support.fakes import sign_in
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, error
from tests.support.handoff import handoff_params, post_to_callback
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()
DECLINED = ("authorization_declined", "none")
REAUTHENTICATE = ("reauthentication_required", "reauthenticate")
UNAVAILABLE = ("unavailable", "retry_later")
MISCONFIGURED = ("invalid_setting", "contact_administrator")

PROVIDERS = ["oidc", "github", "discourse", "telegram"]


@pytest.fixture
def four_providers(openid: OpenIDProvider, settings: Any) -> None:
    """Configure a provider of each protocol that asks no server at begin."""
    settings.AUTHENTICATION_BACKENDS = [
        *settings.AUTHENTICATION_BACKENDS,
        "social_core.backends.discourse.DiscourseAuth",
        "social_core.backends.telegram.TelegramAuth",
    ]
    settings.SOCIAL_AUTH_DISCOURSE_SECRET = "secret"
    settings.SOCIAL_AUTH_DISCOURSE_SERVER_URL = "https://discourse.example.com"
    settings.SOCIAL_AUTH_TELEGRAM_BOT_TOKEN = "12345:the-secret-of-the-bot"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("access_denied", DECLINED),
        ("user_cancelled_login", DECLINED),
        ("user_cancelled_authorize", DECLINED),
        ("login_required", REAUTHENTICATE),
        ("interaction_required", REAUTHENTICATE),
        ("consent_required", REAUTHENTICATE),
        ("account_selection_required", REAUTHENTICATE),
        ("temporarily_unavailable", UNAVAILABLE),
        ("server_error", UNAVAILABLE),
        ("invalid_scope", MISCONFIGURED),
        ("unauthorized_client", MISCONFIGURED),
        ("something else", ("http_error", "contact_administrator")),
    ],
)
@pytest.mark.parametrize("name", PROVIDERS)
def test_error_in_a_callback_is_a_400_with_its_code(
    value: str,
    expected: tuple[str, str],
    name: str,
    four_providers: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    frontend = Frontend()
    begun = frontend.begin(name)
    params = authorization_params(begun)
    state = {"state": params["state"]} if "state" in params else {}
    callback = {"error": value, "error_description": "<b>of the provider</b>", **state}

    response = frontend.complete(begun, callback, name)

    assert response.status_code == 400
    assert (response.data["error_code"], response.data["error_recovery"]) == expected
    assert response.data["error_stage"] == "callback"
    assert "of the provider" not in str(response.data)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize(
    "change",
    [
        {"error": "access_denied"},
        {"error": "invalid_request"},
        {"error": "x" * 900, "code": "code"},
        {"error_code": "1", "code": ""},
        {"denied": "x"},
        {"oauth_problem": "x", "code": ""},
    ],
    ids=lambda change: str(change)[:40],
)
@pytest.mark.parametrize("posts", [False, True])
def test_error_in_a_callback_leaves_the_login_open(
    change: dict[str, str],
    posts: bool,
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
) -> None:
    if posts:
        settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}
    begun, callback = frontend.authorize(openid)

    def complete(params: dict[str, str]) -> Any:
        params = handoff_params(post_to_callback(params)) if posts else params
        return frontend.complete(begun, params)

    for _ in range(2):
        rejected = complete({**callback, **change})
        assert rejected.status_code == 400
        assert rejected.data["error_stage"] == "callback"
        assert not rejected.cookies
    assert not Nonce.objects.exists()
    assert "/token" not in openid.paths
    assert complete(callback).status_code == 201


def test_error_in_a_callback_of_telegram_leaves_the_login_open(
    four_providers: None, frontend: Frontend
) -> None:
    begun = frontend.begin("telegram")
    declined = {"tgAuthResult": b64encode(b"false").decode()}

    for _ in range(2):
        rejected = frontend.complete(begun, declined, "telegram")
        assert error(rejected) == (400, "authorization_declined")
    assert not Nonce.objects.exists()


def test_error_in_a_callback_of_another_login_is_a_mismatch(
    openid: OpenIDProvider,
) -> None:
    frontend = Frontend("body")
    begun, other = frontend.begin(), frontend.begin()
    callback = {"error": "access_denied", "state": authorization_params(other)["state"]}

    assert error(frontend.complete(begun, callback)) == (400, "state_mismatch")


def test_invalid_request_in_a_callback_is_a_400(frontend: Frontend, openid: OpenIDProvider) -> None:
    """Its code differs between social-core 6 and 7."""
    begun, callback = frontend.authorize(openid)

    response = frontend.complete(begun, {"error": "invalid_request", "state": callback["state"]})

    assert response.status_code == 400
    assert response.data["error_recovery"] == "contact_administrator"


@pytest.mark.parametrize(
    "callback",
    [
        {"error": "access_denied"},
        {"error": "something_else"},
        {"error": ""},
        {"error_code": ""},
        {"error_code": "1"},
        {"denied": "x"},
        {"oauth_problem": "x"},
        {"oauth_problem": "x", "code": "code"},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["oidc", "github"])
def test_error_without_a_state_is_rejected_and_the_logins_stay_open(
    callback: dict[str, str],
    name: str,
    frontend: Frontend,
    openid: OpenIDProvider,
    social_provider: FakeProviders,
) -> None:
    social_provider("github").fail("token", 200, "invalid_grant")
    begun = [frontend.begin(name) for _ in range(2)]

    rejected = [frontend.complete(each, callback, name) for each in begun]

    assert [response.status_code for response in rejected] == [400, 400]
    for each in begun:
        own = {"code": "code", "state": authorization_params(each)["state"]}
        assert error(frontend.complete(each, own, name)) == (400, "authorization_code_rejected")


def test_declined_login_without_a_state_has_its_code(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    response = frontend.complete(frontend.begin(), {"error": "access_denied"})

    assert error(response) == (400, "authorization_declined")


def test_error_of_the_token_endpoint_is_not_taken_for_the_users(
    frontend: Frontend, social_provider: FakeProviders
) -> None:
    github = social_provider("github")
    github.fail("token", 200, "login_required")

    assert error(sign_in(github, frontend, "github")) == (400, "http_error")


@pytest.mark.parametrize(
    "callback",
    [
        {"code": "code", "state": "state", "iss": "https://other.example.com"},
        {"code": "code", "state": "state"},
        {"sso": b64encode(b"nonce=1").decode(), "sig": "0"},
        {"openid.mode": "id_res", "openid.return_to": REDIRECT_URI},
        {"oauth_token": "token", "oauth_verifier": "verifier"},
    ],
    ids=["oidc", "oauth2", "discourse", "openid", "oauth1"],
)
@pytest.mark.parametrize("name", PROVIDERS)
def test_callback_of_another_protocol_is_rejected(
    callback: dict[str, str], name: str, frontend: Frontend, four_providers: None
) -> None:
    response = frontend.complete(frontend.begin(name), callback, name)

    assert response.status_code == 400
    assert not User.objects.exists()
