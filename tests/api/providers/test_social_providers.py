"""The command ``social_providers``."""

from __future__ import annotations

import io
import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.urls import include, path
from social_core.backends.facebook_limited import FacebookLimitedLogin
from social_core.backends.github import GithubOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthConfigurationError

from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.http_provider import served
from tests.support.interpreter import python
from tests.support.keys import signing_key
from tests.support.openid_provider import ISSUER, OpenIDProvider
from tests.support.pages import page
from tests.support.urlconf import ENDPOINTS, urlconf

CORE = "social_core.backends"
APPLE = f"{CORE}.apple.AppleIdAuth"
AZURE = f"{CORE}.azuread_tenant.AzureADV2TenantOAuth2"
GITHUB = f"{CORE}.github.GithubOAuth2"
OIDC = f"{CORE}.open_id_connect.OpenIdConnectAuth"
STEAM = f"{CORE}.steam.SteamOpenId"
TWITTER = f"{CORE}.twitter.TwitterOAuth"
SIGNED_OUT = "https://app.example.com/signed-out"
DISCOVERY = f"{ISSUER}/.well-known/openid-configuration"


class SecondGithub(GithubOAuth2):
    """A backend with the name of another one."""


class RaisingGithub(GithubOAuth2):
    name = "raising"

    def get_scope(self) -> list[str]:
        raise RuntimeError("our-github-secret")


class CallbackGithub(GithubOAuth2):
    def auth_headers(self) -> dict[str, str]:
        return {"Authorization": self.data["code"]}


class UnconfiguredGithub(GithubOAuth2):
    def get_scope(self) -> list[str]:
        raise AuthConfigurationError(self, parameter="SCOPES", stage="begin")


class PushingOpenIdConnect(OpenIdConnectAuth):
    """A backend that may push its authorization request."""

    def auth_url(self) -> str:
        return super().auth_url()


class UndiscoverableOpenIdConnect(OpenIdConnectAuth):
    def oidc_config_url(self) -> str:
        raise RuntimeError


def run(*arguments: str) -> tuple[str, str]:
    """Return the output of the command and, if it fails, its error."""
    output = io.StringIO()
    message = ""
    try:
        call_command("social_providers", *arguments, stdout=output, no_color=True)
    except CommandError as error:  # manage.py exits with its returncode, which is 1 by default.
        message = str(error)
    return output.getvalue(), message


def report(*arguments: str) -> list[dict[str, Any]]:
    """Return the entries of the JSON."""
    output, error = run("--json", *arguments)
    content = json.loads(output)
    assert content["ok"] is (not error)
    assert content["ok"] is all(entry["ok"] for entry in content["providers"])
    return list(content["providers"])


def only(*arguments: str) -> dict[str, Any]:
    (entry,) = report(*arguments)
    return entry


def findings(*arguments: str, level: str = "error") -> list[str]:
    checks = only("--check", *arguments)["checks"]
    return [f"{each['subject']}: {each['message']}" for each in checks if each["level"] == level]


# --- Without --check: no request, no query -----------------------------------------------


def test_table_of_a_working_project(wire: responses.RequestsMock) -> None:
    output, error = run()

    assert error == ""
    assert [re.split(r"  +", line) for line in output.splitlines()[:3]] == [
        ["PROVIDER", "PROTOCOL", "BEGIN", "NATIVE", "CONNECT", "PKCE", "STATUS"],
        ["oidc", "openid_connect", "yes", "no", "yes", "yes", "ok"],
        ["github", "oauth2", "yes", "no", "yes", "yes", "ok"],
    ]
    assert "SOCIAL_AUTH_OIDC_SECRET (set)" in output
    assert REDIRECT_URI in output
    lines = [line for line in output.splitlines() if not line.startswith("  documentation ")]
    assert max(map(len, lines)) <= 80
    assert not wire.calls


def test_table_fits_into_a_terminal(configure: Configure, settings: Any) -> None:
    configure(NATIVE_PROVIDERS=["google-openidconnect"])
    settings.AUTHENTICATION_BACKENDS = [
        f"{CORE}.google_openidconnect.GoogleOpenIdConnect",
        f"{CORE}.salesforce.SalesforceOAuth2Sandbox",
        OIDC,
    ]
    settings.SOCIAL_AUTH_OIDC_USE_PKCE = None

    rows = [re.split(r"  +", line) for line in run()[0].splitlines()[1:4]]

    assert [row[3] for row in rows] == ["both", "no", "no"]
    assert [row[5] for row in rows] == ["yes", "yes", "auto"]
    assert max(map(len, run()[0].splitlines()[:4])) <= 80


@pytest.mark.parametrize("arguments", [[], ["github"], ["--json"], ["--check"]])
def test_no_secret_is_printed(arguments: list[str], openid: OpenIDProvider) -> None:
    output, _ = run(*arguments)

    for secret in ("our-client-secret", "our-client-id", "our-github-secret", "our-github-id"):
        assert secret not in output


def test_one_provider_has_optional_settings() -> None:
    output, error = run("github")

    assert error == ""
    assert re.split("  +", output.splitlines()[1])[:3] == ["github", "oauth2", "yes"]
    assert "\ngithub: GitHub\n" in output
    assert "SOCIAL_AUTH_GITHUB_SCOPE" in output  # Optional settings are listed here.
    assert "oidc" not in output


