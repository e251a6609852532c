"""The issuer in a callback (RFC 9207)."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
import responses
from django.core.cache import cache
from social_core.backends.oauth import BaseOAuth2

from tests.support.frontend import Frontend, authorization_params, error
from tests.support.keys import signing_key
from tests.support.openid_provider import ISSUER, OpenIDProvider

pytestmark = pytest.mark.django_db


def test_issuer_of_openid_connect_must_be_the_configured_one(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun, callback = frontend.authorize(openid)

    for issuer in ("https://evil.example.com", f"{ISSUER}/", f"{ISSUER}.evil.example.com"):
        rejected = frontend.complete(begun, {**callback, "iss": issuer})
        assert error(rejected) == (400, "invalid_claim")
    assert "/token" not in openid.paths

    assert frontend.complete(begun, {**callback, "iss": ISSUER}).status_code == 201


class Plain(BaseOAuth2):
    """A provider whose issuer is not configured."""

    name = "plain"
    AUTHORIZATION_URL = "https://plain.example.com/authorize"
    ACCESS_TOKEN_URL = "https://plain.example.com/token"


class Tenants(Plain):
    name = "tenants"
    ID_TOKEN_ISSUER = "https://plain.example.com/{tenant}/issuer"


TOKEN_URLS = {
    "github": "https://github.com/login/oauth/access_token",
    "google-oauth2": "https://accounts.google.com/o/oauth2/token",
    "discord": "https://discord.com/api/oauth2/token",
    "plain": Plain.ACCESS_TOKEN_URL,
    "tenants": Plain.ACCESS_TOKEN_URL,
}


@pytest.mark.parametrize("name", TOKEN_URLS)
@pytest.mark.parametrize(
    ("issuer", "accepted"),
    [
        ("https://github.com/login/oauth", {"github"}),
        ("https://github.com", set()),
        ("https://accounts.google.com", {"google-oauth2"}),
        ("https://discord.com", {"discord"}),
        ("https://plain.example.com/issuer", {"plain", "tenants"}),
        ("http://plain.example.com", set()),
        ("https://evil.example.com", set()),
        ("https://[", set()),
    ],
)
def test_issuer_of_oauth2_must_belong_to_the_provider(
    issuer: str,
    accepted: set[str],
    name: str,
    settings: Any,
    wire: responses.RequestsMock,
) -> None:
    frontend = Frontend()
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.github.GithubOAuth2",
        "social_core.backends.google.GoogleOAuth2",
        "social_core.backends.discord.DiscordOAuth2",
        f"{__name__}.Plain",
        f"{__name__}.Tenants",
    ]
    settings.SOCIAL_AUTH_KEY = settings.SOCIAL_AUTH_SECRET = "value"
    wire.post(TOKEN_URLS[name], status=400, json={"error": "invalid_grant"})
    begun = frontend.begin(name)
    callback = {"code": "code", "state": authorization_params(begun)["state"], "iss": issuer}

    response = frontend.complete(begun, callback, name)

    code = "authorization_code_rejected" if name in accepted else "invalid_claim"
    assert error(response) == (400, code)


def test_issuer_in_the_settings_replaces_the_backends(frontend: Frontend, settings: Any) -> None:
    settings.SOCIAL_AUTH_GITHUB_ID_TOKEN_ISSUER = "https://other.example.com"
    begun = frontend.begin("github")
    issuer = "https://github.com/login/oauth"
    callback = {"code": "code", "state": authorization_params(begun)["state"], "iss": issuer}

    assert error(frontend.complete(begun, callback, "github")) == (400, "invalid_claim")


def test_issuer_is_rejected_when_discovery_has_none(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun, callback = frontend.authorize(openid)
    openid.endpoints = {"issuer": None}
    cache.clear()

    response = frontend.complete(begun, {**callback, "iss": ISSUER})

    assert error(response) == (400, "missing_claim")


# --- The issuer in discovery ----------------------------------------------------------


EVIL = "https://evil.example.com"
SUPPORTED = {"authorization_response_iss_parameter_supported": True}


def test_provider_that_claims_the_issuer_of_another_one_is_refused(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    """Otherwise it could pass its own callback off as the other one's (a mix-up attack)."""
    settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = EVIL
    evil = OpenIDProvider(openid.wire, EVIL, issuer=ISSUER, **SUPPORTED)

    assert error(frontend.log_in(evil)) == (400, "invalid_claim")
    assert evil.paths == ["/.well-known/openid-configuration"]


