"""System checks for production."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.checks import ids, only
from tests.support.configuration import Configure

CSRF_MIDDLEWARE = "django.middleware.csrf.CsrfViewMiddleware"
SESSION_MIDDLEWARE = "django.contrib.sessions.middleware.SessionMiddleware"


@pytest.mark.parametrize(
    ("uri", "is_safe"),
    [
        ("http://app.example.com/callback", False),
        ("http://localhost:3000/callback", False),
        ("http://127.0.0.1.example.com/callback", False),
        ("http://127.0.0.1@example.com/", False),
        ("https://app.example.com/callback", True),
        ("http://127.0.0.1/callback", True),
        ("http://127.0.0.1:8000/callback", True),
        ("http://[::1]/callback", True),
        ("com.example.app:/callback", True),
    ],
)
def test_redirect_uri_must_be_https_or_local(uri: str, is_safe: bool, configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS=[uri, "https://app.example.com/callback"])

    assert ids() == set()
    assert ids(deploy=True) == (set() if is_safe else {"W003"})
    assert is_safe or repr(uri) in only("W003", deploy=True).msg


@pytest.mark.needs("rest_framework_simplejwt")
@pytest.mark.parametrize("secure", [None, False, True])
@pytest.mark.parametrize("module", ["social_endpoints.tokens", "tests.support.with_profile"])
def test_jwt_cookies_must_be_secure(
    module: str, secure: bool | None, configure: Configure, settings: Any
) -> None:
    settings.MIDDLEWARE = [CSRF_MIDDLEWARE]
    configure(TOKEN_SERIALIZER=f"{module}.JWTCookieSerializer", JWT_COOKIE_SECURE=secure)

    assert ids() == set()
    assert ids(deploy=True) == (set() if secure else {"W004"})


def test_other_cookies_need_no_jwt_setting(configure: Configure, settings: Any) -> None:
    settings.MIDDLEWARE = [SESSION_MIDDLEWARE]
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.SessionSerializer")

    assert ids(deploy=True) == set()


@pytest.mark.parametrize(
    ("rates", "proxies", "expected"),
    [
        ({"anon": "10/min"}, None, {"W008"}),
        ({"anon": "10/min"}, -1, {"W008"}),
        ({"anon": "10/min"}, "1", {"W008"}),
        ({"anon": "10/min"}, 0, set()),
        ({"anon": "10/min"}, 2, set()),
        ({"anon": None, "user": "10/min"}, None, set()),
        (None, None, set()),
    ],
)
def test_limit_for_addresses_needs_proxy_count(
    rates: Any, proxies: Any, expected: set[str], configure: Configure, settings: Any
) -> None:
    configure(THROTTLE_RATES=rates)
    settings.REST_FRAMEWORK = {"NUM_PROXIES": proxies}

    assert ids() == set()
    assert ids(deploy=True) == expected
