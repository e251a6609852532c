"""The list of providers, from which a page draws its buttons."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import responses
from django.contrib.staticfiles import finders
from django.core.files.storage import Storage
from django.test import override_settings
from django.test.utils import override_script_prefix
from django.urls import include, path
from django.utils import translation
from django.utils.translation import gettext_lazy
from rest_framework.test import APIClient
from social_core.backends.base import BaseAuth
from social_core.backends.github import GithubOAuth2
from social_core.backends.oauth import BaseOAuth2
from social_django.finders import SocialAuthIconFinder

from social_endpoints.strategy import Strategy
from social_endpoints.views import ProviderListView
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.social_core import (
    ASSOCIATION_ONLY,
    BACKENDS,
    NO_REDIRECT,
    configure_backend,
)

pytestmark = pytest.mark.django_db
PATH = "/auth/o/"
CORE = "social_core.backends"
SECRET = "secret-" + "of-a-backend"
HERE = "tests.api.providers.test_provider_list"
ICON_FINDER = "social_django.finders.SocialAuthIconFinder"
MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"

urlpatterns = [
    path("<slug:tenant>/", include(("social_endpoints.urls", "tenants"), "tenants")),
    path("lonely/<slug:tenant>/o/", ProviderListView.as_view()),
]


class TenantStrategy(Strategy):
    """Knows a provider's key at one address only."""

    def get_setting(self, name: str) -> Any:
        if name == "SOCIAL_AUTH_GITHUB_KEY":
            return self._require_request().headers.get("Tenant")
        return super().get_setting(name)


class BrokenStrategy(Strategy):
    """Asks a table that is not there, perhaps."""

    def get_setting(self, name: str) -> Any:
        raise RuntimeError


class OwnStrategy(Strategy):
    """Has a title in the settings."""

    def get_setting(self, name: str) -> Any:
        if name == "SOCIAL_AUTH_TITLED_TITLE":
            return f"For {self._require_request().get_host()}"
        return super().get_setting(name)


class Titled(BaseOAuth2):
    """A backend whose title is the project's."""

    name = "titled"
    icon = "own.svg"
    AUTHORIZATION_URL = "https://id.example.com/authorize"

    @classmethod
    def get_title(cls, strategy: Any) -> Any:
        return strategy.get_setting("SOCIAL_AUTH_TITLED_TITLE")


class Lazy(Titled):
    """A backend whose title is translated when it is shown."""

    name = "lazy"
    title = gettext_lazy("Monday")  # type: ignore[assignment]  # what projects do

    @classmethod
    def get_title(cls, strategy: Any) -> Any:
        return cls.title


class Raising(Titled):
    """A backend whose title cannot be told, nor what it needs."""

    name = "raising"

    @classmethod
    def get_title(cls, strategy: Any) -> Any:
        raise RuntimeError(SECRET)

    def uses_redirect(self) -> bool:
        raise RuntimeError(SECRET)


class Numbered(Titled):
    """A backend whose title is no text."""

    name = "numbered"

    @classmethod
    def get_title(cls, strategy: Any) -> Any:
        return 5


class Slashed(Titled):
    """A backend that no path can lead to."""

    name = "a/b"


class Nameless(BaseAuth):
    """A backend that nobody can ask for."""


class OtherGithub(GithubOAuth2):
    """A backend of the project's under the name of another."""

    title = "Our GitHub"


class ClosedBucket(Storage):
    """A storage that has to sign a URL, and cannot."""

    def url(self, name: str | None) -> str:
        raise RuntimeError(SECRET)


