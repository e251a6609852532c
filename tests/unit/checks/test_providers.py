"""System checks of the configured providers, their URLs and their icons."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import responses
from django.conf import settings as django_settings
from django.core.management import call_command
from django.urls import include, path, re_path
from django.views import View
from social_core.backends.apple import AppleIdAuth
from social_core.backends.github import GithubOAuth2
from social_core.backends.keycloak import KeycloakOAuth2
from social_core.exceptions import AuthConfigurationError
from social_django.models import DjangoStorage

from social_endpoints.checks.providers import check_urls
from social_endpoints.strategy import Strategy
from tests.support.checks import check_project, findings, ids, only
from tests.support.configuration import Configure
from tests.support.urlconf import ENDPOINTS, urlconf

HERE = "tests.unit.checks.test_providers"
CORE = "social_core.backends"
APPLE = f"{CORE}.apple.AppleIdAuth"
FEDORA = f"{CORE}.fedora.FedoraOpenId"
GITHUB = f"{CORE}.github.GithubOAuth2"
OIDC = f"{CORE}.open_id_connect.OpenIdConnectAuth"
APPLE_SETTINGS = {f"APPLE_ID_{name}" for name in ("CLIENT", "TEAM", "KEY", "SECRET")}
FORM_POST = {"OIDC_AUTH_EXTRA_ARGUMENTS": {"response_mode": "form_post"}}
SAML = {"SAML_SP_ENTITY_ID": "site", "SAML_ENABLED_IDPS": {"idp": {}}}


class TenantStrategy(Strategy):
    """A strategy of a project with credentials per tenant."""


class VaultGithub(GithubOAuth2):
    name = "vault-github"

    def get_key_and_secret(self) -> tuple[str, str]:
        return ("from", "the vault")


class UserinfoKeycloak(KeycloakOAuth2):
    AUTHORIZATION_URL = ACCESS_TOKEN_URL = "https://id.example.com/"

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


class UnusableUrlGithub(GithubOAuth2):
    def authorization_url(self) -> str:
        raise RuntimeError

    def access_token_url(self) -> str:
        return "https://["


class FetchingGithub(GithubOAuth2):
    """A backend of the project with its own discovery."""

    def authorization_url(self) -> str:
        return str(self.get_json("https://id.example.com/metadata")["authorization_url"])


class PostingApple(AppleIdAuth):
    """A backend that always asks the provider to POST."""

    RESPONSE_MODE = "form_post"


class ProviderAuthView(View):
    """A stand-in for the view of djoser.social."""


VIEWS: Any = ModuleType("djoser.social.views")
VIEWS.ProviderAuthView = ProviderAuthView


@pytest.mark.parametrize(
    ("backend", "names"),
    [
        (GITHUB, {"GITHUB_KEY", "GITHUB_SECRET"}),
        (f"{CORE}.google.GoogleOAuth2", {"GOOGLE_OAUTH2_KEY", "GOOGLE_OAUTH2_SECRET"}),
        (APPLE, APPLE_SETTINGS),
        (f"{CORE}.twitter.TwitterOAuth", {"TWITTER_KEY", "TWITTER_SECRET"}),
        (OIDC, {"OIDC_KEY", "OIDC_SECRET", "OIDC_OIDC_ENDPOINT"}),
        # PKCE replaces the secret that a public client cannot have.
        (f"{CORE}.twitter_oauth2.TwitterOAuth2", {"TWITTER_OAUTH2_KEY"}),
        (f"{CORE}.vk.VKIDOAuth2", {"VK_ID_KEY"}),
        # A client assertion may replace the secret.
        (f"{CORE}.azuread.AzureADOAuth2", {"AZUREAD_OAUTH2_KEY"}),
        (f"{HERE}.VaultGithub", set()),
        (FEDORA, set()),
        # Steam's profile endpoint requires a key.
        (f"{CORE}.steam.SteamOpenId", {"STEAM_API_KEY"}),
        # The URLs of these providers contain a setting.
        (f"{CORE}.auth0.Auth0OAuth2", {"AUTH0_KEY", "AUTH0_SECRET", "AUTH0_DOMAIN"}),
        (
            f"{CORE}.auth0_openidconnect.Auth0OpenIdConnectAuth",
            {f"AUTH0_OPENIDCONNECT_{name}" for name in ("KEY", "SECRET", "DOMAIN")},
        ),
        (f"{CORE}.cognito.CognitoOAuth2", {"COGNITO_KEY", "COGNITO_SECRET", "COGNITO_POOL_DOMAIN"}),
        (
            f"{CORE}.github_enterprise.GithubEnterpriseOAuth2",
            {f"GITHUB_ENTERPRISE_{name}" for name in ("KEY", "SECRET", "URL")},
        ),
        (
            f"{CORE}.keycloak.KeycloakOAuth2",
            {
                f"KEYCLOAK_{name}"
                for name in ("KEY", "SECRET", "PUBLIC_KEY", "AUTHORIZATION_URL", "ACCESS_TOKEN_URL")
            },
        ),
        (f"{HERE}.UserinfoKeycloak", {"KEYCLOAK_KEY", "KEYCLOAK_SECRET"}),
        (
            f"{CORE}.nationbuilder.NationBuilderOAuth2",
            {f"NATIONBUILDER_{name}" for name in ("KEY", "SECRET", "SLUG")},
        ),
        (
            f"{CORE}.okta.OktaOAuth2",
            {f"OKTA_OAUTH2_{name}" for name in ("KEY", "SECRET", "API_URL")},
        ),
        # The URL of this provider depends on the callback.
        (f"{CORE}.vend.VendOAuth2", {"VEND_KEY", "VEND_SECRET"}),
        (f"{HERE}.UnusableUrlGithub", {"GITHUB_KEY", "GITHUB_SECRET"}),
        # Google accepts anonymous OAuth 1.0a clients.
        (f"{CORE}.google.GoogleOAuth", set()),
    ],
)
def test_missing_settings(backend: str, names: set[str], settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [backend]
    for name in [name for name in dir(django_settings) if name.startswith("SOCIAL_AUTH_")]:
        delattr(settings, name)

    messages = findings()

    assert {message.id for message in messages} <= {"social_endpoints.W002"}
    missing = sorted(message.msg.rpartition(" SOCIAL_AUTH_")[2] for message in messages)
    assert missing == sorted(f"{name}." for name in names)
    assert all(backend in message.hint for message in messages)

    for name in names:
        setattr(settings, f"SOCIAL_AUTH_{name}", "https://id.example.com")
    assert findings() == []


def use(settings: Any, backend: str, values: dict[str, Any]) -> None:
    """Configure one backend, with settings of these names; None deletes a setting."""
    settings.AUTHENTICATION_BACKENDS = [backend]
    for name, value in {**dict.fromkeys(APPLE_SETTINGS, "value"), **values}.items():
        setattr(settings, f"SOCIAL_AUTH_{name}", value)
        if value is None:
            delattr(settings, f"SOCIAL_AUTH_{name}")


@pytest.mark.parametrize(
    ("backend", "values"),
    [
        # A public client has no secret.
        (OIDC, {"OIDC_USE_PKCE": True, "OIDC_SECRET": None}),
        # Without discovery, no issuer is needed.
        (OIDC, {"OIDC_OIDC_ENDPOINT": None, "OIDC_AUTHORIZATION_URL": "https://id.example.com/"}),
        # social-core falls back to the settings without the provider's name.
        (GITHUB, {"GITHUB_KEY": None, "KEY": "shared"}),
        # These providers redirect, and therefore need no shared cache.
        (APPLE, {}),
        (OIDC, {"OIDC_AUTH_EXTRA_ARGUMENTS": {"response_mode": "query"}}),
        (FEDORA, {}),
    ],
)
def test_correct_provider_has_no_finding(
    backend: str, values: dict[str, Any], settings: Any
) -> None:
    use(settings, backend, values)

    assert findings() == []


def test_settings_without_which_a_backend_raises_an_exception(settings: Any) -> None:
    use(settings, f"{CORE}.azuread_b2c.AzureADB2COAuth2", {})
    names = [f"SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_{name}" for name in ("KEY", "POLICY", "TENANT_NAME")]

    assert [message.id for message in findings()] == ["social_endpoints.W002"] * 2
    assert all(name in str(findings()) for name in names[:2])
    settings.SOCIAL_AUTH_KEY, settings.SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_POLICY = "key", "b2c_1_x"
    assert names[2] in only("W002").msg
    settings.SOCIAL_AUTH_AZUREAD_B2C_OAUTH2_TENANT_NAME = "tenant"
    assert findings() == []


class UnconfiguredGithub(GithubOAuth2):
    def get_scope(self) -> list[str]:
        raise AuthConfigurationError(self, parameter="SCOPES", stage="begin")

    def auth_extra_arguments(self) -> dict[str, str]:
        return {"scopes": self.get_scope()[0]}


def test_no_request_is_sent_for_the_url_of_a_backend(settings: Any) -> None:
    use(settings, f"{HERE}.FetchingGithub", {})

    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.get("https://id.example.com/metadata", json={"authorization_url": "https://a.example"})
        assert findings() == []
        assert not wire.calls


def test_setting_of_a_project_is_missing(settings: Any) -> None:
    use(settings, f"{HERE}.UnconfiguredGithub", {})

    assert "SOCIAL_AUTH_GITHUB_SCOPES" in only("W002").msg


def test_setting_that_is_none_is_missing(settings: Any) -> None:
    use(settings, f"{CORE}.auth0.Auth0OAuth2", {"KEY": "key", "SECRET": "secret"})
    settings.SOCIAL_AUTH_AUTH0_DOMAIN = None

    assert "SOCIAL_AUTH_AUTH0_DOMAIN" in only("W002").msg


def test_missing_secret_is_reported_unless_the_project_has_a_strategy(
    configure: Configure, settings: Any
) -> None:
    use(settings, OIDC, {"OIDC_USE_PKCE": False, "OIDC_SECRET": None})
    assert "SOCIAL_AUTH_OIDC_SECRET" in only("W002").msg

    configure(STRATEGY=f"{HERE}.TenantStrategy")
    assert findings() == []


@pytest.mark.parametrize(
    ("engine", "expected"),
    [("dummy.DummyCache", {"E015"}), ("locmem.LocMemCache", {"W005"}), ("redis.RedisCache", set())],
)
@pytest.mark.parametrize(
    ("backend", "values"),
    [
        (APPLE, {"APPLE_ID_SCOPE": ["name"]}),
        (f"{HERE}.PostingApple", {}),
        (OIDC, FORM_POST),
        pytest.param(f"{CORE}.saml.SAMLAuth", SAML, marks=pytest.mark.needs("onelogin")),
    ],
)
def test_cache_of_provider_with_handoff(
    backend: str, values: dict[str, Any], engine: str, expected: set[str], settings: Any
) -> None:
    use(settings, backend, values)
    cache = {"BACKEND": f"django.core.cache.backends.{engine}", "LOCATION": "redis://127.0.0.1"}
    settings.CACHES = {"default": cache}

    assert ids() == expected


@pytest.mark.parametrize(
    ("name", "hint"),
    [("githob", "Did you mean 'github'?"), ("x", "Available names: oidc, github.")],
)
def test_pkce_of_unknown_provider(name: str, hint: str, configure: Configure) -> None:
    configure(PKCE={name: True, "github": True})

    message = only("E016")

    assert repr(name) in message.msg
    assert message.hint == hint


@pytest.mark.parametrize(
    ("backends", "identifier", "problem"),
    [
        ([f"{CORE}.open_id.OpenIdAuth"], "W006", "'openid'"),
        ([f"{CORE}.github.Github2", GITHUB], "E013", "Github2"),
        (["django.contrib.auth.backends.ModelBackend"], "W001", "no provider"),
        ([f"{CORE}.email.EmailAuth", f"{CORE}.username.UsernameAuth"], "W001", "no provider"),
    ],
)
def test_unusable_backends(
    backends: list[str], identifier: str, problem: str, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = backends

    assert problem in only(identifier).msg


@pytest.mark.parametrize(
    ("setting", "value", "identifier"),
    [
        ("BACKCHANNEL_LOGOUT_PROVIDERS", ["oidc"], "E031"),
        ("CONNECT_SCOPES", {"oidc": ["calendar"]}, "E029"),
        ("FAKE_PROVIDERS", {"oidc": "http://localhost:9000"}, "E033"),
        ("NATIVE_PROVIDERS", ["oidc"], "E019"),
        ("NATIVE_VERIFIERS", {"oidc": "social_endpoints.verifiers.TokenVerifier"}, "E020"),
        ("PKCE", {"oidc": True}, "E016"),
    ],
)
def test_setting_of_a_provider_without_any_backend(
    setting: str, value: Any, identifier: str, configure: Configure, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    configure(**{setting: value})

    hints = {message.id.rpartition(".")[2]: message.hint for message in findings()}

    assert hints[identifier] == "Add its backend to AUTHENTICATION_BACKENDS, or remove the entry."


def test_all_backends_that_cannot_be_imported(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{CORE}.github.Github2", GITHUB, "no.such.Backend"]

    texts = [message.msg for message in findings()]

    assert ids() == {"E013"}
    assert ["Github2" in texts[0], "'no.such.Backend'" in texts[1]] == [True, True]


class SecondGithub(GithubOAuth2):
    """A backend of the project with the name of social-core's."""


