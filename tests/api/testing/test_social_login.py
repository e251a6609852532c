"""The fixtures of the pytest plugin sign in through the endpoints of a project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncClient, Client, RequestFactory
from django.urls import include, path, set_script_prefix
from django.utils.translation import override
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication, TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient
from social_django.models import UserSocialAuth

from social_endpoints.pipeline import require_fields
from social_endpoints.testing import (
    InvalidAuthorizationRequest,
    LoginPaused,
    ProviderNotFakeable,
    SocialLoginError,
)
from social_endpoints.tokens import TokenSerializer
from tests.api.testing.urls import MOUNTS
from tests.support.account_views import route_account_views
from tests.support.authentication import SESSION
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, error
from tests.support.pipeline import BEFORE_CREATE_USER, pipeline_with
from tests.support.token_serializers import PAIRS

pytestmark = pytest.mark.django_db

PROTECTED = {
    "TokenSerializer": "token",
    "DjoserSerializer": "token",
    "SessionSerializer": "session",
    "JWTSerializer": "jwt",
    "JWTCookieSerializer": "jwt-cookie",
    "KnoxTokenSerializer": "knox",
}
COOKIES = ("SessionSerializer", "JWTCookieSerializer")
CLIENTS: list[type[Client]] = [Client, APIClient]
Login = Callable[..., Any]


class TokenStrategy:
    """A token strategy of djoser."""

    @staticmethod
    def obtain(user: Any) -> dict[str, Any]:
        return {"auth_token": Token.objects.get_or_create(user=user)[0].key}


@pytest.fixture
def serializer(configure: Configure, settings: Any) -> Callable[[str, str], str]:
    """Return a function that configures a serializer and returns a path that requires its token."""
    settings.ROOT_URLCONF = "tests.support.token_urls"
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": f"{__name__}.TokenStrategy"}

    def use(name: str, transport: str) -> str:
        configure(TOKEN_SERIALIZER=f"social_endpoints.tokens.{name}", FLOW_TRANSPORT=transport)
        return f"/protected/{PROTECTED[name]}/"

    return use


@pytest.mark.parametrize(("name", "transport"), [*PAIRS, *((each, "auto") for each, _ in PAIRS)])
@pytest.mark.parametrize("client_class", CLIENTS)
def test_client_is_authenticated_after_login(
    client_class: type[Client],
    name: str,
    transport: str,
    serializer: Callable[[str, str], str],
    social_login: Login,
) -> None:
    url, client = serializer(name, transport), client_class()

    returned = social_login(client, "oidc", email="grace@example.com")

    assert returned is client
    assert (client.token is None) == (name in COOKIES)  # type: ignore[attr-defined]
    assert client.login_response.status_code == 201  # type: ignore[attr-defined]
    assert client.get(url).json() == "grace"


def test_second_login_replaces_credentials_of_first(
    serializer: Callable[[str, str], str], social_login: Login
) -> None:
    url, client = serializer("TokenSerializer", "auto"), APIClient()
    social_login(client, "oidc", email="ada@example.com")

    social_login(client, "oidc", email="grace@example.com")

    assert client.get(url).json() == "grace"


@pytest.mark.parametrize("name", ["TokenSerializer", "SessionSerializer"])
def test_async_client_is_authenticated_after_login(
    name: str, serializer: Callable[[str, str], str], social_login: Login
) -> None:
    url, client = serializer(name, "auto"), AsyncClient()

    social_login(client, "oidc", email="grace@example.com")

    assert async_to_sync(client.get)(url).json() == "grace"


def test_async_client_stays_signed_in_while_it_connects(
    social_login: Login, social_begin: Login, social_complete: Login
) -> None:
    client = social_login(AsyncClient(), "oidc", email="grace@example.com")

    response = social_complete(client, social_begin(client, "github", connect=True))

    assert response.status_code == 201
    assert UserSocialAuth.objects.get(provider="github").user.email == "grace@example.com"


def test_headers_of_async_client_are_sent(settings: Any, social_begin: Login) -> None:
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware", *settings.MIDDLEWARE]
    client = AsyncClient(**{"accept-language": "de"})

    with override("en"):  # The middleware leaves the language of the request active.
        response = social_begin(client, "oidc").response

    assert response.headers["Content-Language"] == "de"


def test_other_object_is_not_a_client(social_login: Login) -> None:
    with pytest.raises(TypeError, match="RequestFactory is not a test client"):
        social_login(RequestFactory(), "oidc")


class BearerAuthentication(TokenAuthentication):
    keyword = "Bearer"


class NoAuthentication(BaseAuthentication):
    """A class of a project that needs something that the tests have to add themselves."""

    def authenticate(self, request: Any) -> None:
        return None


def test_token_is_a_bearer_token_if_no_class_accepts_it(
    settings: Any, configure: Configure, social_login: Login
) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [f"{__name__}.NoAuthentication"]}
    configure(TOKEN_SERIALIZER=f"{__name__}.OwnTokenSerializer")

    client = social_login(Client(), "oidc")

    assert client.defaults["HTTP_AUTHORIZATION"] == f"Bearer {client.token}"


class OwnTokenSerializer(TokenSerializer):
    authentication_classes = ()


def test_keyword_of_the_projects_authentication_class_is_used(
    settings: Any, social_login: Login
) -> None:
    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "rest_framework.authentication.BasicAuthentication",
            f"{__name__}.BearerAuthentication",
        ]
    }
    route_account_views(settings, authentication=f"{__name__}.BearerAuthentication")
    client = social_login(APIClient(), "oidc")

    assert client.get("/auth/connections/").status_code == 200


@pytest.mark.parametrize("mount", MOUNTS)
def test_project_may_mount_the_endpoints_elsewhere(
    mount: str, settings: Any, social_login: Login
) -> None:
    settings.ROOT_URLCONF = MOUNTS[mount]
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_VERSION": "v2"}
    if mount.startswith("version"):
        versioning = "rest_framework.versioning.URLPathVersioning"
        settings.REST_FRAMEWORK = {
            **settings.REST_FRAMEWORK,
            "DEFAULT_VERSIONING_CLASS": versioning,
        }

    assert social_login(Client(), "oidc").token


def test_project_without_endpoints_is_reported(settings: Any, social_login: Login) -> None:
    settings.ROOT_URLCONF = ()

    with pytest.raises(ImproperlyConfigured, match="No URL is named"):
        social_login(Client(), "oidc")


def test_unknown_parameter_of_path_is_reported(settings: Any, social_login: Login) -> None:
    settings.ROOT_URLCONF = (path("<str:tenant>/", include("social_endpoints.urls")),)

    with pytest.raises(ImproperlyConfigured, match="<str:tenant>"):
        social_login(Client(), "oidc")


@pytest.mark.parametrize("mount", ["version", "version in a regular expression"])
def test_missing_default_version_is_reported(
    mount: str, settings: Any, social_login: Login
) -> None:
    settings.ROOT_URLCONF = MOUNTS[mount]

    with pytest.raises(ImproperlyConfigured, match=r"REST_FRAMEWORK\['DEFAULT_VERSION'\]"):
        social_login(Client(), "oidc")


def test_project_that_redirects_to_https_is_asked_by_https(
    settings: Any, social_login: Login
) -> None:
    settings.MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", *settings.MIDDLEWARE]
    settings.SECURE_SSL_REDIRECT = True

    assert social_login(Client(), "oidc").token


def test_script_prefix_is_not_sent(settings: Any, social_login: Login) -> None:
    set_script_prefix("/below/")
    try:
        assert social_login(Client(), "oidc").token
    finally:
        set_script_prefix("/")


# --- Redirect URIs --------------------------------------------------------------------


def policy(uri: str, *, provider: str, request: Any) -> bool:
    return uri == "https://shop.example.com/callback"


def test_policy_needs_redirect_uri_in_call(configure: Configure, social_login: Login) -> None:
    configure(ALLOWED_REDIRECT_URIS=f"{__name__}.policy")

    with pytest.raises(ImproperlyConfigured, match="redirect_uri=…"):
        social_login(Client(), "oidc")
    with pytest.raises(SocialLoginError, match="redirect_uri_not_allowed"):
        social_login(Client(), "oidc", redirect_uri=REDIRECT_URI)
    assert social_login(Client(), "oidc", redirect_uri="https://shop.example.com/callback").token


class TestOwnRedirectUri:
    @pytest.fixture
    def social_redirect_uri(self) -> str:
        return "https://shop.example.com/callback"

    def test_fixture_sets_redirect_uri(self, configure: Configure, social_login: Login) -> None:
        configure(ALLOWED_REDIRECT_URIS=f"{__name__}.policy")

        assert social_login(Client(), "oidc").token


def test_empty_list_of_redirect_uris_is_reported(configure: Configure, social_login: Login) -> None:
    configure(ALLOWED_REDIRECT_URIS=[])

    with pytest.raises(ImproperlyConfigured, match="is empty"):
        social_login(Client(), "oidc")


# --- Step by step ---------------------------------------------------------------------


def test_decline_is_error_of_endpoint(social_begin: Login, social_complete: Login) -> None:
    client = Client()
    begun = social_begin(client, "oidc")

    response = social_complete(client, begun, error="access_denied")

    assert error(response) == (400, "authorization_declined")
    assert not hasattr(client, "token")


def test_claim_with_value_none_is_missing(social_login: Login) -> None:
    social_login(Client(), "oidc", email=None)

    assert get_user_model().objects.get().email == ""


def test_missing_family_name_is_not_in_default_name(social_login: Login) -> None:
    social_login(Client(), "github", given_name="Grace", family_name=None)

    assert get_user_model().objects.get().get_full_name() == "Grace"


def test_unverified_email_of_google_is_refused(
    settings: Any, social_begin: Login, social_complete: Login
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.google.GoogleOAuth2"]
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_KEY = "client-id"
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_SECRET = "client-secret"
    client = Client()

    response = social_complete(client, social_begin(client, "google-oauth2"), email_verified=False)

    assert error(response) == (400, "invalid_claim")


def test_connect_keeps_the_token_of_the_client(
    social_login: Login, social_begin: Login, social_complete: Login
) -> None:
    client = social_login(APIClient(), "oidc", email="grace@example.com")
    token = client.token

    begun = social_begin(client, "github", connect=True)
    response = social_complete(client, begun, sub="7")

    assert response.status_code == 201
    assert response.data["provider"] == "github"
    assert client.token == token
    assert UserSocialAuth.objects.filter(provider="github", uid="7").exists()


@pytest.mark.parametrize(
    "host", [{}, {"SERVER_NAME": "a.example.com"}, {"HTTP_HOST": "a.example.com"}]
)
@pytest.mark.parametrize("is_secure", [False, True])
def test_connect_with_session_sends_the_csrf_token(
    is_secure: bool,
    host: dict[str, Any],
    serializer: Callable[[str, str], str],
    settings: Any,
    social_login: Login,
    social_begin: Login,
    social_complete: Login,
) -> None:
    serializer("SessionSerializer", "auto")
    route_account_views(settings, authentication=SESSION)
    settings.SECURE_SSL_REDIRECT = is_secure
    settings.ALLOWED_HOSTS = ["a.example.com", "testserver"]
    client = social_login(Client(enforce_csrf_checks=True, **host), "oidc")

    begun = social_begin(client, "github", connect=True)

    assert social_complete(client, begun).status_code == 201


def test_login_refused_by_endpoint_shows_body_without_secrets(
    social_provider: Any, social_login: Login
) -> None:
    social_provider("oidc").fail("token", 503)

    with pytest.raises(SocialLoginError, match="POST /auth/o/oidc/ returned 400") as raised:
        social_login(Client(), "oidc")

    assert '"error_code": "unavailable"' in str(raised.value)
    assert raised.value.response.status_code == 400


def test_token_of_unexpected_response_is_not_shown(
    settings: Any, serializer: Callable[[str, str], str], social_login: Login
) -> None:
    serializer("DjoserSerializer", "auto")
    settings.MIDDLEWARE = [f"{__name__}.responds_with_200"]

    with pytest.raises(SocialLoginError, match="returned 200") as raised:
        social_login(Client(), "oidc")

    assert Token.objects.get().key not in str(raised.value)


def responds_with_200(get_response: Any) -> Any:
    def middleware(request: Any) -> Any:
        response = get_response(request)
        response.status_code = 200
        return response

    return middleware


def test_inactive_user_is_refused(social_login: Login) -> None:
    social_login(Client(), "oidc", sub="1")
    get_user_model().objects.update(is_active=False)

    with pytest.raises(SocialLoginError, match="inactive"):
        social_login(Client(), "oidc", sub="1")


def test_unsupported_provider_is_reported_by_name(settings: Any, social_login: Login) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.steam.SteamOpenId"]

    with pytest.raises(ProviderNotFakeable, match=r"'steam': it uses OpenID 2\.0"):
        social_login(Client(), "steam")


def test_provider_without_redirect_login_is_reported(settings: Any, social_login: Login) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.vk.VKAppOAuth2"]

    with pytest.raises(ProviderNotFakeable, match="'vk-app': it has no redirect login"):
        social_login(Client(), "vk-app")


def test_missing_client_id_is_reported_with_its_setting(settings: Any, social_login: Login) -> None:
    settings.SOCIAL_AUTH_GITHUB_KEY = None

    with pytest.raises(ImproperlyConfigured, match="SOCIAL_AUTH_GITHUB_KEY is not set"):
        social_login(Client(), "github")


def test_client_secret_that_cannot_be_made_is_reported(settings: Any, social_login: Login) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.apple.AppleIdAuth"]
    settings.SOCIAL_AUTH_APPLE_ID_CLIENT = "com.example.web"
    settings.SOCIAL_AUTH_APPLE_ID_SECRET = "not a key"

    with pytest.raises(ImproperlyConfigured, match="SOCIAL_AUTH_APPLE_ID_"):
        social_login(Client(), "apple-id")


def test_client_of_tenant_is_added_by_test(
    social_provider: Any, social_begin: Login, social_complete: Login, settings: Any
) -> None:
    client = Client()
    fake = social_provider("github")
    begun = social_begin(client, "github")
    params = {**begun.params, "client_id": "tenant"}
    with pytest.raises(InvalidAuthorizationRequest, match="'tenant' is not the one of 'github'"):
        fake.authorize(params)

    fake.clients["tenant"] = "tenant-secret"

    assert fake.authorize(params).callback_params["state"] == params["state"]


# --- Paused logins --------------------------------------------------------------------


class TermsSerializer(serializers.Serializer[Any]):
    terms = serializers.BooleanField()


ask_terms = require_fields(TermsSerializer)


def test_paused_login_is_reported(settings: Any, social_login: Login) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, f"{__name__}.ask_terms"))

    with pytest.raises(LoginPaused, match='"terms"') as raised:
        social_login(Client(), "oidc")

    assert raised.value.response.data["partial_token"] not in str(raised.value)


def test_paused_login_can_be_resumed(
    settings: Any, social_begin: Login, social_complete: Login
) -> None:
    settings.SOCIAL_AUTH_PIPELINE = pipeline_with((BEFORE_CREATE_USER, f"{__name__}.ask_terms"))
    client = Client()
    begun = social_begin(client, "oidc")

    paused = social_complete(client, begun)

    assert paused.status_code == 202
    body = {name: paused.data[name] for name in ("partial_token", "flow")}
    resumed = client.post(begun.path, {**body, "terms": True}, content_type="application/json")
    assert resumed.status_code == 201
