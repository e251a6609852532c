"""The list of providers: entries, capabilities, routing and caches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import responses
from django.test import override_settings
from django.test.utils import override_script_prefix
from django.urls import include, path
from rest_framework.test import APIClient
from social_core.backends.base import BaseAuth
from social_core.backends.github import GithubOAuth2
from social_core.backends.oauth import BaseOAuth2

from social_endpoints.strategy import Strategy
from social_endpoints.views import ProviderListView
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, error
from tests.support.providers import PROVIDERS, list_providers
from tests.support.social_core import (
    ASSOCIATION_ONLY,
    BACKENDS,
    NO_REDIRECT,
    configure_backend,
)

pytestmark = pytest.mark.django_db
CORE = "social_core.backends"
GITHUB = f"{CORE}.github.GithubOAuth2"
OIDC = f"{CORE}.open_id_connect.OpenIdConnectAuth"
CACHE_MIDDLEWARE = [
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.cache.UpdateCacheMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.cache.FetchFromCacheMiddleware",
]

urlpatterns = [
    path("<slug:tenant>/", include(("social_endpoints.urls", "tenants"), "tenants")),
    path("lonely/<slug:tenant>/o/", ProviderListView.as_view()),
]


class TenantStrategy(Strategy):
    def get_setting(self, name: str) -> Any:
        if name == "SOCIAL_AUTH_GITHUB_KEY":
            return self.request and self.request.headers.get("Tenant")
        return super().get_setting(name)


class FailingStrategy(Strategy):
    def get_setting(self, name: str) -> Any:
        raise RuntimeError


class WithSlash(BaseOAuth2):
    name = "a/b"


class WithoutName(BaseAuth):
    pass


class ProjectGithub(GithubOAuth2):
    title = "Our GitHub"


def names(providers: list[dict[str, Any]]) -> list[str]:
    return [provider["name"] for provider in providers]


def test_entries_for_any_request(
    wire: responses.RequestsMock, client: APIClient, django_assert_num_queries: Any
) -> None:
    client.credentials(HTTP_AUTHORIZATION="Token expired")
    client.cookies["sessionid"] = "somebody"
    with django_assert_num_queries(0):
        response = client.get(
            f"{PROVIDERS}?format=xml&page=7", headers={"Accept": "text/html"}, secure=True
        )

    shared = {"icon": None, "capabilities": ["redirect", "connect"]}
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == [
        {
            "name": "oidc",
            "title": "OpenID Connect",
            "protocol": "openid_connect",
            "begin_url": "https://testserver/auth/o/oidc/",
            **shared,
        },
        {
            "name": "github",
            "title": "GitHub",
            "protocol": "oauth2",
            "begin_url": "https://testserver/auth/o/github/",
            **shared,
        },
    ]
    begin_url = response.json()[1]["begin_url"]
    begun = client.get(begin_url, {"redirect_uri": REDIRECT_URI}, secure=True)
    assert begun.status_code == 200


@pytest.mark.parametrize(
    ("backends", "expected"),
    [
        (["django.contrib.auth.backends.ModelBackend"], []),
        ([GITHUB, OIDC], ["github", "oidc"]),
        ([OIDC, GITHUB], ["oidc", "github"]),
        ([f"{__name__}.WithSlash"], []),
        ([f"{__name__}.WithoutName"], []),
    ],
)
def test_list_has_the_backends_with_a_valid_name_in_order(
    backends: list[str], expected: list[str], settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = backends

    assert names(list_providers()) == expected


def test_last_backend_with_a_name_replaces_the_others(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [GITHUB, OIDC, f"{__name__}.ProjectGithub"]

    titles = [(one["name"], one["title"]) for one in list_providers()]
    assert titles == [("oidc", "OpenID Connect"), ("github", "Our GitHub")]


# --- Capabilities ---------------------------------------------------------------------


def test_every_backend_of_social_core_has_its_capabilities(
    wire: responses.RequestsMock, django_assert_num_queries: Any
) -> None:
    backends, project = [], SimpleNamespace()
    for name in BACKENDS:
        configure_backend(project, name)
        backends += project.AUTHENTICATION_BACKENDS
    project.AUTHENTICATION_BACKENDS = backends

    with override_settings(**vars(project)), django_assert_num_queries(0):
        providers = {one["name"]: one for one in list_providers()}

    assert list(providers) == list(BACKENDS)
    for name, one in providers.items():
        connect = [] if name in NO_REDIRECT else ["connect"]
        redirect = ["redirect"] if connect and name not in ASSOCIATION_ONLY else []
        assert one["capabilities"] == redirect + connect, name
        assert bool(one["begin_url"]) is bool(redirect)


@pytest.mark.parametrize(
    ("backend", "protocol", "capabilities"),
    [
        ("twitter.TwitterOAuth", "oauth1", ["redirect", "connect"]),
        ("steam.SteamOpenId", "openid2", ["redirect", "connect"]),
        ("open_id.OpenIdAuth", "openid2", ["redirect", "connect"]),
        ("apple.AppleIdAuth", "oauth2", ["redirect", "connect"]),
        ("google_openidconnect.GoogleOpenIdConnect", "openid_connect", ["redirect", "connect"]),
        ("telegram.TelegramAuth", "other", ["redirect", "connect"]),
        ("discourse.DiscourseAuth", "other", ["redirect", "connect"]),
        ("lastfm.LastFmAuth", "other", ["connect"]),
        ("vk.VKontakteOpenAPI", "other", []),
        ("facebook_limited.FacebookLimitedLogin", "openid_connect", []),
        pytest.param(
            "saml.SAMLAuth",
            "saml",
            ["redirect", "connect"],
            marks=pytest.mark.needs("onelogin"),
        ),
    ],
)
def test_protocol_and_capabilities(
    backend: str,
    protocol: str,
    capabilities: list[str],
    wire: responses.RequestsMock,
    settings: Any,
) -> None:
    for name in ("KEY", "SECRET", "CLIENT", "TEAM", "BOT_TOKEN", "SERVER_URL", "SP_ENTITY_ID"):
        setattr(settings, f"SOCIAL_AUTH_{name}", "https://id.example.com")
    settings.SOCIAL_AUTH_ENABLED_IDPS = {"one": {}}
    settings.AUTHENTICATION_BACKENDS = [f"{CORE}.{backend}"]

    (provider,) = list_providers()

    assert (provider["protocol"], provider["capabilities"]) == (protocol, capabilities)
    assert bool(provider["begin_url"]) is ("redirect" in capabilities)


def test_provider_without_a_client_id_cannot_begin(settings: Any, frontend: Frontend) -> None:
    settings.SOCIAL_AUTH_GITHUB_KEY = ""
    settings.AUTHENTICATION_BACKENDS = [GITHUB]

    (provider,) = list_providers()

    assert (provider["begin_url"], provider["capabilities"]) == (None, [])
    assert frontend.begin("github").status_code == 500


@pytest.mark.parametrize(("headers", "can_begin"), [({}, False), ({"Tenant": "red"}, True)])
def test_strategy_decides_by_the_request_which_providers_can_begin(
    headers: dict[str, str], can_begin: bool, configure: Configure
) -> None:
    configure(STRATEGY=f"{__name__}.TenantStrategy")

    oidc, github = list_providers(headers=headers)

    assert bool(oidc["begin_url"]) is True
    assert bool(github["begin_url"]) is can_begin


def test_failing_strategy_leaves_providers_without_capabilities(
    configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configure(STRATEGY=f"{__name__}.FailingStrategy")

    assert [one["capabilities"] for one in list_providers()] == [[], []]
    assert "RuntimeError" in caplog.text


def test_invalid_strategy_is_a_500_that_is_not_cached(
    client: APIClient, configure: Configure
) -> None:
    configure(STRATEGY="nowhere.Strategy")

    response = client.get(PROVIDERS)

    assert error(response) == (500, "invalid_setting")
    assert "no-store" in response.headers["Cache-Control"]
    assert "ETag" not in response.headers


# --- Routing and requests -------------------------------------------------------------


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("prefix", ["", "/app"])
def test_begin_urls_have_the_namespace_and_parameters_of_the_list(
    prefix: str, client: APIClient
) -> None:
    with override_script_prefix(f"{prefix}/"):
        response = client.get("/red/o/", secure=True)

    assert [one["begin_url"] for one in response.json()] == [
        f"https://testserver{prefix}/red/o/oidc/",
        f"https://testserver{prefix}/red/o/github/",
    ]


@pytest.mark.urls(__name__)
def test_list_without_a_route_for_begin_is_a_500(
    client: APIClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert error(client.get("/lonely/red/o/")) == (500, "invalid_setting")
    assert "provider-auth" in caplog.text


@pytest.mark.parametrize(("method", "status"), [("options", 200), ("post", 405), ("delete", 405)])
def test_response_to_another_method_is_not_cached(
    method: str, status: int, client: APIClient
) -> None:
    response = getattr(client, method)(PROVIDERS)

    assert response.status_code == status
    assert "no-store" in response.headers["Cache-Control"]
    assert "GET" in response.headers["Allow"]


# --- Caches ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "head"])
def test_caches_may_store_the_list_and_must_revalidate_it(method: str, client: APIClient) -> None:
    response = getattr(client, method)(PROVIDERS)

    directives = set(response.headers["Cache-Control"].split(", "))
    assert directives >= {"no-cache", "max-age=0"}
    assert not directives & {"no-store", "private"}
    assert response.headers["ETag"] == client.get(PROVIDERS).headers["ETag"]
    assert not response.headers.keys() & {"Vary", "Expires"}
    assert bool(response.content) is (method == "get")


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("weak", ["", "W/"])
def test_unchanged_list_is_a_304(
    method: str, weak: str, client: APIClient, django_assert_num_queries: Any
) -> None:
    first = client.get(PROVIDERS)
    etag = first.headers["ETag"]

    with django_assert_num_queries(0):
        headers = {"If-None-Match": f'"other", {weak}{etag}'}
        second = getattr(client, method)(PROVIDERS, headers=headers)

    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["ETag"] == etag
    assert second.headers["Cache-Control"] == first.headers["Cache-Control"]


@pytest.mark.parametrize("middleware", [[], CACHE_MIDDLEWARE], ids=["alone", "middleware"])
def test_changed_list_has_another_etag_also_behind_djangos_cache_middleware(
    middleware: list[str], client: APIClient, settings: Any
) -> None:
    settings.MIDDLEWARE = middleware
    first = client.get(PROVIDERS, headers={"Accept-Encoding": "gzip"})
    headers = {"If-None-Match": first.headers["ETag"]}
    unchanged = client.get(PROVIDERS, headers=headers)

    settings.AUTHENTICATION_BACKENDS = [GITHUB]
    changed = client.get(PROVIDERS, headers=headers)

    statuses = (first.status_code, unchanged.status_code, changed.status_code)
    assert statuses == (200, 304, 200)
    assert names(changed.json()) == ["github"]
    assert changed.headers["ETag"] != first.headers["ETag"]
