"""The list of providers: titles and icons."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import global_settings
from django.contrib.staticfiles import finders
from django.core.files.storage import Storage
from django.utils import translation
from django.utils.translation import gettext_lazy
from social_core.backends.oauth import BaseOAuth2
from social_django.finders import SocialAuthIconFinder

from social_endpoints.strategy import Strategy
from tests.support.configuration import Configure
from tests.support.providers import list_providers

pytestmark = pytest.mark.django_db
SECRET = "secret-" + "of-a-backend"
ICON_FINDER = "social_django.finders.SocialAuthIconFinder"


class HostStrategy(Strategy):
    def get_setting(self, name: str) -> Any:
        if name == "SOCIAL_AUTH_TITLED_TITLE" and self.request is not None:
            return f"For {self.request.get_host()}"
        return super().get_setting(name)


class Titled(BaseOAuth2):
    name = "titled"
    icon = "own.svg"
    AUTHORIZATION_URL = "https://id.example.com/authorize"

    @classmethod
    def get_title(cls, strategy: Any) -> Any:
        return strategy.get_setting("SOCIAL_AUTH_TITLED_TITLE")


class Translated(Titled):
    name = "translated"

    @classmethod
    def get_title(cls, strategy: Any) -> Any:
        return gettext_lazy("Monday")


class Failing(Titled):
    name = "failing"

    @classmethod
    def get_title(cls, strategy: Any) -> Any:
        raise RuntimeError(SECRET)

    def uses_redirect(self) -> bool:
        raise RuntimeError(SECRET)


class Numbered(Titled):
    name = "numbered"

    @classmethod
    def get_title(cls, strategy: Any) -> Any:
        return 5


class FailingStorage(Storage):
    def url(self, name: str | None) -> str:
        raise RuntimeError(SECRET)


class FailingFinder(SocialAuthIconFinder):
    def find(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError


def get_provider(settings: Any, backend: str) -> dict[str, Any]:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.{backend}"]
    (provider,) = list_providers()
    return provider


def test_title_depends_on_the_request(settings: Any, configure: Configure) -> None:
    configure(STRATEGY=f"{__name__}.HostStrategy")

    assert get_provider(settings, "Titled")["title"] == "For testserver"


def test_title_is_translated(settings: Any) -> None:
    settings.USE_I18N = True

    with translation.override("de"):
        assert get_provider(settings, "Translated")["title"] == "Montag"


@pytest.mark.parametrize("backend", ["Failing", "Numbered", "Titled"])
def test_invalid_title_is_replaced_with_the_name(
    backend: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SOCIAL_AUTH_TITLED_TITLE = ""

    assert get_provider(settings, backend)["title"] == backend.lower()
    assert SECRET not in caplog.text


def test_failing_backend_does_not_hide_the_others(settings: Any) -> None:
    settings.SOCIAL_AUTH_FAILING_KEY = "value"
    github = "social_core.backends.github.GithubOAuth2"
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Failing", github]

    found = [(one["name"], bool(one["begin_url"])) for one in list_providers()]
    assert found == [("failing", False), ("github", True)]


# --- Icons ----------------------------------------------------------------------------


@pytest.fixture
def static_files(settings: Any) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.staticfiles"]
    settings.STATICFILES_FINDERS = [ICON_FINDER]
    settings.STATIC_URL = "/static/"


def github_icon() -> str | None:
    (icon,) = [one["icon"] for one in list_providers() if one["name"] == "github"]
    return icon


@pytest.mark.usefixtures("static_files")
@pytest.mark.parametrize(
    ("static_url", "base"),
    [
        ("/static/", "https://testserver/static/"),
        ("//cdn.example.com/s/", "https://cdn.example.com/s/"),
        ("https://cdn.example.com/s/", "https://cdn.example.com/s/"),
    ],
)
def test_icon_is_below_the_static_url(static_url: str, base: str, settings: Any) -> None:
    settings.STATIC_URL = static_url

    assert github_icon() == f"{base}social_auth/icons/github.svg"


@pytest.mark.usefixtures("static_files")
def test_project_has_an_icon_of_its_own(settings: Any, tmp_path: Any) -> None:
    (tmp_path / "social_auth" / "icons").mkdir(parents=True)
    (tmp_path / "social_auth" / "icons" / "own.svg").write_text("<svg/>")
    settings.STATICFILES_DIRS = [tmp_path]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]

    icon = get_provider(settings, "Titled")["icon"]

    assert icon == "https://testserver/static/social_auth/icons/own.svg"


def test_icon_without_the_staticfiles_app_is_null(settings: Any) -> None:
    settings.STATICFILES_FINDERS = [ICON_FINDER]

    assert finders.find("social_auth/icons/github.svg")
    assert github_icon() is None


@pytest.mark.usefixtures("static_files")
@pytest.mark.parametrize(
    ("name", "value", "is_logged"),
    [
        ("STATICFILES_FINDERS", global_settings.STATICFILES_FINDERS, False),
        ("STATIC_URL", None, True),
        # The icon has not been collected.
        ("STORAGE", "django.contrib.staticfiles.storage.ManifestStaticFilesStorage", False),
        ("STATICFILES_FINDERS", ["nowhere.Finder"], True),
        ("STATICFILES_FINDERS", [f"{__name__}.FailingFinder"], True),
        ("STORAGE", f"{__name__}.FailingStorage", True),
    ],
)
def test_icon_that_cannot_be_found_is_null(
    name: str,
    value: Any,
    is_logged: bool,
    settings: Any,
    tmp_path: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    if name == "STORAGE":
        name, value = "STORAGES", {**settings.STORAGES, "staticfiles": {"BACKEND": value}}
    setattr(settings, name, value)

    assert github_icon() is None
    assert ("provider list incomplete provider=github" in caplog.text) is is_logged
    assert SECRET not in caplog.text
