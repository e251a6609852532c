"""The recipes for tenants and for redirect URIs work."""

from __future__ import annotations

from io import StringIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.checks import run_checks
from django.core.management import call_command

from tests.support.configuration import Configure
from tests.support.frontend import (
    REDIRECT_URI,
    Frontend,
    authorization_params,
    browser,
    error,
)
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import run_block

PREVIEW = "https://preview-42.example.com/login/callback"


@pytest.mark.django_db
def test_tenants_recipe(
    openid: OpenIDProvider, settings: Any, configure: Configure, frontend: Frontend
) -> None:
    settings.ALLOWED_HOSTS = ["testserver", "tenant.example.com"]
    settings.TENANTS = {
        "tenant.example.com": {
            "SOCIAL_AUTH_OIDC_KEY": "key-of-the-tenant",
            "SOCIAL_AUTH_OIDC_SECRET": "secret-of-the-tenant",
        }
    }
    configure(STRATEGY="docs.recipes.tenants.TenantStrategy")
    openid.clients["key-of-the-tenant"] = "secret-of-the-tenant"

    client_ids = {}
    for host in settings.ALLOWED_HOSTS:
        frontend.client.defaults["HTTP_HOST"] = host
        begun = frontend.begin()
        url = begun.data["authorization_url"]
        client_ids[host] = parse_qs(urlsplit(url).query)["client_id"]
        assert frontend.complete(begun, openid.authorize(url)).status_code == 201

    assert client_ids == {
        "testserver": ["our-client-id"],
        "tenant.example.com": ["key-of-the-tenant"],
    }
    assert run_checks() == []


@pytest.fixture
def project(settings: Any) -> None:
    """Use the settings of the guide."""
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.google.GoogleOAuth2"]
    values = run_block("backend/tenants.rst", "TENANTS = ")
    for name, value in values.items():
        if name.isupper():
            setattr(settings, name, value)
    settings.SOCIAL_ENDPOINTS["NATIVE_PROVIDERS"] = ["google-oauth2"]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("host", "page", "client_id"),
    [
        ("tenant.example.com", "https://tenant.example.com", "the tenant's client id"),
        ("api.example.com", "https://app.example.com", "the project's client id"),
        ("api.example.com", "https://tenant.example.com", None),
    ],
)
def test_begin_at_each_host(host: str, page: str, client_id: str | None) -> None:
    begun = Frontend(client=browser(HTTP_HOST=host)).begin(
        "google-oauth2", redirect_uri=f"{page}/login/callback"
    )

    if client_id is None:
        assert error(begun) == (400, "redirect_uri_not_allowed")
    else:
        assert authorization_params(begun)["client_id"] == client_id


@pytest.mark.django_db
@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("tenant.example.com", (201, None)),
        ("api.example.com", (400, "invalid_claim")),
    ],
)
def test_app_of_a_tenant_signs_in_at_its_host(
    host: str, expected: tuple[int, str | None], social_provider: Any
) -> None:
    fake = social_provider("google-oauth2")
    fake.id_token_claims["aud"] = "the client id of the tenant's app"

    response = browser(HTTP_HOST=host).post(
        "/auth/o/google-oauth2/token/", fake.native(), format="json", secure=True
    )

    assert error(response) == expected


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("arguments", [{}, {"base_url": "https://tenant.example.com"}], ids=str)
def test_command_lists_the_providers(arguments: dict[str, str]) -> None:
    output = StringIO()

    call_command("social_providers", **arguments, stdout=output)

    assert "google-oauth2" in output.getvalue()
    assert "PROBLEM" not in output.getvalue()


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        (REDIRECT_URI, 200),
        (PREVIEW, 200),
        ("https://testserver/login/callback", 200),
        ("https://other.example.com/login/callback", 400),
        (f"{PREVIEW}.evil.example", 400),
        (f"{PREVIEW}\n", 400),
        ("https://preview-42xexample.com/login/callback", 400),
        ("https://[", 400),
        ("javascript:alert(1)", 400),
    ],
)
def test_redirects_recipe(uri: str, status: int, openid: OpenIDProvider, settings: Any) -> None:
    settings.TENANTS = {"testserver": {}}
    settings.SOCIAL_ENDPOINTS = {"ALLOWED_REDIRECT_URIS": "docs.recipes.redirects.is_allowed"}

    response = Frontend().begin(redirect_uri=uri)

    assert response.status_code == status
    if status == 200:
        query = urlsplit(response.data["authorization_url"]).query
        assert parse_qs(query)["redirect_uri"] == [uri]
