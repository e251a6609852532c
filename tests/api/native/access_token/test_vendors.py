"""The verifiers for Google, Facebook and GitHub."""

from __future__ import annotations

import json
import logging
import time
from base64 import b64decode
from typing import Any

import jwt
import pytest
from social_core.backends.github import GithubOAuth2
from social_django.models import UserSocialAuth

from tests.support.access_token_providers import (
    CHECK,
    DEBUG_TOKEN,
    TOKEN,
    TOKENINFO,
    Install,
    TokenProvider,
)
from tests.support.configuration import Configure
from tests.support.native import assert_refused, post_tokens
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db

HERE = "tests.api.native.access_token.test_vendors"


# --- Google ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["aud", "azp"])
def test_google_audience_and_presenter_must_be_own_clients(
    name: str, google: TokenProvider
) -> None:
    google.claims[name] = "their-google-id"
    assert_refused(google.sign_in(), "invalid_claim")
    google.claims["aud"] = "our-google-id"
    google.claims.pop("azp")

    assert google.sign_in().status_code == 201


def test_google_lifetime_must_not_be_missing(google: TokenProvider) -> None:
    del google.claims["expires_in"]

    assert_refused(google.sign_in(), "missing_claim")


def test_google_token_is_sent_in_a_header(google: TokenProvider) -> None:
    google.sign_in()

    (asked,) = google.asked
    assert (asked.url, asked.body) == (TOKENINFO, None)
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("status", [400, 401])
def test_token_that_google_does_not_know_is_rejected(status: int, google: TokenProvider) -> None:
    google.status = status
    google.response = {"error": "invalid_token", "error_description": "Invalid Value"}

    assert_refused(google.sign_in(), "credential_rejected", recovery="reauthenticate")


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iss": "https://accounts.google.com", "aud": "id", "sub": "7"}, "use_id_token"),
        ({"iss": "a", "aud": "b", "sub": "7", "scope": "email"}, "credential_rejected"),
        ({"iss": "a"}, "credential_rejected"),
    ],
)
def test_rejected_id_token_points_to_its_parameter(
    claims: dict[str, str], code: str, google: TokenProvider
) -> None:
    google.status, google.response = 400, {"error": "invalid_token"}

    assert_refused(google.sign_in(jwt.encode(claims, "a secret of 32 bytes, or of more")), code)


def test_google_address_must_be_verified(google: TokenProvider) -> None:
    google.profile["email_verified"] = False

    assert_refused(google.sign_in(), "invalid_claim")


# --- Facebook -------------------------------------------------------------------------


def test_facebook_request_is_authenticated_as_the_app(facebook: TokenProvider) -> None:
    facebook.sign_in()

    (asked,) = facebook.asked
    assert asked.url.partition("?")[0] == DEBUG_TOKEN
    app_token = "our-facebook-id|our-facebook-secret"
    assert asked.params == {"input_token": TOKEN, "access_token": app_token}


@pytest.mark.parametrize(
    "claims",
    [
        {"is_valid": False, "error": {"code": 190, "message": "The session was invalidated."}},
        *({"is_valid": value} for value in ("true", 1)),
        *({"type": value} for value in ("PAGE", "APP", None)),
    ],
)
def test_facebook_token_must_be_valid_and_belong_to_a_user(
    claims: Any, facebook: TokenProvider
) -> None:
    facebook.claims.update(claims)

    assert_refused(facebook.sign_in(), "credential_rejected", recovery="reauthenticate")


@pytest.mark.parametrize("are_missing", [False, True])
def test_facebook_token_without_end_signs_in(are_missing: bool, facebook: TokenProvider) -> None:
    for name in ("expires_at", "data_access_expires_at"):
        facebook.claims[name] = 0
        if are_missing:
            del facebook.claims[name]

    assert facebook.sign_in().status_code == 201
    assert "expires_in" not in UserSocialAuth.objects.get().extra_data


def test_facebook_token_without_access_to_the_profile_is_refused(facebook: TokenProvider) -> None:
    facebook.claims["data_access_expires_at"] = int(time.time()) - 5

    assert_refused(facebook.sign_in(), "response_expired")


@pytest.mark.parametrize(
    ("error", "code"), [(100, "credential_rejected"), (4, "rate_limited"), (1, "http_error")]
)
def test_facebook_error_code_decides(error: int, code: str, facebook: TokenProvider) -> None:
    facebook.status = 400
    facebook.response = {"error": {"message": "No.", "type": "OAuthException", "code": error}}

    assert_refused(facebook.sign_in(), code)


# --- GitHub ---------------------------------------------------------------------------


