"""System checks of ALLOWED_REDIRECT_URIS."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.checks import findings, ids, only
from tests.support.configuration import Configure


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com/login/callback",
        "https://app.example.com",
        "https://app.example.com:8443/cb?next=%2Fhome&a=b",
        "https://xn--bcher-kva.example/cb",
        "http://localhost:3000/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:8000/callback",
        "https://my_host/callback",
        "https://app.example.com/a..b/.hidden",
        "com.example.app:/callback",
        "com.example.app://callback",
    ],
)
def test_uri_that_works_has_no_finding(uri: str, configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS=[uri])

    assert findings() == []


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("", "empty"),
        (" ", "' '"),
        ("https://app.example.com/call back", "' '"),
        ("https://app.example.com/cb\n", r"'\n'"),
        ("https://app.example.com/cb\0", r"'\x00'"),
        ("\thttps://app.example.com/cb", r"'\t'"),
        ("https://bücher.example/cb", "'ü'"),
        ("https://app.example.com\\cb", r"'\\'"),
        ("https://app.example.com/{tenant}", "'{'"),
        ("*", "'*'"),
        ("https://*.example.com/cb", "'*'"),
        ("https://app.example.com/*", "'*'"),
        ("http://localhost:*/cb", "'*'"),
        ("https://app.example.com/#/cb", "fragment"),
        ("https://app.example.com/cb#", "fragment"),
        ("https://app.example.com/%zz", "'%'"),
        ("/login/callback", "scheme"),
        ("//app.example.com/cb", "scheme"),
        ("app.example.com/cb", "scheme"),
        ("app.example.com:443/cb", "scheme"),
        ("localhost:3000", "scheme"),
        ("://app.example.com/cb", "scheme"),
        ("javascript:alert(1)", "'javascript'"),
        ("JavaScript://app.example.com/%0aalert(1)", "'JavaScript'"),
        ("data:text/html,x", "'data'"),
        ("vbscript:x", "'vbscript'"),
        ("file:///tmp/x", "'file'"),
        ("blob:https://app.example.com/1", "'blob'"),
        ("about:blank", "'about'"),
        ("https:///cb", "host"),
        ("https:app.example.com/cb", "host"),
        ("https://:443/cb", "host"),
        ("https://user:password@app.example.com/cb", "user name"),
        ("https://app.example.com@evil.example/cb", "user name"),
        ("https://app.example.com:99999/cb", "port"),
        ("https://app.example.com:0/cb", "port"),
        ("https://app.example.com:port/cb", "port"),
        ("https://app..example.com/cb", "host"),
        ("https://[::1/cb", "host"),
        ("https://app%2eexample.com/cb", "host"),
        ("https://app.example.com/a/../cb", "'..'"),
        ("https://app.example.com/./cb", "'.'"),
        ("https://app.example.com/%2E%2e/cb", "'..'"),
        ("com.example.app:/../cb", "'..'"),
    ],
)
def test_uri_that_cannot_work(uri: str, problem: str, configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS=["https://app.example.com/cb", uri])

    message = only("E022")

    assert repr(uri) in message.msg
    assert problem in message.msg.partition(repr(uri))[2]


@pytest.mark.parametrize("uri", ["myapp:/callback", "fb1234://authorize", "urn:ietf:wg:oauth"])
def test_private_use_scheme_without_dot(uri: str, configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS={uri})

    assert repr(uri) in only("W013").msg


@pytest.mark.parametrize(
    ("value", "identifier"),
    [
        (["https://app.example.com/*"], "E022"),
        (["myapp:/signed-out"], "W013"),
        (5, "E003"),
        ("no.such", "E005"),
        ("tests.support.email_policies.EMAIL", "E006"),
    ],
)
def test_logout_uris_are_checked(value: Any, identifier: str, configure: Configure) -> None:
    configure(ALLOWED_LOGOUT_REDIRECT_URIS=value)

    assert "SOCIAL_ENDPOINTS['ALLOWED_LOGOUT_REDIRECT_URIS']" in only(identifier).msg


def test_logout_uri_may_have_a_fragment(configure: Configure) -> None:
    configure(ALLOWED_LOGOUT_REDIRECT_URIS=["https://app.example.com/#/signed-out"])

    assert findings() == []


@pytest.mark.parametrize(
    ("value", "identifier"), [([], "E004"), (["*"], "E022"), (5, "E003"), ("no.such", "E005")]
)
def test_uris_of_djoser_are_checked(value: Any, identifier: str, settings: Any) -> None:
    settings.SOCIAL_ENDPOINTS = {"TOKEN_SERIALIZER": "social_endpoints.tokens.TokenSerializer"}
    settings.DJOSER = {"SOCIAL_AUTH_ALLOWED_REDIRECT_URIS": value}

    assert "DJOSER['SOCIAL_AUTH_ALLOWED_REDIRECT_URIS']" in only(identifier).msg


def test_uris_of_a_callable_are_not_checked(configure: Configure) -> None:
    configure(ALLOWED_REDIRECT_URIS="docs.recipes.redirects.is_allowed")

    assert ids(deploy=True) == set()
