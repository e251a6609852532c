"""What `manage.py check` finds, and what it says then."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.urls import include, path, re_path
from social_core.backends.apple import AppleIdAuth
from social_core.backends.github import GithubOAuth2

import social_endpoints
from social_endpoints.strategy import Strategy
from tests.support.interpreter import python
from tests.support.token_serializers import ObtainedText
from tests.support.urlconf import ENDPOINTS, urlconf

needs_jwt = pytest.mark.needs("rest_framework_simplejwt")
needs_knox = pytest.mark.needs("knox")
KNOX = "social_endpoints.tokens.KnoxTokenSerializer"
JWT_COOKIES = "social_endpoints.tokens.JWTCookieSerializer"
SESSION = "social_endpoints.tokens.SessionSerializer"
SESSION_MIDDLEWARE = "django.contrib.sessions.middleware.SessionMiddleware"
CSRF_MIDDLEWARE = "django.middleware.csrf.CsrfViewMiddleware"
GITHUB = "social_core.backends.github.GithubOAuth2"
OIDC = "social_core.backends.open_id_connect.OpenIdConnectAuth"


# From Django 6.1 on, the checks of models look at the database.
pytestmark = pytest.mark.django_db


class OurSessionMiddleware(SessionMiddleware):
    """What a project may have in place of Django's."""


class TenantStrategy(Strategy):
    """What a project with credentials per tenant has in place of ours."""


class VaultGithub(GithubOAuth2):
    """A backend of a project that keeps its secrets somewhere else."""

    name = "vault-github"

    def get_key_and_secret(self) -> tuple[str, str]:
        return ("from", "the vault")


class PostingApple(AppleIdAuth):
    """A backend that always has the answer posted."""

    RESPONSE_MODE = "form_post"


class NoTokenStrategy:
    """A class without obtain()."""


def allow(*uris: str, **kwargs: Any) -> bool:
    """Allow any redirect URI."""
    return True


PKCE = "'auto' or True or False or a dictionary with values that are 'auto' or True or False"


def findings(*, deploy: bool = False) -> list[CheckMessage]:
    """Run all checks of the project, and return what ours have found."""
    messages = run_checks(include_deployment_checks=deploy)
    return [message for message in messages if message.id.startswith("social_endpoints.")]


def only(identifier: str, *, deploy: bool = False) -> CheckMessage:
    """Return the one finding, which has this id and says what to do."""
    (message,) = findings(deploy=deploy)
    assert message.id == f"social_endpoints.{identifier}"
    assert message.is_serious() is identifier.startswith("E")
    assert message.hint
    return message


@pytest.fixture
def ours(settings: Any) -> dict[str, Any]:
    """Return the dictionary SOCIAL_ENDPOINTS, to be changed by a test."""
    settings.SOCIAL_ENDPOINTS = dict(settings.SOCIAL_ENDPOINTS)
    return settings.SOCIAL_ENDPOINTS  # type: ignore[no-any-return]


def test_right_project_has_no_finding() -> None:
    assert findings(deploy=True) == []
    call_command("check")


def test_every_setting_with_a_right_value_has_no_finding(
    ours: dict[str, Any], settings: Any
) -> None:
    settings.REST_FRAMEWORK = {"NUM_PROXIES": 1}
    ours.update(
        ALLOWED_REDIRECT_URIS=("https://app.example.com/", "com.example.app:/callback"),
        TOKEN_SERIALIZER="social_endpoints.tokens.TokenSerializer",
        TOKEN_FIELDS=["is_new_user", "new_association"],
        THROTTLE_RATES={"anon": "10/min", "user": None},
        FLOW_TRANSPORT="body",
        STRATEGY="social_endpoints.strategy.Strategy",
        JWT_ACCESS_COOKIE="a",
        JWT_REFRESH_COOKIE="r",
        JWT_COOKIE_PATH="/api",
        JWT_COOKIE_DOMAIN="example.com",
        JWT_COOKIE_SAMESITE="None",
        JWT_COOKIE_SECURE=True,
    )
    assert findings(deploy=True) == []


def test_serious_finding_stops_the_project(ours: dict[str, Any]) -> None:
    ours["FLOW_TRANSPORT"] = "cookies"

    with pytest.raises(SystemCheckError, match=r"social_endpoints\.E003"):
        call_command("check")