def test_github_request_is_authenticated_as_the_app(github: TokenProvider) -> None:
    github.sign_in()

    (asked,) = github.asked
    assert (asked.url, json.loads(asked.body)) == (CHECK, {"access_token": TOKEN})
    credentials = asked.headers["Authorization"].removeprefix("Basic ")
    assert b64decode(credentials) == b"our-github-id:our-github-secret"


@pytest.mark.parametrize("status", [404, 422])
def test_token_that_github_does_not_know_is_rejected(status: int, github: TokenProvider) -> None:
    github.status, github.response = status, {"message": "Not Found"}

    assert_refused(github.sign_in(), "credential_rejected", recovery="reauthenticate")


def test_github_token_without_user_is_refused(github: TokenProvider) -> None:
    github.response["user"] = None

    assert_refused(github.sign_in(), "missing_claim")


def test_github_403_is_a_rate_limit_if_it_has_a_retry_after(github: TokenProvider) -> None:
    github.status, github.response = 403, {"message": "Slow down"}
    assert_refused(github.sign_in(), "http_error")
    github.headers = {"Retry-After": "60"}

    response = github.sign_in()

    assert_refused(response, "rate_limited", recovery="retry_later")
    assert response.headers["Retry-After"] == "60"


class CompanyGithub(GithubOAuth2):
    name = "company-github"


def test_github_verifier_is_used_for_subclasses_and_enterprise_servers(
    github: TokenProvider, openid: OpenIDProvider, settings: Any, configure: Configure
) -> None:
    api = "https://github.example.com/api/v3"
    enterprise = "social_core.backends.github_enterprise.GithubEnterpriseOAuth2"
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.CompanyGithub", enterprise]
    names = ["company-github", "github-enterprise"]
    configure(NATIVE_PROVIDERS=names)
    for name in ("COMPANY_GITHUB", "GITHUB_ENTERPRISE"):
        setattr(settings, f"SOCIAL_AUTH_{name}_KEY", "our-github-id")
        setattr(settings, f"SOCIAL_AUTH_{name}_SECRET", "our-github-secret")
    settings.SOCIAL_AUTH_GITHUB_ENTERPRISE_API_URL = api
    openid.wire.add("POST", f"{api}/applications/our-github-id/token", json=github.response)
    openid.wire.add("GET", f"{api}/user", json=github.profile)

    assert [post_tokens(name, access_token=TOKEN).status_code for name in names] == [201, 201]


@pytest.mark.parametrize(("status", "expected"), [(204, 201), (404, 400)])
def test_github_membership_is_required_as_in_a_redirect_login(
    status: int,
    expected: int,
    github: TokenProvider,
    openid: OpenIDProvider,
    settings: Any,
    configure: Configure,
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.github.GithubOrganizationOAuth2"]
    configure(NATIVE_PROVIDERS=["github-org"])
    settings.SOCIAL_AUTH_GITHUB_ORG_KEY = "our-github-id"
    settings.SOCIAL_AUTH_GITHUB_ORG_SECRET = "our-github-secret"
    settings.SOCIAL_AUTH_GITHUB_ORG_NAME = "corp"
    openid.wire.add("GET", "https://api.github.com/orgs/corp/members/ada", status=status)

    response = post_tokens("github-org", access_token=TOKEN)

    assert response.status_code == expected
    assert expected == 201 or response.data["error_code"] == "membership_required"


# --- The client id and the client secret ----------------------------------------------


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("github", 401, {"message": "Bad credentials"}),
        ("oidc", 401, {"error": "invalid_client"}),
        ("oidc", 401, "Who are you?"),
        ("oidc", 403, {"error": "forbidden"}),
        ("oidc", 400, {"error": "invalid_client"}),
        ("facebook", 400, {"error": {"code": 190, "type": "OAuthException"}}),
        ("facebook", 400, {"error": {"code": 101, "type": "OAuthException"}}),
    ],
)
def test_refused_client_secret_is_a_400_and_logged_as_a_warning(
    name: str, status: int, body: Any, install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    provider = install(name)
    provider.status, provider.response = status, body

    assert_refused(provider.sign_in(), "invalid_setting", recovery="contact_administrator")
    (record,) = [record for record in caplog.records if record.name == "social_endpoints"]
    assert record.levelno == logging.WARNING
    assert "invalid_client" in record.message


@pytest.mark.parametrize("name", ["github", "facebook", "oidc"])
@pytest.mark.parametrize("missing", ["KEY", "SECRET"])
def test_missing_client_is_a_configuration_error(
    name: str, missing: str, install: Install, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    provider = install(name)
    setattr(settings, f"SOCIAL_AUTH_{name.upper()}_{missing}", None)

    response = provider.sign_in()

    assert (response.status_code, response.data["error_code"]) == (500, "missing_setting")
    assert missing in caplog.text
    assert provider.asked == []
