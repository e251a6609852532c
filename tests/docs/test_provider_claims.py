"""What single pages of providers say, beside what all of them have in common."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import responses
from django.contrib.auth import get_user_model
from django.core.management import call_command
from social_core.pipeline import DEFAULT_AUTH_PIPELINE
from social_django.models import UserSocialAuth

from tests.support.accounts import logged_in
from tests.support.configuration import configure_endpoints
from tests.support.frontend import authorization_params, error
from tests.support.native import post_tokens
from tests.support.provider_pages import (
    FOLDER,
    ExampleProvider,
    ProviderPage,
    apply_settings,
    blocks,
)

pytestmark = pytest.mark.django_db

User = get_user_model()

Configured = Callable[..., ExampleProvider]


def page_of(name: str) -> ProviderPage:
    return ProviderPage(FOLDER / f"{name}.rst")


def agree(user: Any, **known: Any) -> bool:
    """A policy for EMAIL_ASSOCIATION_POLICY."""
    return True


@pytest.fixture
def provider(settings: Any, tmp_path: Path, wire: responses.RequestsMock) -> Configured:
    """Return a function that configures the provider of a page and returns it.

    Its argument ``block`` is a part of one of the page's blocks, which is applied as well. Other
    arguments replace values of the examples.
    """

    def provider(
        name: str, backend: str = "", *, block: str = "", **examples: Any
    ) -> ExampleProvider:
        page = page_of(name)
        backend = backend or page.backends[0].name
        apply_settings(settings, page, backend, tmp_path)
        if block:
            apply_block(page, settings, block)
        sent = {
            caption: {**example, **examples} if isinstance(example, dict) else example
            for caption, example in page.examples.items()
        }
        return ExampleProvider(wire, backend, sent)

    return provider


def apply_block(page: ProviderPage, settings: Any, text: str) -> None:
    """Run the first block of a page that contains a text, and apply its settings."""
    found = next(block for block in blocks(page.text, "python") if text in block.text)
    names: dict[str, Any] = {}
    exec(found.text.replace("myproject.", "docs.recipes."), names)
    for name, value in names.items():
        if name.isupper():
            setattr(settings, name, value)


def with_password(user: Any) -> Any:
    """Return a user who has another way to sign in."""
    user.set_password("secret")
    user.save()
    return user


def associates(login: Callable[[], Any], settings: Any, address: str) -> bool:
    """Return whether a login reaches the existing account with an address."""
    pipeline = list(DEFAULT_AUTH_PIPELINE)
    place = pipeline.index("social_core.pipeline.user.get_username")
    pipeline.insert(place, "social_endpoints.pipeline.associate_by_verified_email")
    settings.SOCIAL_AUTH_PIPELINE = pipeline
    configure_endpoints(settings, EMAIL_ASSOCIATION_POLICY="tests.docs.test_provider_claims.agree")
    account = User.objects.create_user("existing", address)
    response = login()
    assert response.status_code == 201, response.data
    return bool(UserSocialAuth.objects.get().user == account)


# --- Apple ----------------------------------------------------------------------------


def test_recipe_for_apple_revokes_the_refresh_token(
    provider: Configured, settings: Any, wire: responses.RequestsMock
) -> None:
    apple = provider("apple", block="DISCONNECT_PIPELINE")
    apple.examples["POST token"] = {"refresh_token": "refresh"}
    apple.log_in()
    wire.post("https://appleid.apple.com/auth/revoke")
    connection = UserSocialAuth.objects.get()

    response = logged_in(with_password(connection.user)).delete(
        f"/auth/connections/{connection.pk}/", secure=True
    )

    assert response.status_code == 204
    body = parse_qs(str(wire.calls[-1].request.body))
    assert (body["token"], body["client_id"]) == (["refresh"], ["com.example.web"])


@pytest.mark.parametrize("audience", [["com.example.app"], None])
def test_token_for_the_app_is_accepted_with_audience(
    audience: list[str] | None, provider: Configured, settings: Any
) -> None:
    apple = provider("apple")
    settings.SOCIAL_AUTH_APPLE_ID_AUDIENCE = audience
    apple.client_id = "com.example.app"

    native = post_tokens("apple-id", id_token=apple.id_token())

    expected = (201, None) if audience else (400, "invalid_claim")
    assert error(native) == expected
    assert apple.log_in().status_code == 201


def test_apple_without_scopes_has_no_handoff(provider: Configured, settings: Any) -> None:
    apple = provider("apple")
    settings.SOCIAL_AUTH_APPLE_ID_SCOPE = []

    params = authorization_params(apple.begin())

    assert params["redirect_uri"] == "https://app.example.com/login/callback"
    assert "response_mode" not in params


# --- Google ---------------------------------------------------------------------------


def test_block_for_google_admits_one_domain(provider: Configured) -> None:
    google = provider("google", block="WHITELISTED_DOMAINS")
    assert authorization_params(google.begin())["hd"] == "example.com"

    assert google.log_in().status_code == 201
    other = provider("google", block="WHITELISTED_DOMAINS", email="eve@example.org", sub="2")
    assert error(other.log_in()) == (400, "authentication_disallowed")


def test_google_without_a_verified_address_is_refused(provider: Configured) -> None:
    response = provider("google", email_verified=False).log_in()

    assert error(response) == (400, "invalid_claim")


def test_block_for_google_asks_for_a_refresh_token(provider: Configured) -> None:
    params = authorization_params(provider("google", block="access_type").begin())

    assert (params["access_type"], params["prompt"]) == ("offline", "consent")


@pytest.mark.parametrize(
    ("stored", "is_allowed", "expected"),
    [
        ({"sub": "110169484474386276334"}, False, (201, None)),
        ({}, False, (400, "identifier_migration_conflict")),
        ({}, True, (201, None)),
    ],
)
@pytest.mark.parametrize("use_unique_user_id", [None, True])
def test_old_accounts_of_google_change_their_uid(
    stored: dict[str, str],
    is_allowed: bool,
    expected: tuple[int, str | None],
    use_unique_user_id: bool | None,
    provider: Configured,
    settings: Any,
) -> None:
    google = provider("google")
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_ALLOW_UNVERIFIED_LEGACY_UID_MIGRATION = is_allowed
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_USE_UNIQUE_USER_ID = use_unique_user_id
    user = User.objects.create_user("ada")
    UserSocialAuth.objects.create(
        user=user, provider="google-oauth2", uid="ada@example.com", extra_data=stored
    )

    response = google.log_in()

    assert error(response) == expected
    social = UserSocialAuth.objects.get()
    is_changed = expected[0] == 201
    assert social.uid == ("110169484474386276334" if is_changed else "ada@example.com")


# --- GitHub ---------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "expected"), [(204, 201), (404, 400)])
def test_backend_for_an_organization_of_github_admits_members(
    status: int, expected: int, provider: Configured, wire: responses.RequestsMock
) -> None:
    github = provider("github", "github-org")
    wire.get("https://api.github.com/orgs/example/members/ada", status=status)

    response = github.log_in()

    assert response.status_code == expected
    if expected == 400:
        assert error(response)[1] == "membership_required"


def test_github_without_scope_has_an_unverified_address(
    provider: Configured, settings: Any
) -> None:
    github = provider("github")
    settings.SOCIAL_AUTH_GITHUB_SCOPE = []

    assert not associates(github.log_in, settings, "ada@public.example.com")
    assert UserSocialAuth.objects.get().user.email == "ada@public.example.com"


# --- Microsoft ------------------------------------------------------------------------


def test_another_tenant_of_microsoft_is_refused(provider: Configured) -> None:
    other = "55555555-5555-5555-5555-555555555555"
    issuer = f"https://login.microsoftonline.com/{other}/v2.0"

    response = provider("microsoft", tid=other, iss=issuer).log_in()

    assert error(response) == (400, "invalid_claim")


def test_microsoft_without_xms_edov_has_an_unverified_address(
    provider: Configured, settings: Any
) -> None:
    login = provider("microsoft", xms_edov=False).log_in

    assert not associates(login, settings, "ada@example.com")


def test_single_page_application_of_microsoft_is_in_the_log(
    provider: Configured, wire: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    microsoft = provider("microsoft")
    microsoft.tokens = 400, {"error": "invalid_request", "error_description": "AADSTS9002327"}

    assert microsoft.log_in().status_code == 400
    assert "provider_error=invalid_request" in caplog.text


def test_personal_account_of_microsoft_has_a_verified_address(
    provider: Configured, settings: Any
) -> None:
    tenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
    issuer = f"https://login.microsoftonline.com/{tenant}/v2.0"
    microsoft = provider("microsoft", "azuread-oauth2-v2", tid=tenant, iss=issuer, xms_edov=None)

    assert associates(microsoft.log_in, settings, "ada@example.com")


def test_addresses_of_azure_b2c_are_not_verified(provider: Configured, settings: Any) -> None:
    claims = {
        "iss": "https://example.b2clogin.com/22222222-2222-2222-2222-222222222222/v2.0/",
        "tfp": "B2C_1_sign_up_and_sign_in",
    }
    login = provider("microsoft", "azuread-b2c-oauth2", **claims).log_in

    assert not associates(login, settings, "ada@example.com")


# --- Facebook, LinkedIn, X, GitLab, Slack ----------------------------------------------


def test_facebook_without_an_address_creates_an_account(provider: Configured) -> None:
    response = provider("facebook", email=None).log_in()

    assert response.status_code == 201, response.data
    assert User.objects.get().email == ""


def test_profile_of_facebook_is_requested_with_proof_and_fields(
    provider: Configured, wire: responses.RequestsMock
) -> None:
    provider("facebook").log_in()

    query = parse_qs(str(wire.calls[-1].request.url).partition("?")[2])
    assert query["fields"] == ["id,name,first_name,last_name,email"]
    assert len(query["appsecret_proof"][0]) == 64


def test_access_token_of_linkedin_signs_in_with_the_block(
    provider: Configured, wire: responses.RequestsMock
) -> None:
    provider("linkedin", block="INTROSPECTION_URL")
    wire.post(
        "https://www.linkedin.com/oauth/v2/introspectToken",
        json={"active": True, "client_id": "client id", "scope": "openid,profile,email"},
    )

    response = post_tokens("linkedin-openidconnect", access_token="token")

    assert response.status_code == 201, response.data
    assert User.objects.get().email == "ada@example.com"


def test_id_token_of_linkedin_without_nonce_is_refused(provider: Configured) -> None:
    linkedin = provider("linkedin", block="INTROSPECTION_URL")
    linkedin.client_id = "client id"

    response = post_tokens("linkedin-openidconnect", id_token=linkedin.id_token())

    assert error(response) == (400, "missing_claim")


def test_check_of_linkedin_finds_no_error(provider: Configured) -> None:
    """LinkedIn's discovery does not list how clients authenticate."""
    provider("linkedin")
    output = io.StringIO()

    call_command("social_providers", "linkedin-openidconnect", "--check", stdout=output)

    assert "  note          client: authentication by client_secret_post, but" in output.getvalue()