def test_identifiers_are_unique() -> None:
    folder = Path(social_endpoints.__file__).parent
    source = "".join(module.read_text() for module in folder.rglob("*.py"))
    used = Counter(re.findall(r'"social_endpoints\.([EW]\d{3})"', source))

    assert used
    assert [identifier for identifier, times in used.items() if times > 1] == []


class TestDictionary:
    """The names and values in SOCIAL_ENDPOINTS."""

    @pytest.mark.parametrize("value", [None, [], "https://app.example.com/", 5])
    def test_is_a_dictionary(self, value: Any, settings: Any) -> None:
        settings.SOCIAL_ENDPOINTS = value

        found = {message.id: message for message in findings()}

        assert set(found) == {"social_endpoints.E001", "social_endpoints.E004"}
        assert "ALLOWED_REDIRECT_URIS" in found["social_endpoints.E001"].hint

    @pytest.mark.parametrize(
        ("misspelt", "right"),
        [
            ("TOKEN_SERIALISER", "TOKEN_SERIALIZER"),
            ("FLOW_TRANSPORTS", "FLOW_TRANSPORT"),
            ("flow_transport", "FLOW_TRANSPORT"),
            ("JWT_COOKIE_SAME_SITE", "JWT_COOKIE_SAMESITE"),
            ("REDIRECT_URIS", "ALLOWED_REDIRECT_URIS"),
            ("SOCIAL_AUTH_ALLOWED_REDIRECT_URIS", "ALLOWED_REDIRECT_URIS"),
        ],
    )
    def test_unknown_setting(self, misspelt: str, right: str, ours: dict[str, Any]) -> None:
        ours[misspelt] = "anything"

        message = only("E002")

        assert repr(misspelt) in message.msg
        assert message.hint == f"Did you mean {right!r}?"

    @pytest.mark.parametrize("name", ["X", 5, None])
    def test_unknown_setting_that_is_near_none(self, name: Any, ours: dict[str, Any]) -> None:
        ours[name] = "anything"

        message = only("E002")

        assert "FLOW_TRANSPORT" in message.hint
        assert "JWT_COOKIE_SECURE" in message.hint

    def test_every_unknown_setting_is_named(self, ours: dict[str, Any]) -> None:
        ours.update(TOKEN="t", FLOW="f")

        assert [message.id for message in findings()] == ["social_endpoints.E002"] * 2

    @pytest.mark.parametrize(
        ("name", "value", "wanted"),
        [
            ("FLOW_TRANSPORT", "header", "'auto' or 'cookie' or 'body'"),
            ("FLOW_TRANSPORT", None, "'auto' or 'cookie' or 'body'"),
            ("FLOW_TRANSPORT", ["body"], "'auto' or 'cookie' or 'body'"),
            ("JWT_ACCESS_COOKIE", 5, "a string"),
            ("JWT_COOKIE_PATH", None, "a string"),
            ("JWT_COOKIE_DOMAIN", ["example.com"], "a string or None"),
            ("JWT_COOKIE_SAMESITE", None, "'Lax' or 'Strict' or 'None'"),
            ("JWT_COOKIE_SAMESITE", "lax", "'Lax' or 'Strict' or 'None'"),
            ("JWT_COOKIE_SECURE", "yes", "True or False or None"),
            ("PKCE", "S256", PKCE),
            ("PKCE", 1, PKCE),
            ("PKCE", {"github": "S256"}, PKCE),
            ("PKCE", {5: True}, PKCE),
            ("JWT_COOKIE_SECURE", 1, "True or False or None"),
            ("TOKEN_FIELDS", "is_new_user", "a list of strings"),
            ("TOKEN_FIELDS", [5], "a list of strings"),
        ],
    )
    def test_wrong_value(self, name: str, value: Any, wanted: str, ours: dict[str, Any]) -> None:
        ours[name] = value

        message = only("E003")

        assert repr(name) in message.msg
        assert message.hint == f"It must be {wanted}, and is {value!r}."

    @pytest.mark.parametrize("deploy", [False, True])
    @pytest.mark.parametrize("name", ["TOKEN_SERIALIZER", "STRATEGY"])
    @pytest.mark.parametrize("value", [None, 5, SessionMiddleware, [KNOX]])
    def test_dotted_path_that_is_no_string(
        self, name: str, value: Any, deploy: bool, ours: dict[str, Any]
    ) -> None:
        ours[name] = value

        found = {message.id for message in findings(deploy=deploy)}

        assert "social_endpoints.E003" in found

    @pytest.mark.parametrize("deploy", [False, True])
    @pytest.mark.parametrize(
        "value", [5, [None], [re.compile("https://.*")], {"https://app.example.com/": True}]
    )
    def test_redirect_uris_that_are_no_strings(
        self, value: Any, deploy: bool, ours: dict[str, Any]
    ) -> None:
        ours["ALLOWED_REDIRECT_URIS"] = value

        message = only("E003", deploy=deploy)

        assert message.hint.startswith("It must be a list of strings or a string, and is ")

    @pytest.mark.parametrize("value", [[], (), ""])
    def test_no_redirect_uri(self, value: Any, ours: dict[str, Any]) -> None:
        ours["ALLOWED_REDIRECT_URIS"] = value

        assert "social_endpoints.E004" in [message.id for message in findings()]

    def test_no_dictionary_at_all(self, settings: Any) -> None:
        del settings.SOCIAL_ENDPOINTS

        assert "ALLOWED_REDIRECT_URIS" in only("E004").msg

    def test_redirect_uris_of_djoser_are_enough(self, settings: Any) -> None:
        del settings.SOCIAL_ENDPOINTS
        settings.DJOSER = {"SOCIAL_AUTH_ALLOWED_REDIRECT_URIS": ["https://app.example.com/"]}

        assert findings() == []

    @pytest.mark.parametrize(
        "uri", ["http://app.example.com/callback", "http://localhost:3000/callback"]
    )
    def test_deployed_redirect_uri_is_https(self, uri: str, ours: dict[str, Any]) -> None:
        ours["ALLOWED_REDIRECT_URIS"] = [uri, "https://app.example.com/callback"]

        assert findings() == []
        assert repr(uri) in only("W003", deploy=True).msg

    @pytest.mark.parametrize(
        "uri",
        [
            "https://app.example.com/callback",
            "http://127.0.0.1/callback",
            "http://127.0.0.1:8000/callback",
            "http://[::1]/callback",
            "com.example.app:/callback",
        ],
    )
    def test_deployed_redirect_uri_on_the_machine_itself(
        self, uri: str, ours: dict[str, Any]
    ) -> None:
        ours["ALLOWED_REDIRECT_URIS"] = [uri]

        assert findings(deploy=True) == []

    @pytest.mark.parametrize(
        "uri", ["http://127.0.0.1.example.com/callback", "http://127.0.0.1@example.com/"]
    )
    def test_deployed_redirect_uri_only_looks_like_the_machine_itself(
        self, uri: str, ours: dict[str, Any]
    ) -> None:
        ours["ALLOWED_REDIRECT_URIS"] = [uri]

        assert repr(uri) in only("W003", deploy=True).msg


