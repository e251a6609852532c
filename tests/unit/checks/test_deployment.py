"""System checks for production."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.checks import findings, only
from tests.support.configuration import Configure

CSRF_MIDDLEWARE = "django.middleware.csrf.CsrfViewMiddleware"
SESSION_MIDDLEWARE = "django.contrib.sessions.middleware.SessionMiddleware"
JWT_COOKIES = "social_endpoints.tokens.JWTCookieSerializer"


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example.com/callback",
        "http://localhost:3000/callback",
        "http://127.0.0.1.example.com/callback",
        "http://127.0.0.1@example.com/",
    ],
)
def test_redirect_uri_without_https(uri: str, configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS=[uri, "https://app.example.com/callback"])

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
def test_encrypted_or_local_redirect_uri_is_accepted(uri: str, configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS=[uri])

    assert findings(deploy=True) == []


@pytest.mark.needs("rest_framework_simplejwt")
@pytest.mark.parametrize("secure", [None, False, True])
@pytest.mark.parametrize(
    "serializer", [JWT_COOKIES, "tests.support.with_profile.JWTCookieSerializer"]
)
def test_jwt_cookies_must_be_secure(
    serializer: str, secure: bool | None, configure: Configure, settings: Any
) -> None:
    settings.MIDDLEWARE = [CSRF_MIDDLEWARE]
    configure(TOKEN_SERIALIZER=serializer, JWT_COOKIE_SECURE=secure)

    assert findings() == []
    if secure:
        assert findings(deploy=True) == []
    else:
        assert "JWT_COOKIE_SECURE" in only("W004", deploy=True).msg


def test_other_cookies_need_no_jwt_setting(configure: Configure, settings: Any) -> None:
    settings.MIDDLEWARE = [SESSION_MIDDLEWARE]
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.SessionSerializer")

    assert findings(deploy=True) == []


@pytest.mark.parametrize("proxies", [None, -1, "1"])
def test_limit_for_addresses_without_proxy_count(
    proxies: Any, configure: Configure, settings: Any
) -> None:
    configure(THROTTLE_RATES={"anon": "10/min"})
    settings.REST_FRAMEWORK = {"NUM_PROXIES": proxies}

    assert findings() == []
    assert f"NUM_PROXIES is {proxies!r}" in only("W008", deploy=True).msg


@pytest.mark.parametrize(
    ("rates", "proxies"),
    [
        ({"anon": "10/min"}, 0),
        ({"anon": "10/min"}, 2),
        ({"anon": None, "user": "10/min"}, None),
        (None, None),
    ],
)
def test_proxy_count_is_given_or_not_needed(
    rates: Any, proxies: Any, configure: Configure, settings: Any
) -> None:
    configure(THROTTLE_RATES=rates)
    settings.REST_FRAMEWORK = {"NUM_PROXIES": proxies}

    assert findings(deploy=True) == []
