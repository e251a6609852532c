"""System checks of cookies, and of the origins that may use them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.checks import findings, ids, only
from tests.support.configuration import Configure

CSRF_MIDDLEWARE = "django.middleware.csrf.CsrfViewMiddleware"
SESSION_MIDDLEWARE = "django.contrib.sessions.middleware.SessionMiddleware"
TOKENS = "social_endpoints.tokens"


def use_jwt_cookies(settings: Any) -> None:
    settings.MIDDLEWARE = [CSRF_MIDDLEWARE]
    classes = [f"{TOKENS}.JWTCookieAuthentication"]
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_AUTHENTICATION_CLASSES": classes,
    }


@pytest.mark.needs("rest_framework_simplejwt")
@pytest.mark.parametrize("secure", [None, False, True])
@pytest.mark.parametrize("module", ["social_endpoints.tokens", "tests.support.with_profile"])
def test_jwt_cookies_must_be_secure(
    module: str, secure: bool | None, configure: Configure, settings: Any
) -> None:
    use_jwt_cookies(settings)
    configure(TOKEN_SERIALIZER=f"{module}.JWTCookieSerializer", JWT_COOKIE_SECURE=secure)

    assert ids() == set()
    assert ids(deploy=True) == (set() if secure else {"W004"})


@pytest.mark.needs("rest_framework_simplejwt")
@pytest.mark.parametrize(("name", "expected"), [("jwt", {"W024"}), ("my_tokens", set())])
@pytest.mark.parametrize("setting", ["JWT_ACCESS_COOKIE", "JWT_REFRESH_COOKIE"])
def test_jwt_cookies_must_have_names_that_error_reports_hide(
    setting: str, name: str, expected: set[str], configure: Configure, settings: Any
) -> None:
    use_jwt_cookies(settings)
    entries = {setting: name, "JWT_COOKIE_SECURE": True}
    configure(TOKEN_SERIALIZER=f"{TOKENS}.JWTCookieSerializer", **entries)

    assert ids() == set()
    assert ids(deploy=True) == expected


class FilterWithoutNames:
    """A filter of the project that does not derive from Django's."""


@pytest.mark.needs("rest_framework_simplejwt")
@pytest.mark.parametrize("path", ["no.such.Filter", f"{__name__}.FilterWithoutNames", None])
def test_filter_of_error_reports_that_hides_no_names(
    path: Any, configure: Configure, settings: Any
) -> None:
    use_jwt_cookies(settings)
    configure(TOKEN_SERIALIZER=f"{TOKENS}.JWTCookieSerializer", JWT_COOKIE_SECURE=True)
    settings.DEFAULT_EXCEPTION_REPORTER_FILTER = path

    assert ids(deploy=True) == set()


def test_other_cookies_need_no_jwt_setting(configure: Configure, settings: Any) -> None:
    settings.MIDDLEWARE = [SESSION_MIDDLEWARE]
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.SessionSerializer")

    assert ids(deploy=True) == set()


@pytest.mark.parametrize("transport", ["auto", "cookie", "body"])
@pytest.mark.parametrize(
    ("cookie_secure", "ssl_redirect"), [(True, False), (False, True), (False, False)]
)
def test_flow_cookies_must_be_secure(
    transport: str, cookie_secure: bool, ssl_redirect: bool, configure: Configure, settings: Any
) -> None:
    configure(FLOW_TRANSPORT=transport)
    settings.SESSION_COOKIE_SECURE = cookie_secure
    settings.SECURE_SSL_REDIRECT = ssl_redirect

    is_safe = cookie_secure or ssl_redirect or transport == "body"
    assert ids() == set()
    assert ids(deploy=True) == (set() if is_safe else {"W019"})