class TestClasses:
    """What the settings name by dotted paths."""

    @pytest.mark.parametrize("name", ["TOKEN_SERIALIZER", "STRATEGY", "ALLOWED_REDIRECT_URIS"])
    @pytest.mark.parametrize(
        "dotted_path",
        [
            "missing.module.Name",
            "social_endpoints.tokens.JTWSerializer",
            "NoDot",
            ".StartsWithADot",
            "EndsWithADot.",
            "..",
            "https://app.example.com/callback",
        ],
    )
    def test_that_cannot_be_imported(
        self, name: str, dotted_path: str, ours: dict[str, Any]
    ) -> None:
        ours[name] = dotted_path

        message = only("E005")

        assert repr(name) in message.msg
        assert repr(dotted_path) in message.msg

    @pytest.mark.parametrize(
        ("name", "dotted_path", "wanted"),
        [
            (
                "TOKEN_SERIALIZER",
                "rest_framework.serializers.Serializer",
                "a subclass of social_endpoints.tokens.base.LoginSerializer",
            ),
            (
                "TOKEN_SERIALIZER",
                "tests.unit.test_checks.KNOX",
                "a subclass of social_endpoints.tokens.base.LoginSerializer",
            ),
            (
                "STRATEGY",
                "social_django.strategy.DjangoStrategy",
                "a subclass of social_endpoints.strategy.Strategy",
            ),
            ("ALLOWED_REDIRECT_URIS", "tests.unit.test_checks.KNOX", "a callable"),
        ],
    )
    def test_that_are_something_else(
        self, name: str, dotted_path: str, wanted: str, ours: dict[str, Any]
    ) -> None:
        ours[name] = dotted_path

        message = only("E006")

        assert repr(name) in message.msg
        assert message.hint == f"Name {wanted}."

    def test_policy_for_redirect_uris(self, ours: dict[str, Any]) -> None:
        ours["ALLOWED_REDIRECT_URIS"] = "tests.unit.test_checks.allow"

        assert findings(deploy=True) == []