class RaisingGithub(GithubOAuth2):
    name = "raising"

    def get_key_and_secret(self) -> tuple[str, str]:
        raise NotImplementedError

    def auth_extra_arguments(self) -> dict[str, str]:
        raise RuntimeError("our-client-secret")


@pytest.mark.parametrize(
    ("backends", "unused"),
    [
        ([GITHUB, OIDC, f"{HERE}.SecondGithub"], GITHUB),
        ([f"{HERE}.SecondGithub", GITHUB], f"{HERE}.SecondGithub"),
        ([GITHUB, GITHUB], GITHUB),
    ],
)
def test_two_backends_with_one_name(backends: list[str], unused: str, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = backends

    assert repr(unused) in only("W016").msg


def test_backend_that_raises_an_exception(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.RaisingGithub", OIDC]

    message = only("E025", deploy=True)

    assert "'raising' raises RuntimeError" in message.msg
    assert "our-client-secret" not in str(message)
    assert "SOCIAL_AUTH_RAISING_" in message.hint


@pytest.mark.parametrize("prefix", ["SOCIAL_AUTH_GITHUB_", "SOCIAL_AUTH_", ""])
@pytest.mark.parametrize(
    ("name", "value", "is_valid"),
    [
        ("REQUESTS_TIMEOUT", "5", False),
        ("REQUESTS_TIMEOUT", -1, False),
        ("REQUESTS_TIMEOUT", float("nan"), False),
        ("REQUESTS_TIMEOUT", True, False),
        ("REQUESTS_TIMEOUT", (1, "2"), False),
        ("REQUESTS_TIMEOUT", 2.5, True),
        ("REQUESTS_TIMEOUT", (1, 2), True),
        ("URLOPEN_TIMEOUT", [5], False),
        ("STATE_LIFETIME", 0, False),
        ("STATE_LIFETIME", 600, True),
        ("PROXIES", "http://proxy:3128", False),
        ("PROXIES", {"https": None}, False),
        ("PROXIES", {"https": "http://proxy:3128"}, True),
        ("VERIFY_SSL", "", False),
        ("VERIFY_SSL", 0, False),
        ("VERIFY_SSL", "/no/such/bundle.pem", False),
        ("VERIFY_SSL", __file__, True),
        ("VERIFY_SSL", Path(__file__), True),
        ("VERIFY_SSL", False, True),
        ("SCOPE", "email", False),
        ("SCOPE", ("email",), False),
        ("SCOPE", [5], False),
        ("SCOPE", ["email"], True),
        ("JWT_ALGORITHMS", "RS256", False),
        ("JWT_ALGORITHMS", None, False),
        ("JWT_ALGORITHMS", [], False),
        ("JWT_ALGORITHMS", ("RS256", "ES256"), True),
        ("OIDC_ENDPOINT", 5, False),
        ("OIDC_ENDPOINT", "id.example.com", False),
        ("OIDC_ENDPOINT", "https://a.example/.well-known/openid-configuration", False),
        ("OIDC_ENDPOINT", "https://a.example/realm", True),
        ("OIDC_ENDPOINT", "", True),
        ("AUTH_EXTRA_ARGUMENTS", "prompt=login", False),
        ("AUTH_EXTRA_ARGUMENTS", {"prompt": "login"}, True),
        ("AUTH_EXTRA_ARGUMENTS", None, False),
        ("SCOPE", None, False),
        ("VERIFY_SSL", None, True),
        ("PROXIES", None, True),
        ("REQUESTS_TIMEOUT", None, True),
    ],
)
def test_value_of_a_provider(
    prefix: str, name: str, value: Any, is_valid: bool, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [GITHUB]
    setattr(settings, f"{prefix}{name}", value)

    if is_valid:
        assert findings() == []
    else:
        assert only("E024").msg.startswith(f"{prefix}{name} ")


def test_scope_of_other_protocols_is_not_checked(settings: Any) -> None:
    use(settings, FEDORA, {"SCOPE": "email"})

    assert findings() == []


def test_storage_that_cannot_be_imported(settings: Any) -> None:
    settings.SOCIAL_AUTH_STORAGE = "tests.Missing"

    assert any("SOCIAL_AUTH_STORAGE" in message.msg for message in findings())


def test_missing_social_django(tmp_path: Path) -> None:
    output = check_project(
        tmp_path,
        """
        from tests.settings import *
        INSTALLED_APPS.remove("social_django")
        SOCIAL_ENDPOINTS["NATIVE_PROVIDERS"] = ["oidc"]
        """,
    )

    assert "(social_endpoints.E012)" in output
    assert "HINT: Add 'social_django' to INSTALLED_APPS and run migrate." in output


@pytest.fixture
def djoser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install stand-ins for djoser's modules, with its greedy pattern."""
    names = ("", ".urls", ".social", ".social.urls", ".social.views")
    modules: dict[str, Any] = {f"djoser{name}": ModuleType(f"djoser{name}") for name in names}
    pattern = re_path(r"^o/(?P<provider>\S+)/$", ProviderAuthView.as_view(), name="provider-auth")
    modules["djoser.urls"].urlpatterns = []
    modules["djoser.social.urls"].urlpatterns = [pattern]
    modules["djoser.social.views"] = VIEWS
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)


def test_other_urls_are_accepted(djoser: None, settings: Any) -> None:
    settings.ROOT_URLCONF = urlconf(path("auth/", include("djoser.urls")), ENDPOINTS)
    assert findings() == []

    del settings.ROOT_URLCONF
    assert findings() == []


@pytest.mark.parametrize("is_nested", [False, True])
def test_urls_of_djoser_social(is_nested: bool, djoser: None, settings: Any) -> None:
    included = path("auth/", include("djoser.social.urls"))
    nested = path("api/", include([included]))
    settings.ROOT_URLCONF = urlconf(nested if is_nested else included, ENDPOINTS)

    assert "include('social_endpoints.urls')" in only("E014").hint


def test_urls_of_djoser_are_imported_first(
    djoser: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
import sys
from django.urls import include, path
from tests.unit.checks.test_providers import VIEWS
sys.modules["djoser.social.views"] = VIEWS
urlpatterns = [path("auth/", include("djoser.social.urls"))]
"""
    (tmp_path / "lazy_project_urls.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "djoser.social.views")
    settings.ROOT_URLCONF = "lazy_project_urls"

    assert [message.id for message in check_urls()] == ["social_endpoints.E014"]


@pytest.mark.parametrize(
    ("backends", "finders", "expected"),
    [
        ([GITHUB, OIDC], (), {"I001"}),
        ([GITHUB, OIDC], ("social_django.finders.SocialAuthIconFinder",), set()),
        ([OIDC], (), set()),
        (["nowhere.Backend"], (), {"E013"}),
    ],
)
def test_icons(backends: list[str], finders: tuple[str], expected: set[str], settings: Any) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.staticfiles"]
    settings.STATIC_URL = "/static/"
    settings.STATICFILES_FINDERS = finders
    settings.AUTHENTICATION_BACKENDS = backends

    assert ids() == expected
    if expected == {"I001"}:
        assert "icon for github." in only("I001").msg
        call_command("check", fail_level="WARNING")


@pytest.mark.parametrize(
    ("name", "value", "is_reported"),
    [
        ("SOCIAL_AUTH_UUID_LENGTH", 151, True),
        ("SOCIAL_AUTH_GITHUB_UUID_LENGTH", 0, True),
        ("SOCIAL_AUTH_UUID_LENGTH", 150, False),
    ],
)
def test_random_end_of_a_username_must_fit_into_its_column(
    name: str, value: int, is_reported: bool, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [GITHUB]
    setattr(settings, name, value)

    assert ("E027" in ids()) is is_reported


class LongNameStorage(DjangoStorage):
    """A storage whose usernames have any length."""

    class user:  # noqa: N801 - the name of social-core
        @staticmethod
        def username_max_length() -> None:
            return None


def test_random_end_of_a_username_without_a_limit(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [GITHUB]
    settings.SOCIAL_AUTH_STORAGE = f"{HERE}.LongNameStorage"
    settings.SOCIAL_AUTH_UUID_LENGTH = 0

    (message,) = [each for each in findings() if each.id == "social_endpoints.E027"]

    assert message.msg.startswith("UUID_LENGTH of the provider 'github' is 0. New users ")
    assert message.hint == "Set SOCIAL_AUTH_UUID_LENGTH to a number above 0."


@pytest.mark.parametrize(
    ("value", "old_keys", "is_reported"),
    [
        (True, {}, True),
        (True, {"github": "id"}, True),
        (True, None, True),
        (True, {"google-oauth2": "sub"}, False),
        (False, {}, False),
    ],
)
def test_former_setting_of_google(
    value: bool, old_keys: dict[str, str] | None, is_reported: bool, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [GITHUB, f"{CORE}.google.GoogleOAuth2"]
    for name in ("GITHUB_KEY", "GITHUB_SECRET", "GOOGLE_OAUTH2_KEY", "GOOGLE_OAUTH2_SECRET"):
        setattr(settings, f"SOCIAL_AUTH_{name}", "x")
    settings.SOCIAL_AUTH_USE_UNIQUE_USER_ID = value
    settings.SOCIAL_AUTH_OLD_ID_KEYS = old_keys

    assert ids() == ({"W038"} if is_reported else set())
    if is_reported:
        assert "SOCIAL_AUTH_OLD_ID_KEYS = {'google-oauth2': 'sub'}" in only("W038").hint
