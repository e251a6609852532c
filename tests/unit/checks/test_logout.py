"""System checks of logouts at the provider, in both directions."""

from __future__ import annotations

from typing import Any

import pytest

from social_endpoints.tokens import LoginSerializer, TokenSerializer
from tests.support.checks import findings, ids, only
from tests.support.configuration import Configure
from tests.support.logins import JWT_BLACKLIST

needs_jwt = pytest.mark.needs("rest_framework_simplejwt")


class Silent(LoginSerializer):
    pass


class Inherited(TokenSerializer):
    pass


class Own(LoginSerializer):
    def revoke(self, user: Any) -> None:
        pass


@pytest.mark.parametrize("names", [(), ["oidc"], {"oidc"}])
def test_suitable_providers(names: Any, configure: Configure) -> None:
    configure(BACKCHANNEL_LOGOUT_PROVIDERS=names)

    assert findings() == []


@pytest.mark.parametrize(
    ("name", "text"),
    [("odic", "'oidc'"), ("github", "OpenID Connect"), ("unknown", "oidc, github")],
)
def test_unsuitable_provider(name: str, text: str, configure: Configure) -> None:
    configure(BACKCHANNEL_LOGOUT_PROVIDERS=["oidc", name])

    message = only("E031")

    assert repr(name) in message.msg
    assert text in f"{message.msg} {message.hint}"


@pytest.mark.parametrize(
    ("value", "expected"), [("oidc", {"E003"}), ([["oidc"]], {"E003", "E031"})]
)
def test_wrong_type(value: Any, expected: set[str], configure: Configure) -> None:
    configure(BACKCHANNEL_LOGOUT_PROVIDERS=value)

    assert ids() == expected


def test_providers_that_cannot_be_imported(configure: Configure, settings: Any) -> None:
    configure(BACKCHANNEL_LOGOUT_PROVIDERS=["oidc"])
    settings.AUTHENTICATION_BACKENDS = ["no.such.Backend"]

    assert "E031" not in ids()


@pytest.mark.parametrize(
    ("serializer", "is_reported"), [("Silent", True), ("Inherited", False), ("Own", False)]
)
def test_serializer_of_the_project(
    serializer: str, is_reported: bool, configure: Configure
) -> None:
    configure(TOKEN_SERIALIZER=f"{__name__}.{serializer}")
    assert ids() == set()
    configure(BACKCHANNEL_LOGOUT_PROVIDERS=["oidc"])

    assert ids() == ({"W034"} if is_reported else set())


@pytest.mark.parametrize(
    ("engine", "is_reported"),
    [("db", False), ("cached_db", False), ("cache", True), ("signed_cookies", True)],
)
def test_sessions_that_cannot_be_listed(
    engine: str, is_reported: bool, configure: Configure, settings: Any
) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    configure(
        TOKEN_SERIALIZER="social_endpoints.tokens.SessionSerializer",
        BACKCHANNEL_LOGOUT_PROVIDERS=["oidc"],
    )

    assert ("W034" in ids()) is is_reported


def test_wrong_session_engine_is_reported_by_django(configure: Configure, settings: Any) -> None:
    settings.SESSION_ENGINE = "no.such.engine"
    configure(
        TOKEN_SERIALIZER="social_endpoints.tokens.SessionSerializer",
        BACKCHANNEL_LOGOUT_PROVIDERS=["oidc"],
    )

    assert "W034" not in ids()


@needs_jwt
@pytest.mark.parametrize("serializer", ["JWTSerializer", "JWTCookieSerializer"])
def test_jwt_without_blacklist(serializer: str, configure: Configure, settings: Any) -> None:
    configure(
        TOKEN_SERIALIZER=f"social_endpoints.tokens.{serializer}",
        BACKCHANNEL_LOGOUT_PROVIDERS=["oidc"],
    )
    app = "rest_framework_simplejwt.token_blacklist"
    others = [each for each in settings.INSTALLED_APPS if each != app]
    settings.INSTALLED_APPS = [*others, app]
    assert "W034" not in ids()
    settings.INSTALLED_APPS = others

    assert "W034" in ids()


class Strategy:
    @staticmethod
    def obtain(user: Any) -> dict[str, Any]:
        return {}


class RevocableStrategy(Strategy):
    @staticmethod
    def revoke(user: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("strategy", "app", "is_reported"),
    [
        ("Strategy", None, True),
        ("Strategy", "rest_framework.authtoken", False),
        pytest.param("Strategy", JWT_BLACKLIST, False, marks=needs_jwt),
        ("RevocableStrategy", None, False),
        ("Missing", None, False),
    ],
)
def test_strategy_of_djoser_without_any_app(
    strategy: str, app: str | None, is_reported: bool, configure: Configure, settings: Any
) -> None:
    settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": f"{__name__}.{strategy}"}
    configure(
        TOKEN_SERIALIZER="social_endpoints.tokens.DjoserSerializer",
        BACKCHANNEL_LOGOUT_PROVIDERS=["oidc"],
    )
    removed = {"rest_framework.authtoken", JWT_BLACKLIST} - {app}
    settings.INSTALLED_APPS = [each for each in settings.INSTALLED_APPS if each not in removed]

    assert ("W034" in ids()) is is_reported


# --- POST logout/ ----------------------------------------------------------------------


class OwnLogout(LoginSerializer):
    def log_out(self, request: Any) -> None:
        super().log_out(request)


@pytest.mark.parametrize(
    ("serializer", "is_reported"), [("Silent", True), ("Inherited", False), ("OwnLogout", False)]
)
def test_tokens_of_the_project_that_cannot_be_ended(
    serializer: str, is_reported: bool, configure: Configure
) -> None:
    configure(TOKEN_SERIALIZER=f"{__name__}.{serializer}")
    assert "W036" not in ids()

    assert ("W036" in ids(deploy=True)) is is_reported


@needs_jwt
@pytest.mark.parametrize("is_installed", [True, False])
@pytest.mark.parametrize("serializer", ["JWTSerializer", "JWTCookieSerializer"])
def test_jwts_that_cannot_be_ended(
    serializer: str, is_installed: bool, configure: Configure, settings: Any
) -> None:
    configure(TOKEN_SERIALIZER=f"social_endpoints.tokens.{serializer}")
    if not is_installed:
        settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != JWT_BLACKLIST]

    (message,) = [each for each in findings(deploy=True) if "W036" in each.id] or [None]

    assert (message is None) is is_installed
    assert message is None or JWT_BLACKLIST in str(message.hint)


@pytest.mark.parametrize("serializer", ["TokenSerializer", "SessionSerializer", "DjoserSerializer"])
def test_tokens_that_can_be_ended(serializer: str, configure: Configure) -> None:
    configure(TOKEN_SERIALIZER=f"social_endpoints.tokens.{serializer}")

    assert "W036" not in ids(deploy=True)


@pytest.mark.parametrize("value", ["id.example.com/logout", "ftp://id.example.com/", 7])
def test_logout_endpoint_that_is_not_a_url(value: Any, settings: Any) -> None:
    settings.SOCIAL_AUTH_GITHUB_END_SESSION_URL = "https://sso.example.com/logout"
    settings.SOCIAL_AUTH_OIDC_END_SESSION_URL = value

    assert "SOCIAL_AUTH_OIDC_END_SESSION_URL" in only("E032").msg