def test_unknown_provider_is_an_error() -> None:
    assert run("githob") == ("", "'githob' is not configured. Providers: oidc, github.")


@pytest.mark.parametrize(("name", "status"), [("github", 0), ("githob", 1)])
def test_exit_status(name: str, status: int) -> None:
    assert python("-m", "django", "social_providers", name).returncode == status


def test_project_without_providers(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]

    assert run() == ("AUTHENTICATION_BACKENDS contains no provider.\n", "")


def test_keys_of_the_json_are_documented() -> None:
    (first, _) = report()

    names = {"ok", *first, *(f"settings.{name}" for name in first["settings"])}
    names |= {f"pkce.{name}" for name in first["pkce"]}
    section = page("reference/commands.rst").partition("\nThe JSON of ")[2]
    text = section.partition("\n``encrypt_provider_tokens``")[0]
    documented = re.findall(r"^``([\w.]+)``$", text, re.MULTILINE)
    assert set(documented) == names


def test_scopes_of_a_connect(configure: Configure, settings: Any) -> None:
    configure(CONNECT_SCOPES={"github": ["repo", "gist"]})

    assert [each["connect_scopes"] for each in report()] == [[], ["repo", "gist"]]
    assert "more scopes   repo gist" in run("github")[0]


@pytest.mark.parametrize(
    ("scopes", "problem"),
    [
        ({"twitter": ["repo"]}, " contains 'twitter', which does not use OAuth 2.0."),
        ({"twitter": "repo"}, "['twitter'] must be a list of scopes."),
    ],
)
def test_unsuitable_scopes_of_a_connect_are_a_problem(
    scopes: Any, problem: str, configure: Configure, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{CORE}.twitter.TwitterOAuth"]
    settings.SOCIAL_AUTH_TWITTER_KEY = settings.SOCIAL_AUTH_TWITTER_SECRET = "twitter"
    configure(CONNECT_SCOPES=scopes)

    assert only()["problems"] == [f"SOCIAL_ENDPOINTS['CONNECT_SCOPES']{problem}"]


def test_settings_of_a_provider(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [GITHUB, f"{CORE}.github.GithubOrganizationOAuth2"]
    del settings.SOCIAL_AUTH_GITHUB_KEY, settings.SOCIAL_AUTH_GITHUB_SECRET
    settings.SOCIAL_AUTH_KEY = "shared"
    settings.SOCIAL_AUTH_GITHUB_SCOP = ["email"]
    settings.SOCIAL_AUTH_GITHUB_ORG_NAME = "of another provider"

    github, _ = report()

    names = github["settings"]
    assert names["set"] == ["SOCIAL_AUTH_KEY"]
    assert names["missing"] == ["SOCIAL_AUTH_GITHUB_SECRET"]
    assert names["other"] == ["SOCIAL_AUTH_GITHUB_SCOP"]
    assert "SOCIAL_AUTH_GITHUB_SCOPE" in names["unset"]
    assert "SOCIAL_AUTH_GITHUB_KEY" not in names["unset"]
    assert (github["begin"], github["connect"], github["ok"]) == (True, True, False)
    assert github["problems"] == ["SOCIAL_AUTH_GITHUB_SECRET is missing."]


@pytest.mark.parametrize(
    ("backend", "values", "problem"),
    [
        (GITHUB, {"GITHUB_SECRET": None}, "SOCIAL_AUTH_GITHUB_SECRET is missing."),
        (OIDC, {"OIDC_OIDC_ENDPOINT": ""}, "SOCIAL_AUTH_OIDC_OIDC_ENDPOINT is missing."),
        (GITHUB, {"PROXIES": "proxy"}, "SOCIAL_AUTH_PROXIES must be a dictionary"),
        (GITHUB, {"GITHUB_SCOPE": "email"}, "SOCIAL_AUTH_GITHUB_SCOPE must be a list"),
        (OIDC, {"OIDC_JWT_ALGORITHMS": ["none"]}, "SOCIAL_AUTH_OIDC_JWT_ALGORITHMS is invalid."),
        (f"{__name__}.RaisingGithub", {}, "Reading the settings raises RuntimeError."),
        ("no.such.Backend", {}, "cannot import 'no.such.Backend'"),
        (
            APPLE,
            {f"APPLE_ID_{name}": "x" for name in ("CLIENT", "TEAM", "KEY", "SECRET")},
            "SOCIAL_AUTH_APPLE_ID_SECRET is invalid.",
        ),
    ],
)
def test_provider_that_does_not_work(
    backend: str, values: dict[str, Any], problem: str, configure: Configure, settings: Any
) -> None:
    configure(NATIVE_PROVIDERS=["oidc", "github"])
    settings.AUTHENTICATION_BACKENDS = [backend]
    settings.SOCIAL_AUTH_RAISING_KEY = settings.SOCIAL_AUTH_RAISING_SECRET = "our-github-secret"
    for name, value in values.items():
        setattr(settings, f"SOCIAL_AUTH_{name}", value)

    entry = only()

    assert problem in entry["problems"][0]
    assert not entry["ok"]
    output, error = run()
    assert problem.split(maxsplit=1)[0] in output
    assert entry["name"] in error
    assert "our-github-secret" not in output


@pytest.mark.parametrize(
    ("backend", "problem"),
    [
        (f"{CORE}.auth0.Auth0OAuth2", "SOCIAL_AUTH_AUTH0_DOMAIN is missing."),
        (f"{CORE}.okta.OktaOAuth2", "SOCIAL_AUTH_OKTA_OAUTH2_API_URL is missing."),
        (
            f"{CORE}.azuread_b2c.AzureADB2COAuth2",
            "SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_POLICY is missing.",
        ),
        (
            f"{__name__}.UnconfiguredGithub",
            "SOCIAL_AUTH_GITHUB_SCOPES is missing or invalid.",
        ),
    ],
)
def test_setting_of_one_provider_is_missing(backend: str, problem: str, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [backend]
    settings.SOCIAL_AUTH_KEY = settings.SOCIAL_AUTH_SECRET = "shared"

    assert only()["problems"] == [problem]


@pytest.mark.needs("onelogin")
def test_settings_of_saml_are_read(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{CORE}.saml.SAMLAuth"]
    settings.SOCIAL_AUTH_SAML_ENABLED_IDPS = {"idp": {}}
    settings.SOCIAL_AUTH_SAML_SP_ENTITY_ID = settings.SOCIAL_AUTH_SAML_SP_PRIVATE_KEY = "value"

    entry = only()

    assert "SOCIAL_AUTH_SAML_SP_PRIVATE_KEY" in entry["settings"]["set"]
    assert (entry["settings"]["other"], entry["ok"]) == ([], True)


def test_settings_of_other_protocols_are_not_read(settings: Any) -> None:
    settings.SOCIAL_AUTH_GITHUB_JWT_ALGORITHMS = ["RS256"]
    settings.SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = ["RS256"]
    settings.SOCIAL_AUTH_OIDC_ID_TOKEN_ISSUER = "https://id.example.com"
    settings.SOCIAL_AUTH_OIDC_PKCE_CODE_CHALLENGE_METHOD = "S256"

    oidc, github = (entry["settings"] for entry in report())

    assert github["other"] == ["SOCIAL_AUTH_GITHUB_JWT_ALGORITHMS"]
    assert "SOCIAL_AUTH_GITHUB_OIDC_ENDPOINT" not in github["unset"]
    assert "SOCIAL_AUTH_OIDC_JWT_ALGORITHMS" in oidc["set"]
    assert oidc["other"] == []


@pytest.mark.parametrize("value", [None, ""])
def test_setting_without_a_value_is_not_set(value: Any, settings: Any) -> None:
    settings.SOCIAL_AUTH_GITHUB_SECRET = value
    settings.SOCIAL_AUTH_GITHUB_PROXIES = None

    names = only("github")["settings"]

    assert names["set"] == ["SOCIAL_AUTH_GITHUB_KEY"]
    assert names["missing"] == ["SOCIAL_AUTH_GITHUB_SECRET"]
    assert "SOCIAL_AUTH_GITHUB_PROXIES" in names["unset"]


def test_settings_are_not_called_unread_if_reading_them_fails(settings: Any) -> None:
    settings.SOCIAL_AUTH_GITHUB_SCOPE = "email"

    assert only("github")["settings"]["other"] == []


def test_working_providers_are_listed_beside_broken_ones(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [GITHUB, "no.such.Backend"]

    assert [(entry["name"], entry["ok"]) for entry in report()] == [
        ("github", True),
        ("Backend", False),
    ]


@pytest.mark.parametrize("value", [5, "no.such.Backend", [None]])
def test_backends_that_are_not_a_list(value: Any, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = value

    assert run() == ("", "AUTHENTICATION_BACKENDS must be a list of dotted paths.")


def test_backend_that_is_not_used(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [GITHUB, f"{__name__}.SecondGithub"]

    assert only()["problems"] == [f"{GITHUB!r} has the same name and is not used."]


@pytest.mark.parametrize(
    ("strategy", "problem"),
    [
        ("docs.recipes.tenants.TenantStrategy", "add --base-url"),
        ("no.such.Strategy", "cannot import"),
    ],
)
def test_strategy_that_needs_a_request(
    strategy: str, problem: str, configure: Configure, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [GITHUB]
    configure(STRATEGY=strategy)

    assert problem in " ".join(only()["problems"])


@pytest.mark.parametrize(("host", "is_set"), [("tenant.example.com", True), ("testserver", False)])
def test_tenant_is_chosen_by_base_url(
    host: str, is_set: bool, configure: Configure, settings: Any
) -> None:
    configure(STRATEGY="docs.recipes.tenants.TenantStrategy")
    settings.ALLOWED_HOSTS = ["tenant.example.com", "testserver"]
    settings.AUTHENTICATION_BACKENDS = [GITHUB]
    del settings.SOCIAL_AUTH_GITHUB_KEY
    settings.TENANTS = {"tenant.example.com": {"SOCIAL_AUTH_GITHUB_KEY": "key-of-the-tenant"}}

    entry = only("--base-url", f"https://{host}")

    assert entry["ok"] is is_set
    assert ("SOCIAL_AUTH_GITHUB_KEY" in entry["settings"]["set"]) is is_set


def test_host_of_a_tenant_must_be_allowed(configure: Configure) -> None:
    configure(STRATEGY="docs.recipes.tenants.TenantStrategy")

    message = "'b.example' is not in ALLOWED_HOSTS. Write the origin of a tenant as --base-url."
    assert run("--base-url", "https://b.example") == ("", message)


# --- PKCE and client authentication -------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "values", "entries", "enabled", "reason"),
    [
        (GITHUB, {}, {}, True, "documents"),
        (GITHUB, {"GITHUB_USE_PKCE": False}, {}, False, "USE_PKCE"),
        (GITHUB, {}, {"PKCE": False}, False, "SOCIAL_ENDPOINTS['PKCE']"),
        (GITHUB, {}, {"PKCE": {"github": False}}, False, "['PKCE']['github']"),
        (GITHUB, {}, {"PKCE": {"oidc": False}}, True, "documents"),
        (f"{CORE}.twitter_oauth2.TwitterOAuth2", {}, {}, True, "default of the backend"),
        (f"{CORE}.linkedin.LinkedinOpenIdConnect", {}, {}, False, "not every server"),
        (f"{CORE}.mixcloud.MixcloudOAuth2", {}, {}, False, "unknown"),
        (OIDC, {"OIDC_USE_PKCE": None}, {}, None, "code_challenge_methods_supported"),
        (
            OIDC,
            {"OIDC_USE_PKCE": None, "OIDC_AUTHORIZATION_URL": f"{ISSUER}/authorize"},
            {},
            False,
            "unknown",
        ),
        (TWITTER, {}, {}, False, "OAuth 2.0"),
    ],
)
def test_pkce_has_a_reason(
    backend: str,
    values: dict[str, Any],
    entries: dict[str, Any],
    enabled: bool | None,
    reason: str,
    configure: Configure,
    settings: Any,
) -> None:
    settings.AUTHENTICATION_BACKENDS = [backend]
    configure(**entries)
    for name, value in values.items():
        setattr(settings, f"SOCIAL_AUTH_{name}", value)

    pkce = only()["pkce"]

    assert pkce["enabled"] is enabled
    assert reason in pkce["reason"]


@pytest.mark.parametrize(
    ("backend", "values", "method"),
    [
        (GITHUB, {}, "client_secret_post"),
        (OIDC, {}, "from_discovery"),
        (OIDC, {"OIDC_TOKEN_ENDPOINT_AUTH_METHOD": "client_secret_basic"}, "client_secret_basic"),
        (OIDC, {"OIDC_SECRET": None}, "none"),
        (f"{CORE}.twitter_oauth2.TwitterOAuth2", {}, "client_secret_basic"),
        # These backends override auth_headers(), auth_complete_credentials(), or both.
        (f"{CORE}.spotify.SpotifyOAuth2", {}, "client_secret_basic"),
        (f"{CORE}.uber.UberOAuth2", {}, "client_secret_basic"),
        (f"{CORE}.reddit.RedditOAuth2", {}, "client_secret_basic"),
        (f"{CORE}.stripe.StripeOAuth2", {}, None),  # The secret is a bearer token.
        (f"{CORE}.naver.NaverOAuth2", {}, "client_secret_post"),
        (f"{__name__}.CallbackGithub", {}, None),
        (AZURE, {}, "client_secret_post"),
        (AZURE, {"SECRET": "", "CLIENT_ASSERTION": "a JWT"}, "private_key_jwt"),
        (AZURE, {"SECRET": ""}, "none"),
        (TWITTER, {}, "oauth1_signature"),
        (f"{CORE}.fedora.FedoraOpenId", {}, None),
    ],
)
def test_client_authentication(
    backend: str, values: dict[str, Any], method: str | None, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [backend]
    settings.SOCIAL_AUTH_KEY = settings.SOCIAL_AUTH_SECRET = "shared"
    for name, value in values.items():
        setattr(settings, f"SOCIAL_AUTH_{name}", value)

    assert only()["client_authentication"] == method


def test_provider_without_redirect_login(configure: Configure, settings: Any) -> None:
    configure(NATIVE_PROVIDERS=[FacebookLimitedLogin.name])
    settings.AUTHENTICATION_BACKENDS = [f"{CORE}.facebook_limited.FacebookLimitedLogin"]
    settings.SOCIAL_AUTH_KEY = settings.SOCIAL_AUTH_SECRET = "shared"

    entry = only()

    assert (entry["begin"], entry["native"], entry["ok"]) == (False, ["id_token"], True)
    assert (entry["redirect_uris"], entry["handoff_urls"]) == ([], [])


@pytest.mark.parametrize(
    ("names", "token_types"), [([], []), (["oidc"], ["id_token", "access_token"])]
)
def test_native_sign_in(names: list[str], token_types: list[str], configure: Configure) -> None:
    configure(NATIVE_PROVIDERS=names)

    assert only("oidc")["native"] == token_types


# --- The URLs to register -----------------------------------------------------------------


def use_handoff(settings: Any) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}


def test_redirect_uris_to_register(configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS=[REDIRECT_URI, "com.example.app:/callback"])

    entry = only("oidc")

    assert entry["redirect_uris"] == [REDIRECT_URI, "com.example.app:/callback"]
    assert entry["handoff_urls"] == []


def test_redirect_uris_of_a_callable(configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS="docs.recipes.redirects.is_allowed")

    assert only("oidc")["redirect_uris"] is None
    assert "callable" in run("oidc")[0]


@pytest.mark.parametrize("value", [[], 5, None])
def test_no_redirect_uri(value: Any, configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS=value)

    assert "ALLOWED_REDIRECT_URIS" in only("oidc")["problems"][0]


@pytest.mark.parametrize(
    ("hosts", "arguments", "expected"),
    [
        (["api.example.com"], [], "https://api.example.com/auth/o/oidc/callback/"),
        (
            ["api.example.com"],
            ["--base-url", "https://b.example"],
            "https://b.example/auth/o/oidc/callback/",
        ),
        (["a.example", "b.example"], [], "/auth/o/oidc/callback/"),
        ([".example.com"], [], "/auth/o/oidc/callback/"),
        (["*"], [], "/auth/o/oidc/callback/"),
    ],
)
def test_handoff_url_to_register(
    hosts: list[str], arguments: list[str], expected: str, settings: Any
) -> None:
    use_handoff(settings)
    settings.ALLOWED_HOSTS = hosts

    entry = only("oidc", *arguments)

    assert entry["handoff_urls"] == [expected]
    assert entry["redirect_uris"] == []
    assert expected in run("oidc", *arguments)[0]


@pytest.mark.parametrize(
    ("patterns", "paths"),
    [
        (
            [path("v1/", include(([ENDPOINTS], "api"), namespace="v1"))],
            ["/v1/auth/o/oidc/callback/"],
        ),
        (
            [
                path("v1/", include(([path("", include(([ENDPOINTS], "a")))], "b"))),
                path("v2/", include([ENDPOINTS])),
            ],
            ["/v1/auth/o/oidc/callback/", "/v2/auth/o/oidc/callback/"],
        ),
        (
            [path("<slug:tenant>/", include([ENDPOINTS]))],
            ["/<slug:tenant>/auth/o/oidc/callback/"],
        ),
        ([], []),
    ],
)
def test_handoff_url_in_a_namespace(patterns: list[Any], paths: list[str], settings: Any) -> None:
    use_handoff(settings)
    settings.ROOT_URLCONF = urlconf(*patterns)

    entry = only("oidc")

    assert entry["handoff_urls"] == paths
    assert entry["ok"] is bool(paths)


@pytest.mark.parametrize(
    "url",
    [
        *("api.example.com", "https://", "ftp://api.example.com", "javascript://api.example.com"),
        *("https://[::1", "https://api.example.com:99999", "https://api example.com"),
        *(
            "https://api.example.com/below",
            "https://api.example.com?a",
            "https://api.example.com#a",
        ),
        *("https://user:password@api.example.com", "https://api.example.com\\a"),
    ],
)
def test_base_url_that_is_not_an_origin(url: str) -> None:
    output, error = run("--base-url", url)

    assert "is not an origin" in error
    assert "password" not in output + error


def test_urls_of_logouts_to_register(configure: Configure) -> None:
    configure(
        ALLOWED_LOGOUT_REDIRECT_URIS=[SIGNED_OUT], BACKCHANNEL_LOGOUT_PROVIDERS=["oidc", "github"]
    )
    url = "https://api.example.com/auth/o/oidc/logout/backchannel/"

    oidc, github = report("--base-url", "https://api.example.com")

    assert oidc["post_logout_redirect_uris"] == [SIGNED_OUT]
    assert oidc["backchannel_logout_urls"] == [url]
    assert github["post_logout_redirect_uris"] == github["backchannel_logout_urls"] == []
    output, _ = run("oidc", "--base-url", "https://api.example.com")
    assert f"  after logout  {SIGNED_OUT}\n" in output
    assert f"  back-channel  {url}\n" in output
    assert "/auth/o/oidc/logout/backchannel/ at the origin" in run("oidc")[0]


def test_logout_uris_of_a_callable(configure: Configure) -> None:
    configure(ALLOWED_LOGOUT_REDIRECT_URIS="docs.recipes.redirects.is_allowed")

    assert only("oidc")["post_logout_redirect_uris"] is None
    assert "ALLOWED_LOGOUT_REDIRECT_URIS" in run("oidc")[0]


def test_backchannel_logout_without_its_url(configure: Configure, settings: Any) -> None:
    configure(BACKCHANNEL_LOGOUT_PROVIDERS=["oidc"])
    settings.ROOT_URLCONF = urlconf()

    assert "no back-channel logout" in only("oidc")["problems"][0]


# --- With --check -------------------------------------------------------------------------


@pytest.fixture
def oidc(openid: OpenIDProvider, settings: Any) -> OpenIDProvider:
    settings.AUTHENTICATION_BACKENDS = [OIDC]
    return openid


def test_check_of_a_provider_that_fits(oidc: OpenIDProvider) -> None:
    oidc.endpoints = {
        "code_challenge_methods_supported": ["plain", "S256"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "scopes_supported": ["openid", "profile", "email"],
        "authorization_response_iss_parameter_supported": True,
    }

    entry = only("--check")

    assert entry["ok"]
    assert {each["level"] for each in entry["checks"]} == {"ok"}
    assert [each["subject"] for each in entry["checks"]] == [
        *("discovery", "issuer", "pkce", "client", "algorithms", "iss", "keys"),
    ]
    assert "  ok            issuer: https://id.example.com\n" in run("--check")[0]


@pytest.mark.parametrize(
    ("endpoints", "values", "problem"),
    [
        ({"issuer": "https://other.example"}, {}, "issuer: https://other.example is not the"),
        ({"issuer": 5}, {}, "issuer: 5 is not the configured issuer, https://id.example.com"),
        ({"issuer": None}, {}, "issuer: it is missing in the document"),
        ({"issuer": "\x1b[31m\nok"}, {}, r"issuer: \x1b[31m\nok is not the"),
        ({"token_endpoint": None}, {}, "discovery: token_endpoint is missing"),
        ({"token_endpoint": "/token"}, {}, "discovery: token_endpoint is not an http or https URL"),
        (
            {"authorization_endpoint": "javascript:x"},
            {},
            "discovery: authorization_endpoint is not",
        ),
        ({"jwks_uri": "jwks"}, {}, "discovery: jwks_uri is not an http or https URL"),
        (
            {"require_pushed_authorization_requests": True},
            {},
            "request: the provider requires push",
        ),
        ({"require_signed_request_object": True}, {}, "request: the provider requires signed"),
        ({"code_challenge_methods_supported": ["plain"]}, {}, "pkce: PKCE is on with S256"),
        ({"code_challenge_methods_supported": []}, {}, "pkce: PKCE is on with S256"),
        (
            {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
            {},
            "client: the provider supports only private_key_jwt",
        ),
        (
            {"token_endpoint_auth_methods_supported": ["client_secret_basic"]},
            {"TOKEN_ENDPOINT_AUTH_METHOD": "client_secret_post"},
            "client: authentication by client_secret_post, but",
        ),
        (
            {"token_endpoint_auth_methods_supported": None},
            {"TOKEN_ENDPOINT_AUTH_METHOD": "client_secret_post"},
            "client: authentication by client_secret_post, but",
        ),
        (
            {"id_token_signing_alg_values_supported": ["ES256", "PS256"]},
            {},
            "algorithms: id_token_signing_alg_values_supported is ES256, PS256",
        ),
        ({}, {"JWT_ALGORITHMS": ["ES256"]}, "keys: none of the 1 keys fits"),
        ({"response_types_supported": ["id_token"]}, {}, "response: response_types_supported"),
        ({"grant_types_supported": ["implicit"]}, {}, "grant: grant_types_supported"),
        (
            {"response_modes_supported": ["query"]},
            {"AUTH_EXTRA_ARGUMENTS": {"response_mode": "form_post"}},
            "response: response_modes_supported is query, and the project uses form_post",
        ),
    ],
)
def test_check_of_a_provider_that_does_not_fit(
    endpoints: dict[str, Any],
    values: dict[str, Any],
    problem: str,
    oidc: OpenIDProvider,
    settings: Any,
) -> None:
    oidc.endpoints = endpoints
    for name, value in values.items():
        setattr(settings, f"SOCIAL_AUTH_OIDC_{name}", value)

    (error,) = findings()

    assert error.startswith(problem)
    output, failure = run("--check")
    assert "ERROR" in output
    assert failure == "Problems with oidc."
    assert "\x1b" not in output


@pytest.mark.parametrize(
    ("endpoints", "values", "note"),
    [
        (
            {"code_challenge_methods_supported": ["S256"]},
            {"USE_PKCE": False},
            "pkce: the provider supports S256, but PKCE is off: the setting USE_PKCE",
        ),
        ({"code_challenge_methods_supported": ["plain"]}, {"USE_PKCE": False}, None),
        ({"code_challenge_methods_supported": ["plain"]}, {"USE_PKCE": None}, "pkce: PKCE is off"),
        ({}, {"USE_PKCE": None}, "pkce: PKCE is off, because discovery does not list S256"),
        ({"code_challenge_methods_supported": ["S256"]}, {"USE_PKCE": None}, None),
        ({}, {"USE_PKCE": False}, None),
        ({"code_challenge_methods_supported": ["S256"]}, {"SECRET": None}, "client: authentica"),
        ({}, {}, "pkce: PKCE is on; code_challenge_methods_supported is missing"),
        (
            {"scopes_supported": ["openid"]},
            {"USE_PKCE": False},
            "scopes: the provider does not list",
        ),
    ],
)
def test_notes_do_not_fail(
    endpoints: dict[str, Any],
    values: dict[str, Any],
    note: str | None,
    oidc: OpenIDProvider,
    settings: Any,
) -> None:
    oidc.endpoints = endpoints
    for name, value in values.items():
        setattr(settings, f"SOCIAL_AUTH_OIDC_{name}", value)

    notes = findings(level="note")

    assert len(notes) == (note is not None)
    assert all(each.startswith(str(note)) for each in notes)
    assert only("--check")["ok"]


LOGOUT = f"{ISSUER}/logout"


@pytest.mark.parametrize(
    ("endpoints", "entries", "expected"),
    [
        ({}, {}, []),
        ({}, {"ALLOWED_LOGOUT_REDIRECT_URIS": [SIGNED_OUT]}, ["note: end_session_endpoint is mis"]),
        ({"end_session_endpoint": f"{LOGOUT}?x=1"}, {}, [f"ok: {LOGOUT}"]),
        ({"end_session_endpoint": "/logout"}, {}, ["note: end_session_endpoint is not an http"]),
        (
            {"backchannel_logout_supported": True},
            {},
            ["note: the provider supports back-channel logout; see"],
        ),
        (
            {"backchannel_logout_supported": True},
            {"BACKCHANNEL_LOGOUT_PROVIDERS": ["oidc"]},
            ["ok: back-channel logout is on"],
        ),
        (
            {"backchannel_logout_supported": False},
            {"BACKCHANNEL_LOGOUT_PROVIDERS": ["oidc"]},
            ["note: back-channel logout is on, but"],
        ),
    ],
)
def test_logout_is_compared(
    endpoints: dict[str, Any],
    entries: dict[str, Any],
    expected: list[str],
    oidc: OpenIDProvider,
    configure: Configure,
) -> None:
    oidc.endpoints = endpoints
    configure(**entries)

    entry = only("--check")

    found = [each for each in entry["checks"] if each["subject"] == "logout"]
    assert entry["ok"]
    assert len(found) == len(expected)
    for each, text in zip(found, expected, strict=True):
        assert f"{each['level']}: {each['message']}".startswith(text)


def test_setting_replaces_the_logout_endpoint(
    oidc: OpenIDProvider, configure: Configure, settings: Any
) -> None:
    configure(ALLOWED_LOGOUT_REDIRECT_URIS=[SIGNED_OUT])
    settings.SOCIAL_AUTH_OIDC_END_SESSION_URL = LOGOUT

    assert [each for each in findings(level="note") if each.startswith("logout")] == []


def test_provider_is_compared_although_a_setting_is_missing(
    oidc: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_USE_PKCE = False
    settings.SOCIAL_AUTH_OIDC_SECRET = None

    assert findings() == []
    assert not only()["ok"]


def test_documents_of_any_content(oidc: OpenIDProvider) -> None:
    for value in (None, 5, "x" * 500, [5], [[]], {"a": 1}, True):
        names = [
            *("issuer", "code_challenge_methods_supported", "scopes_supported", "jwks_uri"),
            *("token_endpoint_auth_methods_supported", "response_types_supported"),
        ]
        oidc.endpoints = dict.fromkeys(names, value)
        assert findings()
        assert "raises" not in str(findings())


def test_backend_that_builds_its_own_request_may_push_it(
    oidc: OpenIDProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.PushingOpenIdConnect"]
    oidc.endpoints = {"require_pushed_authorization_requests": True}

    assert findings() == []


def test_check_neither_reads_nor_writes_the_cache(oidc: OpenIDProvider, client: Any) -> None:
    Frontend().begin()
    assert findings() == []

    oidc.endpoints = {"require_pushed_authorization_requests": True}
    assert len(findings()) == 1

    cache.clear()
    oidc.paths.clear()
    assert Frontend().begin().status_code == 200
    assert oidc.paths == ["/.well-known/openid-configuration"]


def test_check_requests_each_document_once(oidc: OpenIDProvider) -> None:
    only("--check")

    assert oidc.paths == ["/.well-known/openid-configuration", "/jwks"]


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (200, "<html>", "the response is not JSON"),
        (200, "[" * 100_000, "the response is not JSON"),
        (200, "[]", "not a JSON object"),
        (404, "{}", "HTTP status 404"),
        (503, "{}", "HTTP status 503"),
    ],
)
def test_discovery_that_is_not_a_document(
    status: int, body: str, cause: str, wire: responses.RequestsMock, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [OIDC]
    wire.get(DISCOVERY, status=status, body=body)

    (error,) = findings()

    assert error.startswith("discovery: ")
    assert cause in error


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"keys": []}', '{"keys": [5]}'])
def test_keys_that_are_no_keys(body: str, oidc: OpenIDProvider) -> None:
    oidc.wire.replace("GET", f"{ISSUER}/jwks", body=body)

    (error,) = findings()

    assert error.startswith(f"keys: {ISSUER}/jwks: ")


@pytest.mark.parametrize(
    ("fields", "is_usable"),
    [
        ({}, True),
        ({"alg": "RS256", "use": "sig"}, True),
        ({"use": "enc"}, False),
        ({"alg": "RS512"}, False),
        ({"kty": "EC"}, False),
        ({"kty": None}, False),
    ],
)
def test_keys_must_fit_the_algorithms(
    fields: dict[str, str], is_usable: bool, oidc: OpenIDProvider
) -> None:
    oidc.jwk_fields = fields

    assert bool(findings()) is not is_usable


@pytest.mark.parametrize(("algorithm", "is_usable"), [("ES256", True), ("ES384", False)])
def test_keys_must_have_the_curve_of_the_algorithm(
    algorithm: str, is_usable: bool, oidc: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_JWT_ALGORITHMS = [algorithm]
    keys = {"keys": [{"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}]}
    oidc.wire.replace("GET", f"{ISSUER}/jwks", json=keys)

    assert bool(findings()) is not is_usable


@contextmanager
def listener(*, accepts: bool) -> Iterator[str]:
    """Return the URL of a port that refuses connections, or never responds."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        if accepts:
            sock.listen()
        yield f"https://127.0.0.1:{sock.getsockname()[1]}"


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("https://no-such-host.invalid", "the host name cannot be resolved"),
        ("refused", "the connection is refused"),
        ("silent", "no response within the time limit"),
        ("plain", "the TLS handshake fails"),
        ("proxied", "the proxy cannot be used"),
        ("https://user:password@no-such-host.invalid", "https://no-such-host.invalid/"),
        ("https://[", "the URL: "),
        ("https://", "the URL is not valid"),
    ],
)
def test_cause_of_a_failure(url: str, cause: str, configure: Configure, settings: Any) -> None:
    configure(LOGIN_TIMEOUT=0.5)
    settings.AUTHENTICATION_BACKENDS = [OIDC]
    with listener(accepts=url == "silent") as unused, served() as (plain, _):
        if url == "proxied":
            settings.SOCIAL_AUTH_PROXIES = {"https": unused.replace("https", "http")}
        places = {
            "refused": unused,
            "silent": unused,
            "plain": plain.replace("http:", "https:"),
            "proxied": "https://id.example.com",
        }
        settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = places.get(url, url)
        (error,) = findings()

    assert error.startswith("discovery: ")
    assert cause in error
    assert "password" not in error


@pytest.mark.parametrize(
    ("backend", "values", "finding"),
    [
        (GITHUB, {}, ("note", "discovery", "this provider publishes no documents")),
        (
            OIDC,
            {"OIDC_OIDC_ENDPOINT": None},
            ("error", "settings", "SOCIAL_AUTH_OIDC_OIDC_ENDPOINT is missing or invalid"),
        ),
        (
            "no.such.Backend",
            {},
            ("note", "settings", "not contacted, because of the problems above"),
        ),
        (
            f"{__name__}.UndiscoverableOpenIdConnect",
            {},
            ("error", "backend", "the check raises RuntimeError"),
        ),
    ],
)
def test_provider_without_a_document(
    backend: str, values: dict[str, Any], finding: tuple[str, str, str], settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [backend]
    for name, value in values.items():
        setattr(settings, f"SOCIAL_AUTH_{name}", value)

    (check,) = only("--check")["checks"]

    assert tuple(check.values()) == finding


def test_keys_of_a_provider_without_discovery(wire: responses.RequestsMock, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{CORE}.google.GoogleOAuth2"]
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_KEY = settings.SOCIAL_AUTH_GOOGLE_OAUTH2_SECRET = "x"
    wire.get(
        "https://www.googleapis.com/oauth2/v3/certs",
        json={"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig"}]},
    )

    assert findings(level="ok") == ["keys: 1 of 1 keys fit RS256"]


def test_microsoft(wire: responses.RequestsMock, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [AZURE]
    settings.SOCIAL_AUTH_KEY = settings.SOCIAL_AUTH_SECRET = "x"
    settings.SOCIAL_AUTH_AZUREAD_V2_TENANT_OAUTH2_TENANT_ID = "common"
    site = "https://login.microsoftonline.com/common"
    wire.get(
        f"{site}/v2.0/.well-known/openid-configuration",
        json={
            "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0",
            "jwks_uri": f"{site}/discovery/v2.0/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "id_token_signing_alg_values_supported": ["RS256"],
        },
    )
    wire.get(f"{site}/discovery/v2.0/keys", json={"keys": [{"kty": "RSA", "use": "sig"}]})

    assert findings() == []


# --- SAML ---------------------------------------------------------------------------------


def certificate(days: int) -> str:
    """Return a certificate that expires in a number of days."""
    now, name = datetime.now(UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
    key = signing_key()
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=60))
    signed = builder.not_valid_after(now + timedelta(days=days)).sign(key, hashes.SHA256())
    return signed.public_bytes(Encoding.PEM).decode()


@pytest.mark.needs("onelogin")
@pytest.mark.parametrize("value", [{"work": None}, {"work": "https://idp.example.com"}, ["work"]])
def test_identity_providers_of_a_wrong_type(value: Any, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{CORE}.saml.SAMLAuth"]
    settings.SOCIAL_AUTH_SAML_SP_ENTITY_ID = "site"
    settings.SOCIAL_AUTH_SAML_ENABLED_IDPS = value

    assert findings() == ["settings: ENABLED_IDPS is not a dictionary of dictionaries"]


@pytest.mark.needs("onelogin")
@pytest.mark.parametrize(
    ("idp", "level", "text"),
    [
        ({"x509cert": certificate(365)}, "ok", "expires on"),
        ({"x509cert": "".join(certificate(365).splitlines()[1:-1])}, "ok", "expires on"),
        ({"x509cert": certificate(10)}, "note", "expires on"),
        ({"x509cert": certificate(-1)}, "error", "expired on"),
        ({"x509certMulti": {"signing": [certificate(-1)]}}, "error", "['work'] 1 expired on"),
        ({"x509cert": "MIIC"}, "error", "cannot be read"),
    ],
)
def test_certificates(idp: dict[str, Any], level: str, text: str, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{CORE}.saml.SAMLAuth"]
    settings.SOCIAL_AUTH_SAML_SP_ENTITY_ID = "site"
    settings.SOCIAL_AUTH_SAML_SP_PUBLIC_CERT = ""
    settings.SOCIAL_AUTH_SAML_ENABLED_IDPS = {"work": idp}

    (finding,) = findings(level=level)

    assert finding.startswith("certificate: ENABLED_IDPS['work'] 1 ")
    assert text in finding
    assert only("--check")["ok"] is (level != "error")