class TestTokenSerializer:
    """What the chosen token serializer needs."""

    @pytest.mark.parametrize(
        ("serializer", "hidden", "extra"),
        [
            ("JWTSerializer", "rest_framework_simplejwt", "jwt"),
            ("JWTCookieSerializer", "rest_framework_simplejwt", "jwt"),
            ("KnoxTokenSerializer", "knox", "knox"),
        ],
    )
    def test_missing_extra(self, serializer: str, hidden: str, extra: str, tmp_path: Path) -> None:
        output = check(
            tmp_path,
            f"""
            from tests.support.interpreter import hide
            hide({hidden!r})
            from tests.settings import *
            SOCIAL_ENDPOINTS["TOKEN_SERIALIZER"] = "social_endpoints.tokens.{serializer}"
            """,
        )

        assert "(social_endpoints.E007)" in output
        assert f"pip install 'django-social-endpoints[{extra}]'" in output
        assert "1 issue" in output

    @pytest.mark.parametrize(
        ("serializer", "app"),
        [
            ("social_endpoints.tokens.TokenSerializer", "rest_framework.authtoken"),
            pytest.param(KNOX, "knox", marks=needs_knox),
            (SESSION, "django.contrib.sessions"),
        ],
    )
    def test_missing_app(
        self, serializer: str, app: str, ours: dict[str, Any], settings: Any
    ) -> None:
        ours["TOKEN_SERIALIZER"] = serializer
        settings.MIDDLEWARE = [SESSION_MIDDLEWARE]
        settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != app]

        message = only("E008")

        assert repr(app) in message.msg
        assert repr(app) in message.hint

    @pytest.mark.parametrize(
        "entry",
        ["django.contrib.sessions", "django.contrib.sessions.apps.SessionsConfig"],
    )
    def test_app_that_is_there(self, entry: str, ours: dict[str, Any], settings: Any) -> None:
        ours["TOKEN_SERIALIZER"] = SESSION
        settings.MIDDLEWARE = [SESSION_MIDDLEWARE]
        others = [name for name in settings.INSTALLED_APPS if name != "django.contrib.sessions"]
        settings.INSTALLED_APPS = [*others, entry]

        assert findings() == []

    @pytest.mark.parametrize(
        ("serializer", "middleware"),
        [
            (SESSION, SESSION_MIDDLEWARE),
            pytest.param(JWT_COOKIES, CSRF_MIDDLEWARE, marks=needs_jwt),
        ],
    )
    def test_missing_middleware(
        self, serializer: str, middleware: str, ours: dict[str, Any]
    ) -> None:
        ours["TOKEN_SERIALIZER"] = serializer

        message = only("E009")

        assert repr(middleware) in message.msg
        assert repr(middleware) in message.hint

    @pytest.mark.parametrize(
        "middleware", [SESSION_MIDDLEWARE, "tests.unit.test_checks.OurSessionMiddleware"]
    )
    def test_middleware_that_is_there(
        self, middleware: str, ours: dict[str, Any], settings: Any
    ) -> None:
        ours["TOKEN_SERIALIZER"] = SESSION
        settings.MIDDLEWARE = [middleware]

        assert findings() == []

    @pytest.mark.parametrize("serializer", [SESSION, pytest.param(JWT_COOKIES, marks=needs_jwt)])
    def test_flow_in_the_body_with_a_login_in_a_cookie(
        self, serializer: str, ours: dict[str, Any], settings: Any
    ) -> None:
        settings.MIDDLEWARE = [SESSION_MIDDLEWARE, CSRF_MIDDLEWARE]
        ours.update(TOKEN_SERIALIZER=serializer, FLOW_TRANSPORT="body", JWT_COOKIE_SECURE=True)

        assert "cookie" in only("E010").hint

        for transport in ("auto", "cookie"):
            ours["FLOW_TRANSPORT"] = transport
            assert findings() == []

    @pytest.mark.parametrize("strategy", [None, NoTokenStrategy, "tests.Missing", "nodot", 5])
    def test_djoser_strategy_that_is_none(
        self, strategy: Any, ours: dict[str, Any], settings: Any
    ) -> None:
        settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": strategy}

        assert "SOCIAL_AUTH_TOKEN_STRATEGY" in only("E011").msg

    @pytest.mark.parametrize(
        "strategy",
        ["tests.support.token_serializers.ObtainedText", ObtainedText],
        ids=["path", "class"],
    )
    def test_djoser_strategy(self, strategy: Any, settings: Any) -> None:
        settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": strategy}

        assert findings() == []

    @needs_jwt
    @pytest.mark.parametrize("secure", [None, False])
    @pytest.mark.parametrize(
        "serializer", [JWT_COOKIES, "tests.support.with_profile.JWTCookieSerializer"]
    )
    def test_deployed_jwt_cookies_are_secure(
        self, serializer: str, secure: bool | None, ours: dict[str, Any], settings: Any
    ) -> None:
        settings.MIDDLEWARE = [CSRF_MIDDLEWARE]
        ours.update(TOKEN_SERIALIZER=serializer, JWT_COOKIE_SECURE=secure)

        assert findings() == []
        assert "JWT_COOKIE_SECURE" in only("W004", deploy=True).msg

        ours["JWT_COOKIE_SECURE"] = True
        assert findings(deploy=True) == []


