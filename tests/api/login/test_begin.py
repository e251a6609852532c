"""Begin: the authorization URL, what reaches the provider, and what is refused."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError
from social_core.backends.github import GithubOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthProviderError

from social_endpoints.strategy import Strategy
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, details, error
from tests.support.openid_provider import ISSUER, OpenIDProvider

pytestmark = pytest.mark.django_db
HERE = "tests.api.login.test_begin"


def test_begin_returns_the_authorization_url(frontend: Frontend, openid: OpenIDProvider) -> None:
    response = frontend.begin()

    assert response.status_code == 200
    url = urlsplit(response.data["authorization_url"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{ISSUER}/authorize"
    params = authorization_params(response)
    assert params["client_id"] == "our-client-id"
    assert params["redirect_uri"] == REDIRECT_URI
    assert params["code_challenge_method"] == "S256"
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "provider", ["nobody", "ModelBackend", "email", "username", "%2e%2e", "a b"]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_unknown_provider_is_a_404(provider: str, method: str, client: Any) -> None:
    response = getattr(client, method)(f"/auth/o/{provider}/")

    assert response.status_code == 404
    assert set(details(response)) == {"detail"}
    assert str(response.data["detail"]).endswith("not supported")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "nonsense"])
def test_response_is_json_for_any_accept_header(accept: str, frontend: Frontend) -> None:
    response = frontend.client.get(
        "/auth/o/github/?format=html", headers={"Accept": accept}, secure=True
    )

    assert (response.status_code, list(details(response))) == (400, ["redirect_uri"])
    assert response.headers["Content-Type"] == "application/json"


# --- Query parameters of begin --------------------------------------------------------


def test_query_parameter_reaches_the_provider_only_if_the_project_allows_it(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"ui_locales": "en", "display": "page"}
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS_OVERRIDE_ALLOWLIST = ["ui_locales"]

    begun = frontend.begin(ui_locales="de", display="popup", client_id="evil", state="evil")

    params = authorization_params(begun)
    assert (params["ui_locales"], params["display"]) == ("de", "page")
    assert "evil" not in begun.data["authorization_url"]


def test_extra_arguments_without_an_allowlist_keep_their_values(
    frontend: Frontend, settings: Any
) -> None:
    settings.SOCIAL_AUTH_GITHUB_AUTH_EXTRA_ARGUMENTS = {"allow_signup": None, "login": 5}

    params = authorization_params(frontend.begin("github", login="evil"))

    assert (params["allow_signup"], params["login"]) == ("None", "5")


@pytest.mark.parametrize("provider", ["github", "oidc"])
def test_extra_argument_cannot_add_a_second_parameter(
    provider: str, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    """social-core unquotes the query of the authorization URL."""
    settings.SOCIAL_AUTH_AUTH_EXTRA_ARGUMENTS = {"login_hint": ""}
    settings.SOCIAL_AUTH_AUTH_EXTRA_ARGUMENTS_OVERRIDE_ALLOWLIST = ["login_hint"]
    hint = "ada&redirect_uri=https://evil.com&state=x"

    begun = frontend.begin(provider, login_hint=hint)

    params = authorization_params(begun)
    assert (params["login_hint"], params["redirect_uri"]) == (hint, REDIRECT_URI)
    assert begun.data["authorization_url"].count("&state=") == 1
    assert "https://evil.com" not in begun.data["authorization_url"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("a\0b", "invitation"),
        ("".join(chr(0x4E00 + number) for number in range(1_500)), "non_field_errors"),
        (secrets.token_urlsafe(4_000), "non_field_errors"),
        ("a" * 70_000, "non_field_errors"),
    ],
    ids=["no database stores it", "long", "random", "compressible"],
)
def test_field_that_a_flow_cannot_store_is_rejected(
    text: str, key: str, frontend: Frontend, settings: Any
) -> None:
    settings.SOCIAL_AUTH_FIELDS_STORED_IN_SESSION = ["invitation"]

    response = frontend.begin("github", invitation=text)

    assert next(iter(response.data)) == key
    assert error(response) == (400, "invalid_parameter")


@pytest.mark.parametrize("method", ["get", "post"])
def test_query_with_too_many_parameters_is_rejected(method: str, frontend: Frontend) -> None:
    query = "&".join(f"a{number}=1" for number in range(2_000))

    response = getattr(frontend.client, method)(f"/auth/o/github/?{query}", secure=True)

    assert (response.status_code, set(details(response))) == (400, {"detail"})
    assert "no-store" in response.headers["Cache-Control"]


# --- The project's settings and classes -----------------------------------------------


class TenantStrategy(Strategy):
    """A strategy with a key per tenant, which is the subdomain."""

    def get_setting(self, name: str) -> Any:
        if name == "SOCIAL_AUTH_GITHUB_KEY":
            return f"key-of-{self._require_request().get_host().split('.')[0]}"
        return super().get_setting(name)


def test_strategy_provides_credentials_per_tenant(
    frontend: Frontend, settings: Any, configure: Configure
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    configure(STRATEGY=f"{HERE}.TenantStrategy")

    for tenant in ("red", "blue"):
        frontend.client.defaults["HTTP_HOST"] = f"{tenant}.example.com"
        params = authorization_params(frontend.begin("github"))
        assert params["client_id"] == f"key-of-{tenant}"


def test_missing_client_id_is_a_500(frontend: Frontend, settings: Any, caplog: Any) -> None:
    settings.SOCIAL_AUTH_GITHUB_KEY = None
    settings.DEBUG = True

    response = frontend.begin("github")

    assert error(response) == (500, "missing_setting")
    assert response.data["error_source"] == "configuration"
    assert response.data["debug"].endswith(" (KEY)")
    assert "code=missing_setting" in caplog.text
    assert "parameter=KEY" in caplog.text


@pytest.mark.parametrize("lifetime", ["soon", 0, -1, True, 1.5])
def test_invalid_state_lifetime_is_a_500(lifetime: Any, frontend: Frontend, settings: Any) -> None:
    settings.SOCIAL_AUTH_GITHUB_STATE_LIFETIME = lifetime

    assert error(frontend.begin("github")) == (500, "invalid_setting")


def test_app_that_the_token_serializer_needs_is_missing_is_a_500(
    frontend: Frontend, settings: Any
) -> None:
    """The user is not sent to the provider when the login cannot succeed."""
    settings.INSTALLED_APPS = [
        app for app in settings.INSTALLED_APPS if app != "rest_framework.authtoken"
    ]

    assert error(frontend.begin("github")) == (500, "invalid_setting")


class Vaulted(GithubOAuth2):
    """A backend whose secret is on a server that is down."""

    def get_key_and_secret(self) -> tuple[str, str]:
        raise AuthProviderError(self, code="connection_failed", stage="begin")


def test_unreachable_secret_store_is_retry_later(frontend: Frontend, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.Vaulted"]

    response = frontend.begin("github")

    assert (response.status_code, response.data["error_recovery"]) == (400, "retry_later")


class Stored(GithubOAuth2):
    """A backend whose secret is in a database that is down."""

    def get_key_and_secret(self) -> tuple[str, str]:
        raise OperationalError


def test_unreachable_database_of_secrets_is_a_503(frontend: Frontend, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.Stored"]

    assert error(frontend.begin("github")) == (503, "storage_unavailable")


class Broker(OpenIdConnectAuth):
    """A backend that overrides the methods that the package overrides."""

    name = "oidc"

    def get_redirect_uri(self, state: str | None = None) -> str:
        return "https://broker.example.com/callback"

    def request(self, url: str, method: Any = "GET", *args: Any, **kwargs: Any) -> Any:
        return super().request(url, *args, method=method, **kwargs)

    def oidc_config(self) -> dict[str, Any]:
        return dict(self.request(self.oidc_config_url(), "GET").json())


def test_overridden_methods_of_a_backend_are_used(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.Broker"]

    begun, callback = frontend.authorize(openid)

    assert authorization_params(begun)["redirect_uri"] == "https://broker.example.com/callback"
    assert frontend.complete(begun, callback).status_code == 201
