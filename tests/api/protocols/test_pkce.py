"""PKCE: the logins that use it, and that the verifier matches the challenge."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from django.core.checks import run_checks
from social_core.backends.github import GithubOAuth2
from social_core.backends.oauth import BaseOAuth2

from social_endpoints.internal.backends.extensions.pkce import PKCE_PROVIDERS, WITHOUT_PKCE
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params
from tests.support.openid_provider import OpenIDProvider
from tests.support.social_core import (
    BACKENDS,
    REDIRECT_BACKENDS,
    UNUSUAL_REDIRECT_URI,
    add_discovery,
    configure_backend,
)

pytestmark = pytest.mark.django_db

# Its backend uses a library that has no PKCE.
WITHOUT = {"shopify"}


class OurGithub(GithubOAuth2):
    name = "our-github"


class Stateless(BaseOAuth2):
    name = "stateless"
    STATE_PARAMETER = REDIRECT_STATE = False
    AUTHORIZATION_URL = "https://id.example.com/authorize"
    ACCESS_TOKEN_URL = "https://id.example.com/token"


def begin(name: str) -> Any:
    return Frontend("body").begin(name, redirect_uri=UNUSUAL_REDIRECT_URI)


def uses_pkce(begun: Any) -> bool:
    params = authorization_params(begun)
    # Some backends write the method in lower case.
    return params.get("code_challenge_method", "").upper() == "S256" and "code_challenge" in params


def challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def token_requests(wire: responses.RequestsMock) -> list[dict[str, str]]:
    """Return the parameters of the requests that contain the code."""
    requests = []
    for call in wire.calls:
        body, query = call.request.body or "", urlsplit(str(call.request.url)).query
        text = body.decode() if isinstance(body, bytes) else body
        params = json.loads(text) if text.startswith("{") else {}
        for part in (text, query):
            params |= {name: values[0] for name, values in parse_qs(part).items()}
        if params.get("code") == "the-code":
            requests.append(params)
    return requests


@pytest.fixture
def refusing(wire: responses.RequestsMock) -> responses.RequestsMock:
    """Answer discovery and refuse all other requests."""
    add_discovery(wire)
    for method in ("GET", "POST"):
        wire.add(method, re.compile(".*"), status=400, json={"error": "invalid_grant"})
    return wire


@pytest.mark.parametrize("name", sorted(set(REDIRECT_BACKENDS) - WITHOUT))
def test_verifier_of_every_backend_matches_challenge(
    name: str, refusing: responses.RequestsMock, settings: Any, configure: Configure
) -> None:
    configure_backend(settings, name)
    configure(PKCE=True)
    frontend = Frontend("body")
    begun = begin(name)
    query = authorization_params(begun)
    redirect = query.get("redirect_uri", query.get("redirect_url", ""))
    sent = {**{n: v[0] for n, v in parse_qs(urlsplit(redirect).query).items()}, **query}
    state = {n: sent[n] for n in ("state", "redirect_state") if n in sent}
    extra = {"device_id": "device", "domain_prefix": "shop"}

    frontend.complete(begun, {"code": "the-code", **state, **extra}, name)

    assert uses_pkce(begun)
    (request,) = token_requests(refusing)
    assert challenge(request.get("code_verifier", "")) == query["code_challenge"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, True) for name in sorted(PKCE_PROVIDERS & BACKENDS.keys())),
        *((name, False) for name in ("facebook", "linkedin-oauth2", "slack", *WITHOUT_PKCE)),
    ],
)
@pytest.mark.usefixtures("refusing")
def test_auto_follows_documentation_of_provider(name: str, expected: bool, settings: Any) -> None:
    configure_backend(settings, name)

    assert uses_pkce(begin(name)) is expected


def test_listed_backends_exist() -> None:
    assert BACKENDS.keys() >= PKCE_PROVIDERS | WITHOUT_PKCE


@pytest.mark.parametrize(
    ("policy", "use_pkce", "expected"),
    [
        ("auto", None, True),
        ("auto", False, False),
        (True, None, True),
        (False, None, False),
        (False, True, True),
        (True, False, False),
        ({"github": False}, None, False),
        ({"github": False}, True, False),
        ({"github": True}, False, True),
        ({"github": "auto"}, None, True),
        ({"gitlab": False}, None, True),
    ],
)
def test_precedence_of_settings(
    policy: Any, use_pkce: Any, expected: bool, settings: Any, configure: Configure
) -> None:
    configure(PKCE=policy)
    if use_pkce is not None:
        settings.SOCIAL_AUTH_GITHUB_USE_PKCE = use_pkce

    assert uses_pkce(Frontend("body").begin("github")) is expected


def test_subclass_with_another_name_inherits_documentation(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.OurGithub"]
    settings.SOCIAL_AUTH_OUR_GITHUB_KEY = settings.SOCIAL_AUTH_OUR_GITHUB_SECRET = "value"

    assert uses_pkce(Frontend("body").begin("our-github"))


@pytest.mark.parametrize(
    ("methods", "expected"),
    [(["S256"], True), (["plain", "S256"], True), (["plain"], False), ("S256", False)],
)
def test_auto_follows_discovery(
    methods: Any, expected: bool, openid: OpenIDProvider, settings: Any
) -> None:
    del settings.SOCIAL_AUTH_OIDC_USE_PKCE
    openid.endpoints = {"code_challenge_methods_supported": methods}

    assert uses_pkce(Frontend("body").begin()) is expected


def test_auto_requests_no_discovery_that_begin_does_not_need(
    openid: OpenIDProvider, settings: Any
) -> None:
    del settings.SOCIAL_AUTH_OIDC_USE_PKCE
    settings.SOCIAL_AUTH_OIDC_AUTHORIZATION_URL = "https://id.example.com/authorize"

    assert not uses_pkce(Frontend("body").begin())
    assert openid.paths == []


def test_auto_ignores_discovery_of_linkedin(wire: responses.RequestsMock, settings: Any) -> None:
    configure_backend(settings, "linkedin-openidconnect")
    add_discovery(
        wire, issuer="https://www.linkedin.com", code_challenge_methods_supported=["S256"]
    )

    assert not uses_pkce(begin("linkedin-openidconnect"))


@pytest.mark.parametrize("at_begin", [True, False])
def test_complete_follows_decision_of_begin(
    at_begin: bool, frontend: Frontend, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(PKCE={"oidc": at_begin})
    begun, callback = frontend.authorize(openid)
    configure(PKCE={"oidc": not at_begin})

    response = frontend.complete(begun, callback)

    assert response.status_code == 201, response.data


def test_provider_without_state_gets_verifier(
    refusing: responses.RequestsMock, settings: Any, configure: Configure
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Stateless"]
    settings.SOCIAL_AUTH_STATELESS_KEY = settings.SOCIAL_AUTH_STATELESS_SECRET = "value"
    configure(PKCE=True)
    frontend = Frontend("body")
    begun = frontend.begin("stateless")

    frontend.complete(begun, {"code": "the-code"}, "stateless")

    (request,) = token_requests(refusing)
    assert challenge(request["code_verifier"]) == authorization_params(begun)["code_challenge"]


def test_pkce_does_not_replace_secret_in_checks(settings: Any) -> None:
    del settings.SOCIAL_AUTH_GITHUB_SECRET

    assert [message.id for message in run_checks()] == ["social_endpoints.W002"]


@pytest.mark.parametrize("name", ["oidc", "github"])
def test_flow_cookie_with_verifier_is_below_500_bytes(name: str, openid: OpenIDProvider) -> None:
    (cookie,) = Frontend("cookie").begin(name, redirect_uri=REDIRECT_URI).cookies.values()

    assert len(cookie.key) + len(cookie.value) + 1 < 500
