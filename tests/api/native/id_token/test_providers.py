"""Rules of single providers: Google, Microsoft and Apple."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses
from django.contrib.auth import get_user_model

from tests.support.id_token_providers import IdTokenProvider, Install
from tests.support.keys import public, signing_key
from tests.support.native import assert_refused

pytestmark = [pytest.mark.django_db]
User = get_user_model()

B2C = "https://ada.b2clogin.com/ada.onmicrosoft.com"
MICROSOFT = ["azuread-oauth2", "azuread-v2-tenant-oauth2"]


@pytest.mark.parametrize("issuer", ["accounts.google.com", "https://accounts.google.com"])
def test_google_accepts_both_spellings_of_its_issuer(issuer: str, google: IdTokenProvider) -> None:
    assert google.sign_in(google.token(iss=issuer)).status_code == 201


@pytest.mark.parametrize("name", ["google-oauth2", "google-openidconnect"])
@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_google_requires_a_verified_address(name: str, verified: Any, install: Install) -> None:
    google = install(name)

    response = google.sign_in(google.token(email_verified=verified))

    assert_refused(response, "invalid_claim", "missing_claim")


def test_microsoft_refuses_a_key_of_another_tenant(install: Install) -> None:
    azure = install("azuread-oauth2")
    azure.keys = [public(signing_key(), issuer="https://login.microsoftonline.com/another")]

    assert_refused(azure.sign_in(), "invalid_claim")


@pytest.mark.parametrize(
    ("claim", "value", "code"),
    [
        *(("tid", value, "missing_claim") for value in (None, "", 7, ["x"])),
        ("tid", "another-tenant", "invalid_claim"),
        ("scp", "access_as_user", "invalid_claim"),
        ("appid", "another-app", "invalid_claim"),
        ("azp", "another-app", "invalid_claim"),
    ],
)
@pytest.mark.parametrize("name", MICROSOFT)
def test_microsoft_refuses_other_tenants_and_access_tokens_for_an_api_of_the_project(
    name: str, claim: str, value: Any, code: str, install: Install
) -> None:
    azure = install(name)

    assert_refused(azure.sign_in(azure.token(**{claim: value})), code)


@pytest.mark.parametrize(("policy", "status"), [("b2c_1_in", 201), ("b2c_1_other", 400)])
def test_azure_b2c_requires_the_configured_policy(
    policy: str, status: int, wire: responses.RequestsMock, settings: Any
) -> None:
    azure = IdTokenProvider(
        wire,
        "azuread-b2c-oauth2",
        "social_core.backends.azuread_b2c.AzureADB2COAuth2",
        f"{B2C}/discovery/keys",
        {"iss": f"{B2C}/v2.0/", "aud": "our-azure-id", "sub": "7", "email": "ada@example.com"},
        {
            "SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_KEY": "our-azure-id",
            "SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_TENANT_NAME": "ada",
            "SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_POLICY": "b2c_1_in",
        },
        (f"{B2C}/v2.0/.well-known/openid-configuration?p=b2c_1_in", {"issuer": f"{B2C}/v2.0/"}),
    )
    azure.install(settings)

    assert azure.sign_in(azure.token(tfp=policy)).status_code == status


@pytest.mark.parametrize("as_object", [True, False])
def test_apple_user_provides_the_name(as_object: bool, apple: IdTokenProvider) -> None:
    user = {"name": {"firstName": "Ada", "lastName": "Lovelace"}, "email": "evil@example.com"}

    response = apple.sign_in(user=user if as_object else json.dumps(user))

    assert response.status_code == 201, response.data
    found = User.objects.get()
    assert (found.first_name, found.last_name) == ("Ada", "Lovelace")
    assert found.email == "ada@example.com"


@pytest.mark.parametrize(
    "user",
    [
        "{",
        "[]",
        '{"name": 7}',
        {"name": 7},
        {"name": {"x": []}},
        r'{"name": {"x": "\ud800"}}',
        {"name": {"x": "\0"}},
    ],
)
def test_malformed_apple_user_is_refused(user: Any, apple: IdTokenProvider) -> None:
    response = apple.sign_in(user=user)

    assert_refused(response, "invalid_parameter")
    assert response.data["user"]


@pytest.mark.parametrize("user", [7, True, ["x"]])
def test_apple_user_of_another_type_is_a_field_error(user: Any, apple: IdTokenProvider) -> None:
    response = apple.sign_in(user=user)

    assert response.status_code == 400
    assert response.data["user"] == ["This value must be a string."]