class TestProviders:
    """What the configured providers need."""

    @pytest.mark.parametrize(
        ("backend", "needed"),
        [
            (GITHUB, {"SOCIAL_AUTH_GITHUB_KEY", "SOCIAL_AUTH_GITHUB_SECRET"}),
            (
                "social_core.backends.google.GoogleOAuth2",
                {"SOCIAL_AUTH_GOOGLE_OAUTH2_KEY", "SOCIAL_AUTH_GOOGLE_OAUTH2_SECRET"},
            ),
            (
                "social_core.backends.apple.AppleIdAuth",
                {
                    "SOCIAL_AUTH_APPLE_ID_CLIENT",
                    "SOCIAL_AUTH_APPLE_ID_TEAM",
                    "SOCIAL_AUTH_APPLE_ID_KEY",
                    "SOCIAL_AUTH_APPLE_ID_SECRET",
                },
            ),
            (
                "social_core.backends.twitter.TwitterOAuth",
                {"SOCIAL_AUTH_TWITTER_KEY", "SOCIAL_AUTH_TWITTER_SECRET"},
            ),
            (
                OIDC,
                {
                    "SOCIAL_AUTH_OIDC_KEY",
                    "SOCIAL_AUTH_OIDC_SECRET",
                    "SOCIAL_AUTH_OIDC_OIDC_ENDPOINT",
                },
            ),
            # PKCE stands in for the secret that a public client cannot have.
            (
                "social_core.backends.twitter_oauth2.TwitterOAuth2",
                {"SOCIAL_AUTH_TWITTER_OAUTH2_KEY"},
            ),
            ("social_core.backends.vk.VKIDOAuth2", {"SOCIAL_AUTH_VK_ID_KEY"}),
            # It may have a client assertion instead.
            ("social_core.backends.azuread.AzureADOAuth2", {"SOCIAL_AUTH_AZUREAD_OAUTH2_KEY"}),
            # These know no client, or where to find it.
            ("tests.unit.test_checks.VaultGithub", set()),
            ("social_core.backends.fedora.FedoraOpenId", set()),
            # Steam is asked for the profile with a key of its own.
            ("social_core.backends.steam.SteamOpenId", {"SOCIAL_AUTH_STEAM_API_KEY"}),
            # An OAuth 1.0a client of Google's may be anonymous.
            ("social_core.backends.google.GoogleOAuth", set()),
        ],
        ids=lambda value: value.rpartition(".")[2] if isinstance(value, str) else "",
    )
    def test_without_settings(self, backend: str, needed: set[str], settings: Any) -> None:
        settings.AUTHENTICATION_BACKENDS = [backend]
        for name in [name for name in dir(django_settings) if name.startswith("SOCIAL_AUTH_")]:
            delattr(settings, name)

        found = findings()

        assert {message.id for message in found} <= {"social_endpoints.W002"}
        named = {name for name in needed for message in found if f" {name}." in message.msg}
        assert named == needed
        assert len(found) == len(needed)
        assert all(backend in message.hint for message in found)

        for name in needed:
            setattr(settings, name, "https://id.example.com")
        assert findings() == []

    @pytest.mark.parametrize("use_pkce", [False, True])
    def test_public_client_of_openid_connect(self, use_pkce: bool, settings: Any) -> None:
        settings.SOCIAL_AUTH_OIDC_USE_PKCE = use_pkce
        del settings.SOCIAL_AUTH_OIDC_SECRET

        found = [message.msg for message in findings()]

        secret = "The provider 'oidc' has no SOCIAL_AUTH_OIDC_SECRET."
        assert found == ([] if use_pkce else [secret])

    def test_openid_connect_without_discovery_needs_no_endpoint(self, settings: Any) -> None:
        del settings.SOCIAL_AUTH_OIDC_OIDC_ENDPOINT
        settings.SOCIAL_AUTH_OIDC_AUTHORIZATION_URL = "https://id.example.com/authorize"

        assert findings() == []

    def test_settings_shared_by_all_providers(self, settings: Any) -> None:
        """python-social-auth falls back to SOCIAL_AUTH_KEY."""
        settings.AUTHENTICATION_BACKENDS = [GITHUB]
        del settings.SOCIAL_AUTH_GITHUB_KEY
        settings.SOCIAL_AUTH_KEY = "shared"

        assert findings() == []

    def test_strategy_of_the_project_knows_better(
        self, ours: dict[str, Any], settings: Any
    ) -> None:
        del settings.SOCIAL_AUTH_GITHUB_KEY
        ours["STRATEGY"] = "tests.unit.test_checks.TenantStrategy"

        assert findings() == []

    @pytest.mark.parametrize(
        ("engine", "identifier"),
        [
            ("django.core.cache.backends.dummy.DummyCache", "E015"),
            ("django.core.cache.backends.locmem.LocMemCache", "W005"),
            ("django.core.cache.backends.redis.RedisCache", None),
        ],
    )
    @pytest.mark.parametrize(
        ("path", "values"),
        [
            ("social_core.backends.apple.AppleIdAuth", {"APPLE_ID_SCOPE": ["name"]}),
            ("tests.unit.test_checks.PostingApple", {}),
            (OIDC, {"OIDC_AUTH_EXTRA_ARGUMENTS": {"response_mode": "form_post"}}),
            pytest.param(
                "social_core.backends.saml.SAMLAuth",
                {"SAML_SP_ENTITY_ID": "site", "SAML_ENABLED_IDPS": {"idp": {}}},
                marks=pytest.mark.needs("onelogin"),
            ),
        ],
    )
    def test_provider_that_posts_its_answer(
        self, path: str, values: dict[str, Any], engine: str, identifier: str | None, settings: Any
    ) -> None:
        settings.AUTHENTICATION_BACKENDS = [path]
        for name in ("CLIENT", "TEAM", "KEY", "SECRET"):
            setattr(settings, f"SOCIAL_AUTH_APPLE_ID_{name}", "value")
        for name, value in values.items():
            setattr(settings, f"SOCIAL_AUTH_{name}", value)
        settings.CACHES = {"default": {"BACKEND": engine, "LOCATION": "redis://127.0.0.1"}}

        found = [message.id for message in findings()]

        assert found == ([f"social_endpoints.{identifier}"] if identifier else [])

    @pytest.mark.parametrize(
        ("path", "values"),
        [
            ("social_core.backends.apple.AppleIdAuth", {}),
            (GITHUB, {}),
            (OIDC, {"OIDC_AUTH_EXTRA_ARGUMENTS": {"response_mode": "query"}}),
            ("social_core.backends.fedora.FedoraOpenId", {}),
        ],
    )
    def test_provider_that_does_not(self, path: str, values: dict[str, Any], settings: Any) -> None:
        settings.AUTHENTICATION_BACKENDS = [path]
        for name in ("CLIENT", "TEAM", "KEY", "SECRET"):
            setattr(settings, f"SOCIAL_AUTH_APPLE_ID_{name}", "value")
        for name, value in values.items():
            setattr(settings, f"SOCIAL_AUTH_{name}", value)

        assert findings() == []

    @pytest.mark.parametrize(
        ("name", "hint"),
        [("githob", "Did you mean 'github'?"), ("x", "There are: oidc, github.")],
    )
    def test_pkce_of_no_provider(self, name: str, hint: str, ours: dict[str, Any]) -> None:
        ours["PKCE"] = {name: True, "github": True}

        message = only("E016")

        assert (repr(name) in message.msg, message.hint) == (True, hint)

    def test_provider_of_the_users_choice(self, settings: Any) -> None:
        settings.AUTHENTICATION_BACKENDS = ["social_core.backends.open_id.OpenIdAuth"]

        assert "'openid'" in only("W006").msg

    def test_backend_that_cannot_be_imported(self, settings: Any) -> None:
        settings.AUTHENTICATION_BACKENDS = ["social_core.backends.github.Github2", GITHUB]

        assert "Github2" in only("E013").msg

    @pytest.mark.parametrize(
        "backends",
        [
            ["django.contrib.auth.backends.ModelBackend"],
            ["social_core.backends.email.EmailAuth", "social_core.backends.username.UsernameAuth"],
        ],
    )
    def test_no_provider(self, backends: list[str], settings: Any) -> None:
        settings.AUTHENTICATION_BACKENDS = backends

        assert "AUTHENTICATION_BACKENDS" in only("W001").msg

    def test_storage_that_cannot_be_imported(self, settings: Any) -> None:
        """It is a finding, and no traceback."""
        settings.SOCIAL_AUTH_STORAGE = "tests.Missing"

        assert any("SOCIAL_AUTH_STORAGE" in message.msg for message in findings())

    def test_social_django_is_missing(self, tmp_path: Path) -> None:
        output = check(
            tmp_path,
            """
            from tests.settings import *
            INSTALLED_APPS.remove("social_django")
            SOCIAL_ENDPOINTS["NATIVE_PROVIDERS"] = ["oidc"]
            """,
        )

        assert "(social_endpoints.E012)" in output
        assert "HINT: Add 'social_django' to INSTALLED_APPS, and run migrate." in output