@pytest.mark.parametrize(
    ("uris", "hosts", "is_needed"),
    [
        (["https://app.example.com/"], ["api.example.com"], False),
        (["https://example.com/"], [".example.com"], False),
        (["https://EXAMPLE.com/", "com.example.app:/"], ["API.example.com"], False),
        (["com.example.app:/callback"], ["api.example.com"], False),
        (["https://app.example.co.uk/"], ["api.example.co.uk"], False),
        (["https://app.example.org/"], ["api.example.com"], True),
        (["https://app.co.uk/"], ["api.co.uk"], True),
        (["https://example.com/", "http://localhost:3000/"], ["example.com"], True),
        (["https://example.com/"], ["*"], True),
        (["https://example.com/"], [], True),
        (["https://[/"], ["example.com"], True),
        ("docs.recipes.redirects.is_allowed", ["example.com"], True),
    ],
)
def test_cross_site_cookies_must_be_needed(
    uris: Any, hosts: list[str], is_needed: bool, configure: Configure, settings: Any
) -> None:
    configure(ALLOWED_REDIRECT_URIS=uris)
    settings.ALLOWED_HOSTS = hosts
    settings.SESSION_COOKIE_SAMESITE = "None"

    assert ("W020" in ids(deploy=True)) is not is_needed

    settings.SESSION_COOKIE_SAMESITE = "Lax"
    assert "W020" not in ids(deploy=True)


@pytest.mark.parametrize("value", [None, False])
def test_cookies_without_samesite_are_not_cross_site(value: Any, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["example.com"]
    settings.SESSION_COOKIE_SAMESITE = value

    assert ids(deploy=True) == set()


def test_cross_site_cookies_that_are_not_set(configure: Configure, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["example.com"]
    settings.SESSION_COOKIE_SAMESITE = "None"
    configure(FLOW_TRANSPORT="body", JWT_COOKIE_SAMESITE="None")

    assert ids(deploy=True) == set()


@pytest.mark.needs("rest_framework_simplejwt")
def test_cross_site_jwt_cookies(configure: Configure, settings: Any) -> None:
    use_jwt_cookies(settings)
    settings.ALLOWED_HOSTS = ["example.com"]
    configure(
        TOKEN_SERIALIZER=f"{TOKENS}.JWTCookieSerializer",
        JWT_COOKIE_SECURE=True,
        JWT_COOKIE_SAMESITE="None",
    )

    assert "JWT_COOKIE_SAMESITE" in only("W020", deploy=True).msg


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("CORS_ALLOW_ALL_ORIGINS", True, "CORS_ALLOW_ALL_ORIGINS"),
        ("CORS_ORIGIN_ALLOW_ALL", True, "CORS_ORIGIN_ALLOW_ALL"),
        ("CORS_ALLOWED_ORIGIN_REGEXES", [r".*"], "https://unknown.invalid"),
        ("CORS_ALLOWED_ORIGIN_REGEXES", [re.compile(r"https?://")], "https://unknown.invalid"),
        (
            "CORS_ALLOWED_ORIGIN_REGEXES",
            (r"https://app\.example\.com",),
            "https://app.example.com.invalid",
        ),
        (
            "CORS_ORIGIN_REGEX_WHITELIST",
            [r"^https://app.example.com$"],
            "https://appxexamplexcom",
        ),
        (
            "CORS_ALLOWED_ORIGIN_REGEXES",
            [r"^https://.*example\.com$"],
            "https://unknownexample.com",
        ),
        ("CORS_ALLOWED_ORIGIN_REGEXES", [r"^https://app\.example\.com$"], None),
        ("CORS_ALLOWED_ORIGIN_REGEXES", [r"^https://\w+\.example\.com$", "(", 5, b"."], None),
        ("CORS_ALLOWED_ORIGIN_REGEXES", "https://.*", None),
        ("CORS_ALLOWED_ORIGIN_REGEXES", ["^null$"], "'null'"),
        ("CORS_ALLOWED_ORIGINS", ["https://app.example.com", "null"], "'null'"),
        ("CORS_ORIGIN_WHITELIST", ("null",), "'null'"),
        ("CORS_ALLOWED_ORIGINS", ["https://app.example.com"], None),
        ("CORS_ALLOW_ALL_ORIGINS", False, None),
    ],
)
def test_every_origin_with_credentials(
    name: str, value: Any, problem: str | None, settings: Any
) -> None:
    setattr(settings, name, value)
    assert findings(deploy=True) == []

    settings.CORS_ALLOW_CREDENTIALS = True
    assert ids() == set()
    if problem is None:
        assert findings(deploy=True) == []
    else:
        assert problem in only("W021", deploy=True).msg
