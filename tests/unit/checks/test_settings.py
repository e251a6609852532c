"""System checks of the dictionary SOCIAL_ENDPOINTS."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import responses
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings

from social_endpoints.checks import (
    browsers,
    deployment,
    native,
    pipelines,
    providers,
    redirect_uris,
    tokens,
)
from social_endpoints.checks import settings as project
from social_endpoints.conf import Settings
from tests.support.checks import check_project, findings, ids, only
from tests.support.configuration import Configure

CHECKS = [
    check
    for module in (browsers, deployment, native, pipelines, providers, redirect_uris, tokens)
    for check in (*project.CHECKS, *module.CHECKS)
]

NOT_A_CLASS = "tests.support.checks.findings"
PKCE = "'auto' or True or False or a dictionary with values that are 'auto' or True or False"
SERIALIZER = "a subclass of social_endpoints.tokens.base.LoginSerializer"


def allow(*uris: str, **kwargs: Any) -> bool:
    return True


def test_correct_project_has_no_finding() -> None:
    assert findings(deploy=True) == []
    call_command("check")


def test_checks_send_neither_queries_nor_requests(
    django_assert_num_queries: Any, configure: Configure
) -> None:
    configure(NATIVE_PROVIDERS=["oidc", "github"], UNIQUE_EMAIL=True, PKCE="auto")

    with responses.RequestsMock() as wire, django_assert_num_queries(0):
        for check in CHECKS:
            list(check())
    assert not wire.calls


@pytest.mark.parametrize(
    "uris",
    [
        ("https://app.example.com/", "com.example.app:/callback"),
        "tests.unit.checks.test_settings.allow",
    ],
)
def test_correct_value_of_every_setting_has_no_finding(
    uris: Any, configure: Configure, settings: Any
) -> None:
    configure(
        ALLOWED_REDIRECT_URIS=uris,
        TOKEN_SERIALIZER="social_endpoints.tokens.TokenSerializer",
        TOKEN_FIELDS=["is_new_user", "new_association"],
        THROTTLE_RATES={"anon": "10/min", "user": None},
        FLOW_TRANSPORT="body",
        STRATEGY="social_endpoints.strategy.Strategy",
        HTTP_POOL_IDLE=0,
        LOGIN_TIMEOUT=0.5,
        PROVIDER_TIMEOUTS=1,
        PROVIDER_PAUSE=0.5,
        PROVIDER_CONCURRENCY=1,
        JWT_ACCESS_COOKIE="a",
        JWT_REFRESH_COOKIE="r",
        JWT_COOKIE_PATH="/api",
        JWT_COOKIE_DOMAIN="example.com",
        JWT_COOKIE_SAMESITE="None",
        JWT_COOKIE_SECURE=True,
    )
    assert findings(deploy=True) == []


def test_error_stops_the_project(configure: Configure) -> None:
    configure(FLOW_TRANSPORT="cookies")

    with pytest.raises(SystemCheckError, match=r"social_endpoints\.E003"):
        call_command("check")


@pytest.mark.parametrize("value", [None, [], "https://app.example.com/", 5])
def test_value_that_is_not_a_dictionary(value: Any, settings: Any) -> None:
    settings.SOCIAL_ENDPOINTS = value

    assert ids() == {"E001", "E004"}


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("TOKEN_SERIALISER", "TOKEN_SERIALIZER"),
        ("flow_transport", "FLOW_TRANSPORT"),
        ("JWT_COOKIE_SAME_SITE", "JWT_COOKIE_SAMESITE"),
        ("REDIRECT_URIS", "ALLOWED_REDIRECT_URIS"),
        ("SOCIAL_AUTH_ALLOWED_REDIRECT_URIS", "ALLOWED_REDIRECT_URIS"),
    ],
)
def test_unknown_name_with_similar_setting(name: str, similar: str, configure: Configure) -> None:
    configure(**{name: "anything"})

    message = only("E002")

    assert repr(name) in message.msg
    assert message.hint == f"Did you mean {similar!r}?"


@pytest.mark.parametrize("name", ["X", 5, None])
def test_unknown_name_without_similar_setting(name: Any, settings: Any) -> None:
    settings.SOCIAL_ENDPOINTS = {**settings.SOCIAL_ENDPOINTS, name: "anything"}

    assert "FLOW_TRANSPORT, " in only("E002").hint


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("FLOW_TRANSPORT", "header", "'auto' or 'cookie' or 'body'"),
        ("FLOW_TRANSPORT", None, "'auto' or 'cookie' or 'body'"),
        ("FLOW_TRANSPORT", ["body"], "'auto' or 'cookie' or 'body'"),
        ("JWT_ACCESS_COOKIE", 5, "a string"),
        ("JWT_COOKIE_DOMAIN", ["example.com"], "a string or None"),
        ("JWT_COOKIE_SAMESITE", "lax", "'Lax' or 'Strict' or 'None'"),
        ("JWT_COOKIE_SECURE", "yes", "True or False or None"),
        ("JWT_COOKIE_SECURE", 1, "True or False or None"),
        ("PKCE", "S256", PKCE),
        ("PKCE", 1, PKCE),
        ("PKCE", {"github": "S256"}, PKCE),
        ("PKCE", {5: True}, PKCE),
        ("TOKEN_FIELDS", "is_new_user", "a list of strings"),
        ("TOKEN_FIELDS", [5], "a list of strings"),
        ("HTTP_POOL_IDLE", "50", "a number"),
        ("HTTP_POOL_IDLE", None, "a number"),
        ("LOGIN_TIMEOUT", True, "a number"),
        ("LOGIN_TIMEOUT", [50], "a number"),
        ("PROVIDER_PAUSE", None, "a number"),
        *(
            (name, value, "a whole number or None")
            for name in ("PROVIDER_TIMEOUTS", "PROVIDER_CONCURRENCY")
            for value in ("3", True, 2.5)
        ),
        ("ALLOWED_REDIRECT_URIS", 5, "a list of strings or a string"),
        ("ALLOWED_REDIRECT_URIS", [None], "a list of strings or a string"),
        ("ALLOWED_REDIRECT_URIS", [re.compile(".*")], "a list of strings or a string"),
        ("ALLOWED_REDIRECT_URIS", {"https://x.example/": 1}, "a list of strings or a string"),
    ],
)
def test_value_of_wrong_type(name: str, value: Any, expected: str, configure: Configure) -> None:
    configure(**{name: value})

    message = only("E003", deploy=True)

    assert repr(name) in message.msg
    assert message.hint == f"Expected {expected}, got {value!r}."


@pytest.mark.parametrize("name", ["TOKEN_SERIALIZER", "STRATEGY"])
@pytest.mark.parametrize("value", [None, 5, SessionMiddleware, ["social_endpoints.tokens"]])
def test_dotted_path_that_is_not_a_string(name: str, value: Any, configure: Configure) -> None:
    configure(**{name: value})

    assert "E003" in ids(deploy=True)


@pytest.mark.parametrize("value", [[], (), ""])
def test_empty_redirect_uris(value: Any, configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS=value)

    assert "E004" in ids()


@pytest.mark.parametrize(
    ("djoser", "expected"),
    [({}, {"E004"}), ({"SOCIAL_AUTH_ALLOWED_REDIRECT_URIS": ["https://a.example/"]}, {"W015"})],
)
def test_missing_dictionary(djoser: dict[str, Any], expected: set[str], settings: Any) -> None:
    del settings.SOCIAL_ENDPOINTS
    settings.DJOSER = djoser

    assert ids() == expected


@pytest.mark.parametrize("name", ["TOKEN_SERIALIZER", "STRATEGY", "ALLOWED_REDIRECT_URIS"])
@pytest.mark.parametrize(
    "path",
    [
        "missing.module.Name",
        "tests.support.Missing",
        "NoDot",
        ".Leading",
        "Trailing.",
        "https://a.b/",
    ],
)
def test_dotted_path_that_cannot_be_imported(name: str, path: str, configure: Configure) -> None:
    configure(**{name: path})

    message = only("E005")

    assert repr(name) in message.msg
    assert repr(path) in message.msg


@pytest.mark.parametrize(
    "source", ["raise OSError", "import os; os.environ['MISSING']", "undefined", "syntax error"]
)
@pytest.mark.parametrize(
    ("name", "is_list", "identifier"),
    [
        ("SOCIAL_ENDPOINTS.TOKEN_SERIALIZER", False, "E005"),
        ("SOCIAL_ENDPOINTS.STRATEGY", False, "E005"),
        ("SOCIAL_ENDPOINTS.ALLOWED_REDIRECT_URIS", False, "E005"),
        ("AUTHENTICATION_BACKENDS", True, "E013"),
        ("SOCIAL_AUTH_STORAGE", False, "E013"),
        ("SOCIAL_AUTH_PIPELINE", True, "E026"),
    ],
)
def test_module_that_raises_an_exception(
    name: str,
    is_list: bool,
    identifier: str,
    source: str,
    configure: Configure,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "raising_module.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    path = "raising_module.Name"
    entry = name.removeprefix("SOCIAL_ENDPOINTS.")
    if entry != name:
        configure(**{entry: path})
    else:
        setattr(settings, name, [path] if is_list else path)

    message = only(identifier)

    assert repr(path) in message.msg
    assert re.search(r"\b(OS|Key|Name|Syntax)Error: ", str(message))


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("TOKEN_SERIALIZER", "rest_framework.serializers.Serializer", SERIALIZER),
        ("TOKEN_SERIALIZER", NOT_A_CLASS, SERIALIZER),
        (
            "STRATEGY",
            "social_django.strategy.DjangoStrategy",
            "a subclass of social_endpoints.strategy.Strategy",
        ),
        ("ALLOWED_REDIRECT_URIS", "tests.unit.checks.test_settings.PKCE", "a callable"),
    ],
)
def test_dotted_path_of_unsuitable_object(
    name: str, path: str, expected: str, configure: Configure
) -> None:
    configure(**{name: path})

    message = only("E006")

    assert repr(name) in message.msg
    assert message.hint == f"Set it to the dotted path of {expected}."


@pytest.mark.parametrize(
    ("serializer", "package", "extra"),
    [
        ("JWTSerializer", "rest_framework_simplejwt", "jwt"),
        ("KnoxTokenSerializer", "knox", "knox"),
    ],
)
def test_serializer_without_its_package(
    serializer: str, package: str, extra: str, tmp_path: Path
) -> None:
    output = check_project(
        tmp_path,
        f"""
        from tests.support.interpreter import hide
        hide({package!r})
        from tests.settings import *
        SOCIAL_ENDPOINTS["TOKEN_SERIALIZER"] = "social_endpoints.tokens.{serializer}"
        """,
    )

    assert "(social_endpoints.E007)" in output
    assert f"pip install 'django-social-endpoints[{extra}]'" in output
    assert "1 issue" in output


@pytest.mark.parametrize(
    ("name", "value", "identifier", "problem"),
    [
        *(
            ("THROTTLE_RATES", {"anon": rate, "user": "10/day"}, "E017", f"['anon'] is {rate!r}")
            for rate in ("often", "10", "0/min", "10/month", "")
        ),
        ("THROTTLE_RATES", {"anonymous": "10/min"}, "E017", "'anonymous'"),
        ("TOKEN_FIELDS", ("is_new_user", "is_new"), "E018", "'is_new'"),
        *(
            (name, value, "E021", f"{name!r}] must not be {value!r}")
            for name in ("HTTP_POOL_IDLE", "LOGIN_TIMEOUT", "PROVIDER_PAUSE")
            for value in (-0.5, float("inf"), float("nan"))
        ),
        ("LOGIN_TIMEOUT", 0, "E021", "must not be 0"),
        ("PROVIDER_PAUSE", 0, "E021", "must not be 0"),
        *(
            (name, value, "E028", f"{name!r}] must not be {value!r}")
            for name in ("PROVIDER_TIMEOUTS", "PROVIDER_CONCURRENCY")
            for value in (0, -1)
        ),
        *(
            (name, value, "E035", f"{name!r}] must not be {value!r}")
            for name, value in (
                ("JWT_ACCESS_COOKIE", ""),
                ("JWT_ACCESS_COOKIE", "access token"),
                ("JWT_ACCESS_COOKIE", "path"),
                ("JWT_REFRESH_COOKIE", "refresh;token"),
                ("JWT_REFRESH_COOKIE", "access_token"),
                ("JWT_COOKIE_PATH", "api"),
                ("JWT_COOKIE_PATH", ""),
                ("JWT_COOKIE_PATH", "/; Domain=example.com"),
                ("JWT_COOKIE_DOMAIN", "https://example.com"),
                ("JWT_COOKIE_DOMAIN", "example.com:8000"),
            )
        ),
    ],
)
def test_value_out_of_range(
    name: str, value: Any, identifier: str, problem: str, configure: Configure
) -> None:
    configure(**{name: value})

    assert problem in only(identifier).msg


@pytest.mark.parametrize("rates", ["10/min", {"anon": 10}])
def test_rates_of_wrong_type(rates: Any, configure: Configure, settings: Any) -> None:
    configure(THROTTLE_RATES=rates)

    assert ids(deploy=True) == {"E003", "E017"}


PROJECT_SETTINGS = """
SOCIAL_ENDPOINTS DJOSER REST_FRAMEWORK AUTHENTICATION_BACKENDS MIDDLEWARE ALLOWED_HOSTS
SECRET_KEY_FALLBACKS SESSION_COOKIE_SAMESITE SESSION_COOKIE_SECURE
CORS_ALLOW_ALL_ORIGINS CORS_ALLOWED_ORIGIN_REGEXES CORS_ALLOW_CREDENTIALS
SOCIAL_AUTH_STORAGE SOCIAL_AUTH_PIPELINE SOCIAL_AUTH_EMAIL_VALIDATION_URL
SOCIAL_AUTH_FORCE_EMAIL_VALIDATION SOCIAL_AUTH_PROXIES SOCIAL_AUTH_VERIFY_SSL
SOCIAL_AUTH_REQUESTS_TIMEOUT SOCIAL_AUTH_SCOPE SOCIAL_AUTH_STATE_LIFETIME
SOCIAL_AUTH_USE_PKCE SOCIAL_AUTH_OIDC_KEY SOCIAL_AUTH_OIDC_SECRET
SOCIAL_AUTH_OIDC_OIDC_ENDPOINT SOCIAL_AUTH_OIDC_AUDIENCE SOCIAL_AUTH_OIDC_JWT_ALGORITHMS
SOCIAL_AUTH_OIDC_AUTHORIZATION_URL
"""

GARBAGE: tuple[Any, ...] = (
    *(None, 5, -1.5, "x", b"x", [], [None], [[]], {}, {None: []}, (object(),), abs, object),
)


@pytest.mark.parametrize("name", sorted(Settings.__dataclass_fields__))
def test_checks_of_any_value_raise_no_exception(name: str, settings: Any) -> None:
    original = settings.SOCIAL_ENDPOINTS
    for value in GARBAGE:
        with override_settings(SOCIAL_ENDPOINTS={**original, name: value}):
            for check in CHECKS:
                list(check())


@pytest.mark.parametrize("name", PROJECT_SETTINGS.split())
def test_checks_of_any_project_raise_no_exception(
    name: str, configure: Configure, settings: Any
) -> None:
    configure(
        NATIVE_PROVIDERS=["oidc"],
        THROTTLE_RATES={"anon": "1/min"},
        TOKEN_SERIALIZER="social_endpoints.tokens.SessionSerializer",
    )
    settings.CORS_ALLOW_CREDENTIALS = True
    settings.SESSION_COOKIE_SAMESITE = "None"
    for value in GARBAGE:
        # Each change by the fixture makes all later reads slower.
        with override_settings(**{name: value}):
            for check in CHECKS:
                list(check())