class TestURLs:
    """What is included beside our own paths."""

    @pytest.mark.parametrize("nested", [False, True])
    def test_urls_of_djoser(
        self, nested: bool, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        install_djoser(monkeypatch)
        theirs = path("auth/", include("djoser.social.urls"))
        nested_theirs = path("api/", include([theirs]))
        settings.ROOT_URLCONF = urlconf(nested_theirs if nested else theirs, ENDPOINTS)

        assert "include('social_endpoints.urls')" in only("E014").hint

    def test_other_urls_of_djoser_are_kept(
        self, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A project keeps djoser for passwords."""
        install_djoser(monkeypatch)
        settings.ROOT_URLCONF = urlconf(path("auth/", include("djoser.urls")), ENDPOINTS)

        assert findings() == []

    def test_project_without_urls(self, settings: Any) -> None:
        """Django's own checks let it pass, for a worker, say."""
        del settings.ROOT_URLCONF

        assert findings() == []


def check(folder: Path, source: str) -> str:
    """Run `manage.py check` in a project with these settings, and return what it says."""
    lines = [line.strip() for line in source.strip().splitlines()]
    (folder / "project_settings.py").write_text("\n".join(lines))
    outcome = python("-m", "django", "check", path=folder, settings="project_settings")
    assert "Traceback" not in outcome.stderr, outcome.stderr
    return outcome.stderr


def install_djoser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the URLs of djoser, with their greedy pattern."""
    for name in ("djoser", "djoser.social", "djoser.urls", "djoser.social.urls"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["djoser.urls"].urlpatterns = []  # type: ignore[attr-defined]
    greedy = re_path(r"^o/(?P<provider>\S+)/$", allow, name="provider-auth")
    sys.modules["djoser.social.urls"].urlpatterns = [greedy]  # type: ignore[attr-defined]


class TestThrottleRates:
    """How often the endpoints may be called."""

    @pytest.mark.parametrize("rate", ["often", "10", "0/min", "10/month", ""])
    def test_rate_is_none(self, rate: str, ours: dict[str, Any]) -> None:
        ours["THROTTLE_RATES"] = {"anon": rate, "user": "10/day"}

        message = only("E017")

        assert "anon" in message.msg
        assert repr(rate) in message.msg
        assert "10/min" in message.hint

    def test_rate_is_of_nobody(self, ours: dict[str, Any]) -> None:
        ours["THROTTLE_RATES"] = {"anonymous": "10/min"}

        assert "anonymous" in only("E017").msg

    @pytest.mark.parametrize("rates", ["10/min", {"anon": 10}])
    def test_type(self, rates: Any, ours: dict[str, Any], settings: Any) -> None:
        ours["THROTTLE_RATES"] = rates
        settings.REST_FRAMEWORK = {"NUM_PROXIES": 0}

        found = {message.id for message in findings(deploy=True)}

        assert found == {"social_endpoints.E003", "social_endpoints.E017"}

    @pytest.mark.parametrize("proxies", [None, -1, "1"])
    def test_address_that_the_client_chooses(
        self, proxies: Any, ours: dict[str, Any], settings: Any
    ) -> None:
        ours["THROTTLE_RATES"] = {"anon": "10/min"}
        settings.REST_FRAMEWORK = {"NUM_PROXIES": proxies}

        assert findings() == []
        message = only("W008", deploy=True)
        assert f"NUM_PROXIES is {proxies!r}" in message.msg
        assert '"NUM_PROXIES"' in message.hint

    @pytest.mark.parametrize(
        ("rates", "proxies"),
        [
            ({"anon": "10/min"}, 0),
            ({"anon": "10/min"}, 2),
            ({"anon": None, "user": "10/min"}, None),
            (None, None),
        ],
    )
    def test_address_that_nobody_chooses_or_counts(
        self, rates: Any, proxies: Any, ours: dict[str, Any], settings: Any
    ) -> None:
        ours["THROTTLE_RATES"] = rates
        settings.REST_FRAMEWORK = {"NUM_PROXIES": proxies}

        assert findings(deploy=True) == []


class TestSeconds:
    """How long connections are kept, and providers waited for."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("HTTP_POOL_IDLE", -1),
            ("HTTP_POOL_IDLE", float("inf")),
            ("HTTP_POOL_IDLE", float("nan")),
            ("LOGIN_TIMEOUT", -0.5),
            ("LOGIN_TIMEOUT", 0),
            ("LOGIN_TIMEOUT", float("inf")),
        ],
    )
    def test_no_time(self, name: str, value: float, ours: dict[str, Any]) -> None:
        ours[name] = value

        message = only("E021")

        assert repr(name) in message.msg
        assert repr(value) in message.msg
        assert "seconds" in message.hint

    @pytest.mark.parametrize("name", ["HTTP_POOL_IDLE", "LOGIN_TIMEOUT"])
    @pytest.mark.parametrize("value", ["50", None, True, [50]])
    def test_no_number(self, name: str, value: Any, ours: dict[str, Any]) -> None:
        ours[name] = value

        assert "a number" in only("E003").hint

    @pytest.mark.parametrize(
        ("name", "value"),
        [("HTTP_POOL_IDLE", 0), ("HTTP_POOL_IDLE", 7.5), ("LOGIN_TIMEOUT", 0.5)],
    )
    def test_a_time(self, name: str, value: float, ours: dict[str, Any]) -> None:
        ours[name] = value

        assert findings(deploy=True) == []


