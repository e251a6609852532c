"""The settings: defaults, when they are read, djoser's settings, and invalid values."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from social_endpoints.conf import Settings
from social_endpoints.conf import settings as endpoint_settings
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.openid_provider import OpenIDProvider
from tests.support.token_serializers import ObtainedText

OTHER_URI = "https://other.example.com/callback"


def begin(redirect_uri: str = REDIRECT_URI) -> Any:
    return Frontend().begin("github", redirect_uri=redirect_uri)


def accepted_uris() -> list[str]:
    return [uri for uri in (REDIRECT_URI, OTHER_URI) if begin(uri).status_code == 200]


@pytest.mark.parametrize("empty", [{}, None, []])
def test_defaults(empty: Any, settings: Any) -> None:
    settings.SOCIAL_ENDPOINTS = empty

    names = [field.name for field in dataclasses.fields(Settings)]
    assert {name: getattr(endpoint_settings, name) for name in names} == {
        "ALLOWED_REDIRECT_URIS": (),
        "ALLOWED_LOGOUT_REDIRECT_URIS": (),
        "TOKEN_SERIALIZER": "social_endpoints.tokens.TokenSerializer",
        "TOKEN_FIELDS": (),
        "USER_SERIALIZER": "social_endpoints.users.UserSerializer",
        "FLOW_TRANSPORT": "auto",
        "PKCE": "auto",
        "NATIVE_PROVIDERS": (),
        "BACKCHANNEL_LOGOUT_PROVIDERS": (),
        "NATIVE_VERIFIERS": None,
        "FAKE_PROVIDERS": None,
        "CONNECT_SCOPES": None,
        "REAUTHENTICATION": None,
        "STRATEGY": "social_endpoints.strategy.Strategy",
        "UNIQUE_EMAIL": False,
        "EMAIL_ASSOCIATION_POLICY": "social_endpoints.pipeline.local_email_is_verified",
        "THROTTLE_RATES": None,
        "ENCRYPT_PROVIDER_TOKENS": False,
        "HTTP_POOL": True,
        "HTTP_POOL_IDLE": 50,
        "LOGIN_TIMEOUT": 30,
        "PROVIDER_TIMEOUTS": 3,
        "PROVIDER_PAUSE": 30,
        "PROVIDER_CONCURRENCY": None,
        "RELEASE_DATABASE_CONNECTIONS": "auto",
        "JWT_ACCESS_COOKIE": "access_token",
        "JWT_REFRESH_COOKIE": "refresh_token",
        "JWT_COOKIE_PATH": "/",
        "JWT_COOKIE_DOMAIN": None,
        "JWT_COOKIE_SAMESITE": "Lax",
        "JWT_COOKIE_SECURE": None,
    }


def test_missing_dictionary_means_defaults(settings: Any) -> None:
    del settings.SOCIAL_ENDPOINTS

    assert endpoint_settings.FLOW_TRANSPORT == "auto"
    assert accepted_uris() == []


def test_dictionary_is_read_on_every_access(settings: Any) -> None:
    for uri in (REDIRECT_URI, OTHER_URI, REDIRECT_URI):
        settings.SOCIAL_ENDPOINTS = {"ALLOWED_REDIRECT_URIS": [uri]}
        assert accepted_uris() == [uri]

    settings.SOCIAL_ENDPOINTS["ALLOWED_REDIRECT_URIS"] = [OTHER_URI]
    assert accepted_uris() == [OTHER_URI]


@pytest.mark.parametrize("name", ["ALLOWED_REDIRECT_URI", "allowed_redirect_uris", "TOKEN"])
def test_unknown_name_is_an_attribute_error(name: str, settings: Any) -> None:
    settings.SOCIAL_ENDPOINTS = {name: "misspelt"}

    with pytest.raises(AttributeError, match=name):
        getattr(endpoint_settings, name)


def test_settings_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        endpoint_settings.FLOW_TRANSPORT = "body"


# --- djoser's settings ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("dictionary", "accepted"),
    [
        ({}, [OTHER_URI]),
        ({"FLOW_TRANSPORT": "body"}, [OTHER_URI]),
        ({"ALLOWED_REDIRECT_URIS": [REDIRECT_URI]}, [REDIRECT_URI]),
        ({"ALLOWED_REDIRECT_URIS": []}, []),
    ],
)
def test_djosers_redirect_uris_are_read_if_ours_are_absent(
    dictionary: dict[str, Any], accepted: list[str], settings: Any
) -> None:
    settings.DJOSER = {"SOCIAL_AUTH_ALLOWED_REDIRECT_URIS": [OTHER_URI]}
    settings.SOCIAL_ENDPOINTS = dictionary

    assert accepted_uris() == accepted


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("entries", "djoser", "body"),
    [
        ({}, {}, {"token"}),
        ({}, {"SOCIAL_AUTH_TOKEN_STRATEGY": ObtainedText}, {"obtained", "user"}),
        (
            {"TOKEN_SERIALIZER": "social_endpoints.tokens.TokenSerializer"},
            {"SOCIAL_AUTH_TOKEN_STRATEGY": ObtainedText},
            {"token"},
        ),
    ],
    ids=["neither", "djoser's", "both"],
)
def test_djosers_token_strategy_is_used_if_ours_is_absent(
    entries: dict[str, str],
    djoser: dict[str, Any],
    body: set[str],
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
    configure: Configure,
) -> None:
    settings.DJOSER = djoser
    configure(**entries)

    assert set(frontend.log_in(openid).data) == body


# --- Invalid values -------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "tests.tokens.Missing",
        "missing",
        ".missing",
        None,
        ObtainedText,
        "rest_framework.serializers.Serializer",
    ],
)
def test_invalid_token_serializer_is_a_500(
    value: Any, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configure(TOKEN_SERIALIZER=value)

    for response in (begin(), Frontend().post({"code": "c", "state": "s"}, "github")):
        assert (response.status_code, response.data["error_source"]) == (500, "configuration")
    assert "TOKEN_SERIALIZER" in caplog.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRATEGY", "tests.Missing"),
        ("STRATEGY", None),
        ("STRATEGY", "tests.support.token_serializers.ObtainedText"),
        ("ALLOWED_REDIRECT_URIS", "tests.Missing"),
        ("ALLOWED_REDIRECT_URIS", f"{__name__}.OTHER_URI"),
        ("ALLOWED_REDIRECT_URIS", 5),
        ("SOCIAL_AUTH_STORAGE", "tests.Missing"),
        ("AUTHENTICATION_BACKENDS", ["social_core.backends.github.Missing"]),
    ],
)
def test_invalid_setting_of_begin_is_a_500(
    name: str, value: Any, settings: Any, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    if name in Settings.__dataclass_fields__:
        configure(**{name: value})
    else:
        setattr(settings, name, value)

    response = begin()

    assert (response.status_code, response.data["error_source"]) == (500, "configuration")
    assert name in caplog.text
