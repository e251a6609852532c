"""The settings: their defaults, when they are read, and which of two wins."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from rest_framework.test import APIClient

from social_endpoints.conf import Settings
from social_endpoints.conf import settings as ours
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.interpreter import python
from tests.support.openid_provider import OpenIDProvider
from tests.support.token_serializers import ObtainedText

OTHER_URI = "https://other.example.com/callback"


def begin(uri: str) -> int:
    """Return the status of a begin with a redirect URI."""
    return APIClient().get("/auth/o/github/", {"redirect_uri": uri}).status_code


@pytest.mark.parametrize("module", ["", ".apps", ".conf", ".types", ".tokens"])
def test_package_is_importable_before_django_is_set_up(module: str) -> None:
    outcome = python("-c", f"import social_endpoints{module}", settings="")

    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize("empty", [{}, None, []])
def test_defaults(empty: Any, settings: Any) -> None:
    settings.SOCIAL_ENDPOINTS = empty

    assert {field.name: getattr(ours, field.name) for field in dataclasses.fields(Settings)} == {
        "ALLOWED_REDIRECT_URIS": (),
        "TOKEN_SERIALIZER": "social_endpoints.tokens.TokenSerializer",
        "TOKEN_FIELDS": (),
        "FLOW_TRANSPORT": "auto",
        "PKCE": "auto",
        "NATIVE_PROVIDERS": (),
        "NATIVE_VERIFIERS": None,
        "STRATEGY": "social_endpoints.strategy.Strategy",
        "UNIQUE_EMAIL": False,
        "EMAIL_ASSOCIATION_POLICY": "social_endpoints.pipeline.local_email_is_verified",
        "THROTTLE_RATES": None,
        "HTTP_POOL": True,
        "HTTP_POOL_IDLE": 50,
        "LOGIN_TIMEOUT": 30,
        "JWT_ACCESS_COOKIE": "access",
        "JWT_REFRESH_COOKIE": "refresh",
        "JWT_COOKIE_PATH": "/",
        "JWT_COOKIE_DOMAIN": None,
        "JWT_COOKIE_SAMESITE": "Lax",
        "JWT_COOKIE_SECURE": None,
    }


def test_defaults_without_a_dictionary(settings: Any) -> None:
    del settings.SOCIAL_ENDPOINTS

    assert ours.FLOW_TRANSPORT == "auto"
    assert begin(REDIRECT_URI) == 400


def test_dictionary_is_read_on_every_access(settings: Any) -> None:
    answers = []
    for allowed in ([REDIRECT_URI], [OTHER_URI], [REDIRECT_URI]):
        settings.SOCIAL_ENDPOINTS = {"ALLOWED_REDIRECT_URIS": allowed}
        answers.append((begin(REDIRECT_URI), begin(OTHER_URI)))

    assert answers == [(200, 400), (400, 200), (200, 400)]


def test_dictionary_may_be_changed_in_place(settings: Any) -> None:
    dictionary: dict[str, Any] = {}
    settings.SOCIAL_ENDPOINTS = dictionary
    dictionary["ALLOWED_REDIRECT_URIS"] = [REDIRECT_URI]

    assert begin(REDIRECT_URI) == 200


@pytest.mark.parametrize("name", ["ALLOWED_REDIRECT_URI", "allowed_redirect_uris", "TOKEN"])
def test_misspelt_name_is_no_attribute(name: str, settings: Any) -> None:
    """Not even where the project has written it so."""
    settings.SOCIAL_ENDPOINTS = {name: "misspelt"}

    with pytest.raises(AttributeError, match=name):
        getattr(ours, name)


def test_settings_cannot_be_assigned() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ours.FLOW_TRANSPORT = "body"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("dictionary", "allowed"),
    [
        ({}, OTHER_URI),
        ({"FLOW_TRANSPORT": "body"}, OTHER_URI),
        ({"ALLOWED_REDIRECT_URIS": [REDIRECT_URI]}, REDIRECT_URI),
    ],
)
def test_redirect_uris_of_djoser_are_read_where_ours_are_absent(
    dictionary: dict[str, Any], allowed: str, settings: Any
) -> None:
    settings.DJOSER = {"SOCIAL_AUTH_ALLOWED_REDIRECT_URIS": [OTHER_URI]}
    settings.SOCIAL_ENDPOINTS = dictionary

    assert [uri for uri in (REDIRECT_URI, OTHER_URI) if begin(uri) == 200] == [allowed]


def test_an_empty_list_of_ours_wins_over_djoser(settings: Any) -> None:
    settings.DJOSER = {"SOCIAL_AUTH_ALLOWED_REDIRECT_URIS": [REDIRECT_URI]}
    settings.SOCIAL_ENDPOINTS = {"ALLOWED_REDIRECT_URIS": []}

    assert begin(REDIRECT_URI) == 400


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("serializer", "djoser", "body"),
    [
        (None, {}, {"token"}),
        (None, {"SOCIAL_AUTH_TOKEN_STRATEGY": ObtainedText}, {"obtained", "user"}),
        (
            "social_endpoints.tokens.TokenSerializer",
            {"SOCIAL_AUTH_TOKEN_STRATEGY": ObtainedText},
            {"token"},
        ),
    ],
    ids=["nothing of djoser's", "the strategy of djoser", "ours over djoser's"],
)
def test_token_strategy_of_djoser_is_used_where_ours_is_absent(
    serializer: str | None,
    djoser: dict[str, Any],
    body: set[str],
    frontend: Frontend,
    openid: OpenIDProvider,
    settings: Any,
    configure: Configure,
) -> None:
    settings.DJOSER = djoser
    if serializer is not None:
        configure(TOKEN_SERIALIZER=serializer)

    assert set(frontend.log_in(openid).data) == body


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "mistake",
    [
        {"TOKEN_SERIALIZER": "tests.tokens.Missing"},
        {"TOKEN_SERIALIZER": "missing"},
        {"TOKEN_SERIALIZER": ".missing"},
        {"TOKEN_SERIALIZER": None},
        {"TOKEN_SERIALIZER": ObtainedText},
        {"TOKEN_SERIALIZER": "rest_framework.serializers.Serializer"},
    ],
    ids=lambda mistake: str(next(iter(mistake.values()))),
)
def test_mistake_in_the_settings_is_a_500_with_the_error_body(
    mistake: dict[str, Any], method: str, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configure(**mistake)
    data = {"redirect_uri": REDIRECT_URI, "code": "c", "state": "s"}

    answer = getattr(APIClient(), method)("/auth/o/github/", data)

    assert answer.status_code == 500
    assert answer.data["error_source"] == "configuration"
    assert "TOKEN_SERIALIZER" in caplog.text


@pytest.mark.parametrize(
    "mistake",
    [
        {"STRATEGY": "tests.Missing"},
        {"STRATEGY": None},
        {"STRATEGY": "tests.support.token_serializers.ObtainedText"},
        {"ALLOWED_REDIRECT_URIS": "tests.Missing"},
        {"ALLOWED_REDIRECT_URIS": "tests.unit.test_conf.OTHER_URI"},
        {"ALLOWED_REDIRECT_URIS": 5},
    ],
    ids=lambda mistake: "-".join(map(str, *mistake.items())),
)
def test_mistake_in_the_settings_of_begin_is_a_500_with_the_error_body(
    mistake: dict[str, Any], configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configure(**mistake)

    answer = APIClient().get("/auth/o/github/", {"redirect_uri": REDIRECT_URI})

    assert answer.status_code == 500
    assert answer.data["error_source"] == "configuration"
    assert next(iter(mistake)) in caplog.text


def test_storage_that_cannot_be_imported_is_a_500_with_the_error_body(settings: Any) -> None:
    settings.SOCIAL_AUTH_STORAGE = "tests.Missing"

    answer = APIClient().get("/auth/o/github/", {"redirect_uri": REDIRECT_URI})

    assert answer.status_code == 500
    assert answer.data["error_source"] == "configuration"


def test_backend_that_cannot_be_imported_is_a_500_with_the_error_body(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.github.Missing"]

    answer = APIClient().get("/auth/o/github/", {"redirect_uri": REDIRECT_URI})

    assert answer.status_code == 500
    assert answer.data["error_source"] == "configuration"