def test_token_field_that_there_is_not(ours: dict[str, Any]) -> None:
    ours["TOKEN_FIELDS"] = ("is_new_user", "is_new")

    message = only("E018")

    assert "'is_new'," in message.msg
    assert "is_new_user, new_association" in message.hint


class TestIcons:
    """The icons that social-core brings along."""

    FINDERS = ("social_django.finders.SocialAuthIconFinder",)

    @pytest.fixture(autouse=True)
    def _static_files(self, settings: Any) -> None:
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.staticfiles"]
        settings.STATIC_URL = "/static/"
        settings.AUTHENTICATION_BACKENDS = [GITHUB, OIDC]

    def test_not_turned_on(self) -> None:
        message = only("I001")

        assert "github" in message.msg
        assert "oidc" not in message.msg
        assert self.FINDERS[0] in message.hint

    def test_it_is_no_warning(self) -> None:
        call_command("check", fail_level="WARNING")

    def test_turned_on(self, settings: Any) -> None:
        settings.STATICFILES_FINDERS = self.FINDERS

        assert findings() == []

    def test_no_provider_has_one(self, settings: Any) -> None:
        settings.AUTHENTICATION_BACKENDS = [OIDC]

        assert findings() == []

    def test_missing_backend_is_found_once(self, settings: Any) -> None:
        settings.AUTHENTICATION_BACKENDS = ["nowhere.Backend"]

        only("E013")