class OutsideFinder(SocialAuthIconFinder):
    """A finder that would leave its folder."""

    def find(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError


def listed(client: APIClient | None = None, **extra: Any) -> list[dict[str, Any]]:
    """Return the list."""
    answer = (client or APIClient()).get(PATH, secure=True, **extra)
    assert answer.status_code == 200, answer.data
    return answer.json()  # type: ignore[no-any-return]


def only(settings: Any, backend: str) -> dict[str, Any]:
    """Return what the list says of the one provider."""
    settings.AUTHENTICATION_BACKENDS = [backend]
    (provider,) = listed()
    return provider


@pytest.fixture
def icons(settings: Any) -> None:
    """Make the project one that serves the icons of social-core."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.staticfiles"]
    settings.STATICFILES_FINDERS = [ICON_FINDER]
    settings.STATIC_URL = "/static/"


def test_list(wire: responses.RequestsMock, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        providers = listed()

    assert providers == [
        {
            "name": "oidc",
            "title": "OpenID Connect",
            "icon": None,
            "protocol": "openid_connect",
            "begin_url": "https://testserver/auth/o/oidc/",
            "capabilities": ["redirect", "connect"],
        },
        {
            "name": "github",
            "title": "GitHub",
            "icon": None,
            "protocol": "oauth2",
            "begin_url": "https://testserver/auth/o/github/",
            "capabilities": ["redirect", "connect"],
        },
    ]


def test_begin_url_begins(frontend: Frontend) -> None:
    (url,) = [one["begin_url"] for one in listed() if one["name"] == "github"]

    begun = frontend.client.get(url, {"redirect_uri": REDIRECT_URI}, secure=True)

    assert begun.status_code == 200


def test_nothing_configured(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]

    assert listed() == []


def test_order_is_that_of_the_settings(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = list(reversed(settings.AUTHENTICATION_BACKENDS))

    assert [one["name"] for one in listed()] == ["github", "oidc"]


def test_of_two_with_one_name_the_last_one_stands_in_its_place(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        f"{CORE}.github.GithubOAuth2",
        f"{CORE}.open_id_connect.OpenIdConnectAuth",
        f"{HERE}.OtherGithub",
    ]

    assert [(one["name"], one["title"]) for one in listed()] == [
        ("oidc", "OpenID Connect"),
        ("github", "Our GitHub"),
    ]


@pytest.mark.parametrize("backend", ["Slashed", "Nameless"])
def test_a_name_that_no_path_can_hold_is_no_provider(backend: str, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.{backend}"]

    assert listed() == []


# --- What can be done -----------------------------------------------------------------


def test_it_agrees_with_begin_for_every_backend(
    wire: responses.RequestsMock, django_assert_num_queries: Any
) -> None:
    paths, project = [], SimpleNamespace()
    for name in BACKENDS:
        configure_backend(project, name)
        paths += project.AUTHENTICATION_BACKENDS
    project.AUTHENTICATION_BACKENDS = paths

    with override_settings(**vars(project)), django_assert_num_queries(0):
        providers = {one["name"]: one for one in listed()}

    assert list(providers) == list(BACKENDS)
    cannot_begin = {name for name, one in providers.items() if one["begin_url"] is None}
    assert cannot_begin == (NO_REDIRECT | ASSOCIATION_ONLY) & BACKENDS.keys()
    for name, one in providers.items():
        redirect = ["redirect"] if name not in cannot_begin else []
        connect = ["connect"] if name not in NO_REDIRECT else []
        assert one["capabilities"] == redirect + connect, name


@pytest.mark.parametrize(
    ("path", "protocol", "capabilities"),
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
def test_protocols(
    path: str, protocol: str, capabilities: list[str], wire: responses.RequestsMock, settings: Any
) -> None:
    for name in ("KEY", "SECRET", "CLIENT", "TEAM", "BOT_TOKEN", "SERVER_URL", "SP_ENTITY_ID"):
        setattr(settings, f"SOCIAL_AUTH_{name}", "https://id.example.com")
    settings.SOCIAL_AUTH_ENABLED_IDPS = {"one": {}}

    provider = only(settings, f"{CORE}.{path}")

    assert provider["protocol"] == protocol
    assert provider["capabilities"] == capabilities
    assert (provider["begin_url"] is not None) is ("redirect" in capabilities)


def test_without_a_key_nothing_can_begin(settings: Any, frontend: Frontend) -> None:
    settings.SOCIAL_AUTH_GITHUB_KEY = ""

    provider = only(settings, f"{CORE}.github.GithubOAuth2")

    assert (provider["begin_url"], provider["capabilities"]) == (None, [])
    assert frontend.begin("github").status_code == 500


def test_a_tenant_has_what_it_has_a_key_of(configure: Configure) -> None:
    configure(STRATEGY=f"{HERE}.TenantStrategy")

    def can_begin(**headers: str) -> dict[str, bool]:
        return {one["name"]: bool(one["begin_url"]) for one in listed(headers=headers)}

    assert can_begin() == {"oidc": True, "github": False}
    assert can_begin(Tenant="red") == {"oidc": True, "github": True}


def test_a_strategy_that_fails(configure: Configure, caplog: pytest.LogCaptureFixture) -> None:
    configure(STRATEGY=f"{HERE}.BrokenStrategy")

    assert [one["capabilities"] for one in listed()] == [[], []]
    assert "github cannot be listed in full" in caplog.text


def test_a_strategy_that_cannot_be_imported(configure: Configure) -> None:
    configure(STRATEGY="nowhere.Strategy")

    answer = APIClient().get(PATH)

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "ETag" not in answer.headers


# --- Titles ---------------------------------------------------------------------------


def test_title_may_be_of_the_request(settings: Any, configure: Configure) -> None:
    configure(STRATEGY=f"{HERE}.OwnStrategy")

    assert only(settings, f"{HERE}.Titled")["title"] == "For testserver"


def test_title_may_be_lazy(settings: Any) -> None:
    settings.USE_I18N = True

    with translation.override("de"):
        assert only(settings, f"{HERE}.Lazy")["title"] == "Montag"


@pytest.mark.parametrize("backend", ["Raising", "Numbered", "Titled"])
def test_without_a_title_there_is_the_name(
    backend: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SOCIAL_AUTH_TITLED_TITLE = ""

    assert only(settings, f"{HERE}.{backend}")["title"] == backend.lower()
    assert SECRET not in caplog.text


def test_a_backend_that_raises_does_not_hide_the_others(settings: Any) -> None:
    settings.SOCIAL_AUTH_RAISING_KEY = "value"
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.Raising", f"{CORE}.github.GithubOAuth2"]

    assert [(one["name"], bool(one["begin_url"])) for one in listed()] == [
        ("raising", False),
        ("github", True),
    ]


# --- Icons ----------------------------------------------------------------------------


def github_icon() -> str | None:
    (icon,) = [one["icon"] for one in listed() if one["name"] == "github"]
    return icon  # type: ignore[no-any-return]


def test_icon(icons: None) -> None:
    assert github_icon() == "https://testserver/static/social_auth/icons/github.svg"


@pytest.mark.parametrize(
    ("static_url", "icon"),
    [
        ("https://cdn.example.com/s/", "https://cdn.example.com/s/social_auth/icons/github.svg"),
        ("//cdn.example.com/s/", "https://cdn.example.com/s/social_auth/icons/github.svg"),
        ("/s/", "https://testserver/s/social_auth/icons/github.svg"),
    ],
)
def test_icon_is_where_the_static_files_are(
    static_url: str, icon: str, icons: None, settings: Any
) -> None:
    settings.STATIC_URL = static_url

    assert github_icon() == icon


def test_no_finder(icons: None, settings: Any) -> None:
    del settings.STATICFILES_FINDERS

    assert github_icon() is None


@pytest.mark.parametrize("finder", ["nowhere.Finder", f"{HERE}.OutsideFinder"])
def test_a_finder_that_fails(
    finder: str, icons: None, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.STATICFILES_FINDERS = [finder]

    assert github_icon() is None
    assert "A finder failed for the icon of github" in caplog.text


def test_no_static_files(settings: Any) -> None:
    settings.STATICFILES_FINDERS = [ICON_FINDER]

    assert finders.find("social_auth/icons/github.svg")
    assert github_icon() is None


def test_icon_that_is_not_collected(icons: None, settings: Any, tmp_path: Any) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": MANIFEST}}

    assert github_icon() is None


def test_a_storage_that_fails(icons: None, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    bucket = {"BACKEND": f"{HERE}.ClosedBucket"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": bucket}

    assert github_icon() is None
    assert "The icon of github has no URL" in caplog.text
    assert SECRET not in caplog.text


def test_static_files_without_a_url(icons: None, settings: Any) -> None:
    settings.STATIC_URL = None

    assert github_icon() is None


def test_icon_of_the_projects_own(icons: None, settings: Any, tmp_path: Any) -> None:
    (tmp_path / "social_auth" / "icons").mkdir(parents=True)
    (tmp_path / "social_auth" / "icons" / "own.svg").write_text("<svg/>")
    settings.STATICFILES_DIRS = [tmp_path]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]

    icon = only(settings, f"{HERE}.Titled")["icon"]

    assert icon == "https://testserver/static/social_auth/icons/own.svg"


# --- Where it stands ------------------------------------------------------------------


@pytest.mark.urls(HERE)
@pytest.mark.parametrize("prefix", ["", "/app"])
def test_under_a_namespace_and_a_path_with_parameters(prefix: str, client: APIClient) -> None:
    with override_script_prefix(f"{prefix}/"):
        answer = client.get("/red/o/", secure=True)

    assert [one["begin_url"] for one in answer.json()] == [
        f"https://testserver{prefix}/red/o/oidc/",
        f"https://testserver{prefix}/red/o/github/",
    ]


@pytest.mark.urls(HERE)
def test_where_begin_is_not_routed(client: APIClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = client.get("/lonely/red/o/")

    assert (answer.status_code, answer.data["error_code"]) == (500, "invalid_setting")
    assert "provider-auth" in caplog.text


def test_nobody_is_looked_at(client: APIClient) -> None:
    client.credentials(HTTP_AUTHORIZATION="Token expired")
    client.cookies["sessionid"] = "somebody"

    assert len(listed(client)) == 2


# --- Caches ---------------------------------------------------------------------------


def test_answer_may_be_kept_and_has_to_be_asked_for(client: APIClient) -> None:
    answer = client.get(PATH)

    directives = answer.headers["Cache-Control"].split(", ")
    assert {"no-cache", "max-age=0"} <= set(directives)
    assert not {"no-store", "private"} & set(directives)
    assert answer.headers["ETag"]
    assert "Vary" not in answer.headers
    assert "Expires" not in answer.headers


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("weak", ["", "W/"])
def test_answer_that_the_client_has(
    method: str, weak: str, client: APIClient, django_assert_num_queries: Any
) -> None:
    first = client.get(PATH)
    tag = first.headers["ETag"]

    with django_assert_num_queries(0):
        second = getattr(client, method)(PATH, headers={"If-None-Match": f'"other", {weak}{tag}'})

    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["ETag"] == tag
    assert second.headers["Cache-Control"] == first.headers["Cache-Control"]


def test_answer_that_has_changed(client: APIClient, settings: Any) -> None:
    tag = client.get(PATH).headers["ETag"]
    settings.AUTHENTICATION_BACKENDS = [f"{CORE}.github.GithubOAuth2"]

    answer = client.get(PATH, headers={"If-None-Match": tag})

    assert (answer.status_code, len(answer.data)) == (200, 1)
    assert answer.headers["ETag"] != tag


def test_site_wide_caches_of_django(client: APIClient, settings: Any) -> None:
    settings.MIDDLEWARE = [
        "django.middleware.gzip.GZipMiddleware",
        "django.middleware.cache.UpdateCacheMiddleware",
        "django.middleware.http.ConditionalGetMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    first = client.get(PATH, headers={"Accept-Encoding": "gzip"})
    same = client.get(PATH, headers={"If-None-Match": first.headers["ETag"]})

    settings.AUTHENTICATION_BACKENDS = [f"{CORE}.github.GithubOAuth2"]
    changed = client.get(PATH, headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, same.status_code, changed.status_code) == (200, 304, 200)
    assert len(changed.json()) == 1


def test_head(client: APIClient) -> None:
    answer, head = client.get(PATH), client.head(PATH)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == answer.headers["ETag"]
    assert head.headers["Cache-Control"] == answer.headers["Cache-Control"]


@pytest.mark.parametrize(("method", "status"), [("options", 200), ("post", 405), ("delete", 405)])
def test_other_methods(method: str, status: int, client: APIClient) -> None:
    answer = getattr(client, method)(PATH)

    assert answer.status_code == status
    assert "no-store" in answer.headers["Cache-Control"]
    assert "GET" in answer.headers["Allow"]


def test_anything_may_be_accepted(client: APIClient) -> None:
    answer = client.get(f"{PATH}?format=xml&page=7", headers={"Accept": "text/html"})

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