@pytest.mark.parametrize(
    ("host", "issuer", "is_accepted"),
    [
        ("login.microsoftonline.com", "https://sts.windows.net/{tenantid}/", True),
        ("login.microsoftonline.com", "https://login.microsoftonline.com/{tenantid}/v2.0", True),
        ("login.microsoftonline.com", f"{EVIL}/{{tenantid}}/", False),
        ("evil.example.com", "https://sts.windows.net/{tenantid}/", False),
        ("evil.example.com", "https://login.microsoftonline.com/{tenantid}/v2.0", False),
    ],
)
def test_issuer_of_microsoft_belongs_to_its_authorities(
    host: str, issuer: str, is_accepted: bool, wire: responses.RequestsMock, settings: Any
) -> None:
    path = "social_core.backends.azuread.AzureADOAuth2"
    settings.AUTHENTICATION_BACKENDS = [path]
    settings.SOCIAL_AUTH_KEY = settings.SOCIAL_AUTH_SECRET = "value"
    settings.SOCIAL_AUTH_AZUREAD_OAUTH2_AUTHORITY_HOST = host
    frontend = Frontend()
    begun = frontend.begin("azuread-oauth2")
    keys = f"https://{host}/keys"
    discovery = f"https://{host}/common/.well-known/openid-configuration"
    wire.get(discovery, json={"issuer": issuer, "jwks_uri": keys})
    wire.get(keys, json={"keys": []})
    id_token = jwt.encode({"tid": "x"}, signing_key(), "RS256", headers={"kid": "1"})
    tokens = {"access_token": "x", "id_token": id_token}
    wire.post(f"https://{host}/common/oauth2/token", json=tokens)
    callback = {"code": "x", "state": authorization_params(begun)["state"]}

    response = frontend.complete(begun, callback, "azuread-oauth2")

    assert error(response) == (400, "invalid_signature" if is_accepted else "invalid_claim")


@pytest.mark.parametrize("begun_before", [True, False])
@pytest.mark.parametrize("issuer", [EVIL, f"{ISSUER}/other", f"{ISSUER}.evil.example.com", 7])
def test_document_of_another_issuer_is_refused(
    issuer: Any, begun_before: bool, frontend: Frontend, openid: OpenIDProvider
) -> None:
    begun, callback = frontend.authorize(openid)
    openid.endpoints = {"issuer": issuer}
    cache.clear()

    response = frontend.complete(begun, callback) if begun_before else frontend.begin()

    assert error(response) == (400, "invalid_claim")
    assert "/token" not in openid.paths


@pytest.mark.parametrize(
    ("setting", "issuer"),
    [(None, f"{ISSUER}/"), (None, ISSUER), (f"{ISSUER}/realm", f"{ISSUER}/realm")],
)
def test_document_of_the_configured_issuer_is_accepted(
    setting: str | None, issuer: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_ID_TOKEN_ISSUER = setting
    openid.endpoints = {"issuer": issuer}
    openid.claims["iss"] = issuer

    assert frontend.log_in(openid).status_code == 201


@pytest.mark.parametrize(
    ("name", "endpoint", "issuer"),
    [
        ("fedora-oidc", "https://id.fedoraproject.org", "https://id.fedoraproject.org/openidc/"),
        ("linkedin-openidconnect", "https://www.linkedin.com/oauth", "https://www.linkedin.com"),
    ],
)
def test_known_issuers_that_differ_from_the_endpoint_are_accepted(
    name: str, endpoint: str, issuer: str, wire: responses.RequestsMock, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.fedora.FedoraOpenIdConnect",
        "social_core.backends.linkedin.LinkedinOpenIdConnect",
    ]
    settings.SOCIAL_AUTH_KEY = settings.SOCIAL_AUTH_SECRET = "value"
    OpenIDProvider(wire, endpoint, issuer=issuer)

    assert Frontend().begin(name).status_code == 200


# --- An issuer that the metadata announces --------------------------------------------


@pytest.mark.parametrize("body", [{}, {"iss": ""}])
def test_announced_issuer_is_required_in_the_callback(
    body: dict[str, str], frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.endpoints = SUPPORTED
    begun, callback = frontend.authorize(openid)

    refused = frontend.complete(begun, {**callback, **body})

    assert error(refused) == (400, "missing_parameter")
    assert "all parameters" in refused.data["iss"][0]
    assert "/token" not in openid.paths
    assert frontend.complete(begun, {**callback, "iss": ISSUER}).status_code == 201


def test_announced_issuer_may_be_missing_in_an_error_callback(
    frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.endpoints = SUPPORTED
    begun, callback = frontend.authorize(openid)
    declined = {"error": "access_denied", "state": callback["state"]}

    for issuer in ({}, {"iss": ISSUER}):  # django-oauth-toolkit leaves it out.
        response = frontend.complete(begun, {**declined, **issuer})
        assert error(response) == (400, "authorization_declined")
    foreign = {**declined, "iss": "https://evil.example.com"}
    assert error(frontend.complete(begun, foreign)) == (400, "invalid_claim")
    assert frontend.complete(begun, {**callback, "iss": ISSUER}).status_code == 201


@pytest.mark.parametrize("value", [False, None, "true", 1])
def test_issuer_that_is_not_announced_is_optional(
    value: Any, frontend: Frontend, openid: OpenIDProvider
) -> None:
    openid.endpoints = dict.fromkeys(SUPPORTED, value)

    assert frontend.log_in(openid).status_code == 201


def test_issuer_of_the_metadata_is_accepted_if_id_tokens_have_another(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    """Google's do."""
    settings.SOCIAL_AUTH_OIDC_ID_TOKEN_ISSUER = openid.claims["iss"] = "id.example.com"
    openid.endpoints = SUPPORTED
    begun, callback = frontend.authorize(openid)

    assert frontend.complete(begun, {**callback, "iss": ISSUER}).status_code == 201
