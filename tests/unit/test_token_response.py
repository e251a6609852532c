"""Expiry and scopes in the spellings of providers."""

from __future__ import annotations

from typing import Any

import pytest

from social_endpoints.internal.connections.token_response import read_token_response
from social_endpoints.internal.connections.token_state import with_auth_time

NOW = 1_700_000_000.4
HOUR = 1_700_003_600
IN_AN_HOUR = "2023-11-14T23:13:20"


def expiry(response: dict[str, Any]) -> int | None:
    return read_token_response(response, asked=(), separator=" ", now=NOW).expires_at


def scopes(response: dict[str, Any], separator: str = " ") -> tuple[str, ...]:
    return read_token_response(response, asked=["asked"], separator=separator, now=NOW).scopes


@pytest.mark.parametrize(
    "response",
    [
        {"expires_in": 3600},
        {"expires_in": "3600"},
        {"expires_in": 3600.4},
        {"expires_in": "3600.0"},
        {"expires_in": f"{IN_AN_HOUR}.400Z"},  # LoginRadius
        {"expires_in": 3_600_000, "expires_in_sec": 3600},  # Zoho
        {"expiresIn": 3600},
        {"expires": 3600},  # Stack Overflow
        {"expires": str(HOUR)},
        {"expires_on": str(HOUR)},  # Microsoft
        {"expires_at": HOUR, "expires_in": 3600},  # Strava
        {"expires_at": HOUR * 1000},
        {"expires_in": f"{HOUR}400"},  # Chatwork
        {"expires_at": f"{IN_AN_HOUR}+00:00"},
        {"expires_at": IN_AN_HOUR},
        {"expiry": f"{IN_AN_HOUR}Z"},
        {".expires": "Tue, 14 Nov 2023 23:13:20 GMT"},
        {"access_token_expire_in": HOUR},  # TikTok Shop
        {"access_token_expire_in": 3600},
        {"expire_time": HOUR * 1000},  # Taobao
        {"expireAt": f"{IN_AN_HOUR}Z"},
        {"expirationTime": HOUR},
        {"expiry_date": HOUR * 1000},  # as Google's libraries store it
        {"access_token": {"token": "t", "expires_at": HOUR}},  # Yammer
        {"expires_in": "never", "expires_at": HOUR},
    ],
)
def test_expiry_of_an_access_token_is_read(response: dict[str, Any]) -> None:
    assert expiry(response) == HOUR


@pytest.mark.parametrize("name", ["expires_in", "expires_at", "expires"])
@pytest.mark.parametrize(
    "value",
    [
        *(0, -1, "-1", 0.0, float("nan"), float("inf"), 10**400, 1e300, 253_402_300_800),
        *(True, False, None, [], {}, "", "never", "nan", "inf", "1e3", "1_000", "9" * 400),
        *("\u0663\u0666\u0660\u0660", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"),
    ],
)
def test_expiry_that_is_not_in_the_future_is_unknown(name: str, value: Any) -> None:
    assert expiry({name: value}) is None


@pytest.mark.parametrize(
    "name",
    [
        *("refresh_expires_in", "refresh_token_expires_in", "refresh_token_expires_at"),
        *("x_refresh_token_expires_in", "re_expires_in", "id_token_expires_in", "ext_expires_in"),
    ],
)
def test_lifetime_of_another_token_is_not_that_of_the_access_token(name: str) -> None:
    assert expiry({name: 3600}) is None


@pytest.mark.parametrize(
    ("scope", "separator"),
    [
        ("repo gist", " "),
        ("repo,gist", ","),
        ("repo,gist", " "),  # LinkedIn
        ("repo, gist", ","),
        ("repo gist", ","),
        ("repo;gist", ";"),
        ("repo+gist", "+"),
        (["repo", "gist", "repo"], " "),  # Twitch
        (["repo", 5, None, "gist", "n\u00f6t-ascii", 'quo"te'], " "),
    ],
)
def test_granted_scopes_are_read(scope: Any, separator: str) -> None:
    assert scopes({"scope": scope}, separator) == ("repo", "gist")


@pytest.mark.parametrize("response", [{}, {"scope": None}, {"scope": 5}, {"scope": {"a": "b"}}])
def test_scopes_of_a_response_without_scope_are_those_asked_for(response: dict[str, Any]) -> None:
    assert scopes(response) == ("asked",)


def test_empty_scope_means_that_nothing_was_granted() -> None:
    assert scopes({"scope": ""}) == ()


def test_number_of_scopes_is_bounded() -> None:
    assert len(scopes({"scope": " ".join(map(str, range(10_000)))})) == 500


@pytest.mark.parametrize(
    ("stored", "converted"),
    [
        ({"auth_time": 1000, "expires_in": 3600}, {"auth_time": 1500, "expires_in": 3100}),
        ({"auth_time": 1000, "expires_in": "3600"}, {"auth_time": 1500, "expires_in": 3100}),
        ({"auth_time": 1000, "expires": 3600}, {"auth_time": 1500, "expires": 4600}),
        ({"auth_time": 1000, "expires": 10**9}, {"auth_time": 1500, "expires": 10**9}),
        ({"auth_time": 1000, "expires_on": 10**9}, {"auth_time": 1500, "expires_on": 10**9}),
        ({"auth_time": 1000, "expires_in": None}, {"auth_time": 1500, "expires_in": None}),
        ({"auth_time": 1000, "expires_in": "soon"}, {"auth_time": 1500, "expires_in": "soon"}),
        ({"expires_in": 3600}, {"auth_time": 1500, "expires_in": 3600}),
    ],
)
def test_another_auth_time_does_not_change_when_the_token_expires(
    stored: dict[str, Any], converted: dict[str, Any]
) -> None:
    assert with_auth_time(stored, 1500) == converted
