"""The setting FAKE_PROVIDERS: logins at a fake provider that is a server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.urls import include, path
from social_core.backends.open_id_connect import OpenIdConnectAuth

from social_endpoints.internal.network.document_cache import process_cache
from social_endpoints.testing import FakeProviders
from social_endpoints.testing.views import served
from tests.support import fake_server
from tests.support.configuration import Configure
from tests.support.fake_server import Person, sign_in
from tests.support.fakes import GRACE, Backends
from tests.support.fakes import sign_in as sign_in_process
from tests.support.frontend import Frontend, error
from tests.support.keys import elliptic_key, private_pem
from tests.support.urlconf import ENDPOINTS, urlconf

pytestmark = pytest.mark.django_db

OIDC = "social_core.backends.open_id_connect.OpenIdConnectAuth"
GITHUB = "social_core.backends.github.GithubOAuth2"
GOOGLE = "social_core.backends.google.GoogleOAuth2"
APPLE = "social_core.backends.apple.AppleIdAuth"
KEYCLOAK = "social_core.backends.keycloak.KeycloakOAuth2"
TWITTER = "social_core.backends.twitter.TwitterOAuth"
PUSHING = f"{__name__}.PushingBackend"

NAMES = {OIDC: "oidc", GITHUB: "github", GOOGLE: "google-oauth2", APPLE: "apple-id"}


class PushingBackend(OpenIdConnectAuth):
    """A backend that pushes its authorization request (RFC 9126)."""

    name = "pushing"

    def auth_url(self) -> str:
        params = self.auth_params(self.get_or_create_state())
        params["scope"] = "openid email"
        client_id, secret = self.get_key_and_secret()
        url = f"{self.oidc_endpoint()}/par"
        pushed = self.get_json(url, method="POST", data=params, auth=(client_id, secret))
        uri = pushed["request_uri"]
        return f"{self.authorization_url()}?client_id={client_id}&request_uri={uri}"


@pytest.fixture
def server(settings: Any) -> Iterator[str]:
    """Serve the fake provider; return its address."""
    cache.clear()
    process_cache.clear()
    served.revoke_everything()
    fake = path("deep/down/", include("social_endpoints.testing.urls"))
    settings.ROOT_URLCONF = urlconf(ENDPOINTS, fake)
    with fake_server.running_server() as origin:
        yield f"{origin}/deep/down"


@pytest.fixture
def fake(server: str, backends: Backends, configure: Configure, settings: Any) -> str:
    """Let the server stand in for some providers."""
    backends(OIDC, GITHUB, GOOGLE)
    settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = "https://login.example.com"
    configure(FAKE_PROVIDERS=dict.fromkeys(NAMES.values(), f"{server}/"))
    return server


@pytest.fixture
def apple(fake: str, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [APPLE]
    settings.SOCIAL_AUTH_APPLE_ID_CLIENT = "com.example.site"
    settings.SOCIAL_AUTH_APPLE_ID_TEAM = "TEAM123456"
    settings.SOCIAL_AUTH_APPLE_ID_KEY = "KEY1234567"
    settings.SOCIAL_AUTH_APPLE_ID_SECRET = private_pem(elliptic_key())
    settings.SOCIAL_AUTH_APPLE_ID_SCOPE = ["email", "name"]


@pytest.mark.parametrize("provider", ["oidc", "github", "google-oauth2"])
def test_login_at_fake_creates_user_of_page(provider: str, fake: str, frontend: Frontend) -> None:
    begun = frontend.begin(provider)
    url = begun.data["authorization_url"]
    assert url.startswith(f"{fake}/{provider}/authorize?client_id=")

    response = frontend.complete(begun, Person().callback(url), provider)

    assert response.status_code == 201, response.data
    user = get_user_model().objects.get()
    assert (user.email, user.get_full_name()) == ("grace@example.com", "Grace Hopper")


@pytest.mark.usefixtures("apple")
def test_apple_posts_to_handoff_and_sends_name_once(frontend: Frontend) -> None:
    assert sign_in(frontend, "apple-id").status_code == 201
    user = get_user_model().objects.get()
    assert (user.email, user.get_full_name()) == ("grace@example.com", "Grace Hopper")
    assert sign_in(frontend, "apple-id").status_code == 201


def test_address_of_fake_is_issuer_of_openid_connect(
    server: str, backends: Backends, settings: Any, frontend: Frontend
) -> None:
    backends(OIDC, USE_PKCE=True)
    settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = server

    assert sign_in(frontend, "oidc").status_code == 201


@pytest.mark.parametrize("method", ["s256", "plain"])
def test_fake_checks_proof_key(method: str, server: str, backends: Backends, settings: Any) -> None:
    backends(OIDC, USE_PKCE=True, PKCE_CODE_CHALLENGE_METHOD=method)
    settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = server
    frontend = Frontend()
    first, second = frontend.begin("oidc"), frontend.begin("oidc")
    url = first.data["authorization_url"]
    assert parse_qs(urlsplit(url).query)["code_challenge_method"][0].lower() == method

    assert frontend.complete(first, Person().callback(url), "oidc").status_code == 201
    state = parse_qs(urlsplit(second.data["authorization_url"]).query)["state"][0]
    stolen = {**Person().callback(url), "state": state}
    assert error(frontend.complete(second, stolen, "oidc"))[0] == 400


def test_wrong_secret_is_refused(fake: str, settings: Any) -> None:
    frontend = Frontend()
    begun = frontend.begin("github")
    url = begun.data["authorization_url"]
    callback = Person().callback(url.replace("/github/", "/github/"))
    settings.SOCIAL_AUTH_GITHUB_KEY = "another-client-id"

    assert frontend.complete(begun, callback, "github").status_code >= 400


def test_backend_that_pushes_its_request_signs_in(
    server: str, backends: Backends, configure: Configure, settings: Any, frontend: Frontend
) -> None:
    backends(PUSHING)
    settings.SOCIAL_AUTH_PUSHING_OIDC_ENDPOINT = "https://login.example.com"
    configure(FAKE_PROVIDERS={"pushing": server})

    assert sign_in(frontend, "pushing").status_code == 201


def test_decline_is_error_of_frontend(fake: str) -> None:
    response = sign_in(Frontend(), "github", decision="decline")

    assert error(response) == (400, "authorization_declined")


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        ("server_error", "unavailable"),
        ("temporarily_unavailable", "unavailable"),
        ("code", "authorization_code_rejected"),
        ("token_unavailable", "unavailable"),
        ("signature", "invalid_signature"),
        ("profile", "http_error"),
    ],
)
def test_chosen_failure_applies_to_one_login(failure: str, code: str, fake: str) -> None:
    response = sign_in(Frontend(), "oidc", failure=failure)
    assert error(response) == (400, code)
    assert sign_in(Frontend(), "oidc").status_code == 201


def test_chosen_delay_is_that_of_each_response(fake: str) -> None:
    started = time.monotonic()

    assert sign_in(Frontend(), "github", delay="1").status_code == 201

    assert time.monotonic() - started > 2


def test_delay_beyond_time_limit_is_time_out(fake: str, configure: Configure) -> None:
    configure(LOGIN_TIMEOUT=1)

    assert error(sign_in(Frontend(), "github", delay="3")) == (400, "timeout")


def test_in_process_fake_takes_precedence(fake: str, fakes: FakeProviders) -> None:
    in_process = fakes("github")
    url = Frontend().begin("github").data["authorization_url"]

    assert url.startswith("https://github.com/")
    assert sign_in_process(in_process, Frontend(), "github", **GRACE).status_code == 201


def test_server_that_does_not_run_is_temporary_error(fake: str, configure: Configure) -> None:
    frontend = Frontend()
    begun = frontend.begin("github")
    callback = Person().callback(begun.data["authorization_url"])
    configure(FAKE_PROVIDERS={"github": "http://127.0.0.1:9"})

    response = frontend.complete(begun, callback, "github")

    assert error(response) == (400, "connection_failed")
    assert response.data["error_recovery"] == "retry_later"


def test_logout_at_provider_is_sent_to_fake(
    server: str, backends: Backends, configure: Configure, settings: Any
) -> None:
    backends(OIDC)
    after = "https://app.example.com/"
    configure(FAKE_PROVIDERS={"oidc": server}, ALLOWED_LOGOUT_REDIRECT_URIS=[after])
    settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = "https://login.example.com"
    frontend, person = Frontend(), Person()
    token = sign_in(frontend, "oidc", person).data["token"]
    frontend.client.credentials(HTTP_AUTHORIZATION=f"Token {token}")

    response = frontend.client.get(
        "/auth/o/oidc/logout/", {"post_logout_redirect_uri": after}, secure=True
    )

    url = response.data["logout_url"]
    assert url.startswith(f"{server}/oidc/logout?")
    redirect = person.browser.get(url, allow_redirects=False, timeout=10)
    assert redirect.headers["Location"] == f"{after}?state={response.data['state']}"
