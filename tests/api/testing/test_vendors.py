"""Logins at some fake vendors. tests/providers has all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse, HttpResponseRedirect
from django.test import Client
from django.utils.module_loading import import_string
from rest_framework.test import APIClient
from social_django.models import UserSocialAuth

from social_endpoints import testing
from social_endpoints.testing import FakeProvider, ProviderRequest, SocialLoginError
from tests.support.fakes import GRACE, Backends
from tests.support.frontend import error
from tests.support.keys import elliptic_key, private_pem

pytestmark = pytest.mark.django_db

SITE = "https://id.example.com"
KEYCLOAK = {"AUTHORIZATION_URL": f"{SITE}/authorize", "ACCESS_TOKEN_URL": f"{SITE}/token"}
B2C = {"TENANT_ID": "acme", "TENANT_NAME": "acme", "POLICY": "b2c_1_signin"}
APPLE = {"CLIENT": "com.example", "TEAM": "team", "SECRET": private_pem(elliptic_key())}

BACKENDS: dict[str, dict[str, Any]] = {
    "apple.AppleIdAuth": {**APPLE, "SCOPE": ["email"]},
    "auth0.Auth0OAuth2": {"DOMAIN": "acme.auth0.com"},
    "azuread.AzureADOAuth2": {},
    "azuread_b2c.AzureADB2COAuth2": {**B2C, "AUTHORITY_HOST": "acme.b2clogin.com"},
    "cognito.CognitoOAuth2": {"POOL_DOMAIN": SITE, "SCOPE": ["openid"]},
    "discord.DiscordOAuth2": {"SCOPE": ["email"]},
    "facebook.FacebookOAuth2": {"SCOPE": ["public_profile", "email"]},
    "gitlab.GitLabOAuth2": {},
    "microsoft.MicrosoftOAuth2": {},
    "stripe.StripeOAuth2": {},
    "vk.VKIDOAuth2": {},
    "untappd.UntappdOAuth2": {},
}


@pytest.mark.parametrize("path", BACKENDS)
def test_login_at_vendor_stores_its_user_id(
    path: str, backends: Backends, social_login: Any
) -> None:
    backends(f"social_core.backends.{path}", **BACKENDS[path])
    name = import_string(f"social_core.backends.{path}").name

    social_login(Client(), name, **GRACE)

    assert UserSocialAuth.objects.get().uid == "4711"


@pytest.mark.parametrize("path", ["facebook.FacebookOAuth2", "open_id_connect.OpenIdConnectAuth"])
def test_address_needs_scope(
    path: str, backends: Backends, social_login: Any, social_provider: Any, django_user_model: Any
) -> None:
    own = {"OIDC_ENDPOINT": SITE, "IGNORE_DEFAULT_SCOPE": True, "SCOPE": ["openid"]}
    backends(f"social_core.backends.{path}", **own)
    name = import_string(f"social_core.backends.{path}").name

    social_login(Client(), name, sub="1")
    with pytest.raises(
        ImproperlyConfigured, match=r"scope 'email'\. Add it to SOCIAL_AUTH_.*_SCOPE"
    ):
        social_login(Client(), name, sub="2", email="grace@example.com")
    social_provider(name).email_scopes = ()
    social_login(Client(), name, sub="3", email="grace@example.com")

    emails = django_user_model.objects.order_by("pk").values_list("email", flat=True)
    assert list(emails) == ["", "grace@example.com"]


def test_keycloak_verifies_access_token_with_key_of_fake(
    backends: Backends, settings: Any, social_provider: Any, social_login: Any
) -> None:
    backends("social_core.backends.keycloak.KeycloakOAuth2", **KEYCLOAK)
    settings.SOCIAL_AUTH_KEYCLOAK_PUBLIC_KEY = social_provider("keycloak").public_key

    social_login(Client(), "keycloak", **GRACE)

    assert UserSocialAuth.objects.get().uid == "4711"


def test_subclass_of_project_has_vendor_of_its_base(
    backends: Backends, social_login: Any, django_user_model: Any
) -> None:
    backends("tests.support.fakes.OwnGithub")

    social_login(Client(), "own-github", **GRACE)

    assert django_user_model.objects.get().email == "grace@example.com"


def test_client_without_secret_is_public(backends: Backends, social_login: Any) -> None:
    backends("social_core.backends.github.GithubOAuth2", SECRET="")

    assert social_login(Client(), "github").token


def test_handoff_that_fails_is_reported(
    backends: Backends, settings: Any, social_begin: Any, social_complete: Any
) -> None:
    backends("social_core.backends.apple.AppleIdAuth", **APPLE, SCOPE=["email"])
    begun = social_begin(Client(), "apple-id")
    settings.ALLOWED_HOSTS = ["api.example.com"]

    with pytest.raises(SocialLoginError, match="The handoff has failed"):
        social_complete(Client(), begun)


def test_redirect_of_project_is_reported(settings: Any, social_login: Any) -> None:
    settings.MIDDLEWARE = [f"{__name__}.redirects"]

    with pytest.raises(SocialLoginError, match=r"302: a redirect to /elsewhere/$"):
        social_login(APIClient(), "oidc")


def redirects(get_response: Any) -> Any:
    return lambda request: HttpResponseRedirect("/elsewhere/?token=secret")


def test_page_of_project_is_reported_with_its_type(settings: Any, social_login: Any) -> None:
    settings.MIDDLEWARE = [f"{__name__}.closes"]

    with pytest.raises(SocialLoginError, match="503: a body of the type 'text/html"):
        social_login(Client(), "oidc")


def closes(get_response: Any) -> Any:
    return lambda request: HttpResponse("closed", status=503)


def test_response_without_request_is_reported() -> None:
    assert "503" in str(SocialLoginError(HttpResponse("closed", status=503)))


def test_callback_of_other_flow_is_refused(social_begin: Any, social_complete: Any) -> None:
    begun = social_begin(Client(), "oidc")
    other = social_begin(Client(), "oidc")
    mixed = replace(begun, authorization_url=other.authorization_url)

    assert error(social_complete(Client(), mixed))[0] == 400


def test_revocation_in_the_form_of_a_vendor_ends_the_token(backends: Backends) -> None:
    backends("social_core.backends.facebook.FacebookOAuth2")
    fake = FakeProvider("facebook")
    token = fake.access_token(**GRACE)
    url = f"https://graph.facebook.com/v23.0/4711/permissions?access_token={token}"

    assert fake.respond(ProviderRequest("DELETE", url)).status == 200
    assert fake.respond(ProviderRequest("GET", url.replace("4711/permissions", "me"))).status == 401


def test_package_lists_its_names() -> None:
    assert set(testing.__all__) <= set(dir(testing))
    with pytest.raises(AttributeError, match="has no attribute 'FakeProvidr'"):
        testing.FakeProvidr  # noqa: B018 - the access is the test