@pytest.mark.parametrize("address", ["ada@example.com", None])
def test_recipe_for_x_asks_for_the_address(
    address: str | None, provider: Configured, wire: responses.RequestsMock
) -> None:
    x = provider("x", block="XWithEmail")
    data = x.examples["GET https://api.twitter.com/2/users/me"]["data"]
    if address:
        data["confirmed_email"] = address
        wire.replace("GET", "https://api.twitter.com/2/users/me", json={"data": data})

    params = authorization_params(x.begin())
    response = x.log_in()

    assert params["scope"] == "users.read tweet.read users.email"
    assert response.status_code == 201, response.data
    assert User.objects.get().email == (address or "")


@pytest.mark.parametrize("status", [402, 403])
def test_profile_that_x_refuses_is_an_http_error(
    status: int,
    provider: Configured,
    wire: responses.RequestsMock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    x = provider("x")
    wire.replace("GET", "https://api.twitter.com/2/users/me", status=status)

    assert error(x.log_in()) == (400, "http_error")
    assert re.search(rf"stage=user_info .*cause=http_{status}\b", caplog.text)


def test_block_for_groups_of_gitlab_admits_members(
    provider: Configured, wire: responses.RequestsMock
) -> None:
    gitlab = provider("gitlab", block="ALLOW_GROUPS")
    wire.get("https://gitlab.com/api/v4/groups", json=[{"full_path": "example"}])
    assert authorization_params(gitlab.begin())["scope"] == "read_user read_api"

    assert gitlab.log_in().status_code == 201
    wire.replace("GET", "https://gitlab.com/api/v4/groups", json=[{"full_path": "other"}])
    assert error(gitlab.log_in()) == (400, "authentication_disallowed")


def test_block_for_a_server_of_gitlab(provider: Configured) -> None:
    begun = provider("gitlab", block="API_URL").begin()

    assert begun.data["authorization_url"].startswith("https://gitlab.example.com/oauth/authorize?")


def test_access_token_of_gitlab_signs_in_with_the_block(
    provider: Configured, wire: responses.RequestsMock
) -> None:
    provider("gitlab", block="INTROSPECTION_URL")
    wire.post(
        "https://gitlab.com/oauth/introspect",
        json={"active": True, "client_id": "application id", "scope": "read_user"},
    )

    response = post_tokens("gitlab", access_token="token")

    assert response.status_code == 201, response.data


@pytest.mark.parametrize(("team", "status"), [("T0123456789", 201), ("T0R7GR", 400)])
def test_recipe_for_slack_admits_one_workspace(
    team: str, status: int, provider: Configured, settings: Any
) -> None:
    slack = provider("slack", **{"https://slack.com/team_id": team})
    settings.AUTHENTICATION_BACKENDS = ["docs.recipes.slack_workspace.SlackOpenIdConnect"]

    response = slack.log_in()

    assert response.status_code == status
    if status == 400:
        assert error(response)[1] == "authentication_disallowed"
