"""PKCE: which logins use it, and that verifier and challenge belong together."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from social_core.backends.github import GithubOAuth2

from social_endpoints.internal.backends.extensions.pkce import PKCE_SOURCES, WITHOUT_PKCE
from tests.api.protocols.test_backends import (
    ASSOCIATION_ONLY,
    BACKENDS,
    NO_REDIRECT,
    configure_backend,
)
from tests.support.configuration import configure_endpoints
from tests.support.frontend import REDIRECT_URI, Frontend
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db

# They ask for the code with a library, or in a way, of their own, and begin so, too.
WITHOUT = {"shopify"}


class OurGithub(GithubOAuth2):
    """A provider of social-core's under a name of the project's."""

    name = "our-github"


def pkce(settings: Any, value: Any) -> None:
    configure_endpoints(settings, PKCE=value)


def asked(begun: Any) -> dict[str, str]:
    assert begun.status_code == 200, begun.data
    query = parse_qs(urlsplit(begun.data["authorization_url"]).query)
    return {name: values[0] for name, values in query.items()}


def uses_pkce(begun: Any) -> bool:
    # Some of core's backends write it in lower case.
    method = asked(begun).get("code_challenge_method", "").upper()
    return method == "S256" and "code_challenge" in asked(begun)


def challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def with_the_code(wire: responses.RequestsMock) -> list[dict[str, str]]:
    """Return the parameters of the requests that brought the code to the provider."""
    sent = []
    for call in wire.calls:
        body, query = call.request.body or "", urlsplit(str(call.request.url)).query
        text = body.decode() if isinstance(body, bytes) else body
        parameters = json.loads(text) if text.startswith("{") else {}
        for part in (text, query):
            parameters |= {name: values[0] for name, values in parse_qs(part).items()}
        if parameters.get("code") == "the-code":
            sent.append(parameters)
    return sent


@pytest.fixture
def silence(wire: responses.RequestsMock) -> responses.RequestsMock:
    """Answer discovery, and refuse everything else."""
    document = {
        "issuer": "https://id.example.com",
        "authorization_endpoint": "https://id.example.com/authorize",
        "token_endpoint": "https://id.example.com/token",
    }
    wire.get(re.compile(r".*/\.well-known/.*"), json=document)
    for method in ("GET", "POST"):
        wire.add(method, re.compile(".*"), status=400, json={"error": "invalid_grant"})
    return wire


@pytest.mark.parametrize("name", sorted(BACKENDS.keys() - NO_REDIRECT - ASSOCIATION_ONLY - WITHOUT))
def test_every_backend_sends_the_verifier_with_the_code(
    name: str, silence: responses.RequestsMock, settings: Any
) -> None:
    configure_backend(settings, name)
    pkce(settings, True)
    frontend = Frontend("body")
    begun = frontend.begin(name, redirect_uri=settings.SOCIAL_ENDPOINTS["ALLOWED_REDIRECT_URIS"][0])
    query = asked(begun)
    redirect = query.get("redirect_uri", query.get("redirect_url", ""))
    state = {**{n: v[0] for n, v in parse_qs(urlsplit(redirect).query).items()}, **query}
    returned = {n: state[n] for n in ("state", "redirect_state") if n in state}
    extra = {"device_id": "device", "domain_prefix": "shop"}

    frontend.complete(begun, {"code": "the-code", **returned, **extra}, name)

    assert uses_pkce(begun)
    (exchange,) = with_the_code(silence)
    assert challenge(exchange["code_verifier"]) == query["code_challenge"]


@pytest.mark.parametrize("name", sorted(PKCE_SOURCES.keys() & BACKENDS.keys()))
def test_auto_uses_it_where_the_provider_says_so(
    name: str, silence: responses.RequestsMock, settings: Any
) -> None:
    configure_backend(settings, name)
    uri = settings.SOCIAL_ENDPOINTS["ALLOWED_REDIRECT_URIS"][0]

    assert uses_pkce(Frontend("body").begin(name, redirect_uri=uri))


def test_each_source_is_of_a_backend_and_has_a_url() -> None:
    assert PKCE_SOURCES.keys() | WITHOUT_PKCE <= BACKENDS.keys()
    assert all(re.match(r"https://[\w.-]+/\S+$", url) for url in PKCE_SOURCES.values())


@pytest.mark.parametrize("name", ["facebook", "linkedin-oauth2", "github-enterprise", "slack"])
def test_auto_does_not_use_it_elsewhere(
    name: str, silence: responses.RequestsMock, settings: Any
) -> None:
    configure_backend(settings, name)
    uri = settings.SOCIAL_ENDPOINTS["ALLOWED_REDIRECT_URIS"][0]

    assert not uses_pkce(Frontend("body").begin(name, redirect_uri=uri))


@pytest.mark.parametrize(
    ("policy", "by_core", "expected"),
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
def test_which_setting_wins(policy: Any, by_core: Any, expected: bool, settings: Any) -> None:
    pkce(settings, policy)
    if by_core is not None:
        settings.SOCIAL_AUTH_GITHUB_USE_PKCE = by_core

    assert uses_pkce(Frontend("body").begin("github")) is expected


def test_a_provider_of_social_cores_under_another_name(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.protocols.test_proof_key.OurGithub"]
    settings.SOCIAL_AUTH_OUR_GITHUB_KEY = settings.SOCIAL_AUTH_OUR_GITHUB_SECRET = "value"

    assert uses_pkce(Frontend("body").begin("our-github"))


@pytest.mark.parametrize(
    ("methods", "expected"),
    [(["S256"], True), (["plain", "S256"], True), (["plain"], False), ("S256", False)],
)
def test_discovery_decides(
    methods: Any, expected: bool, openid: OpenIDProvider, settings: Any
) -> None:
    del settings.SOCIAL_AUTH_OIDC_USE_PKCE
    openid.endpoints = {"code_challenge_methods_supported": methods}

    assert uses_pkce(Frontend("body").begin()) is expected


def test_discovery_that_is_not_needed_to_begin_is_not_asked(
    openid: OpenIDProvider, settings: Any
) -> None:
    del settings.SOCIAL_AUTH_OIDC_USE_PKCE
    settings.SOCIAL_AUTH_OIDC_AUTHORIZATION_URL = "https://id.example.com/authorize"

    assert not uses_pkce(Frontend("body").begin())
    assert openid.requests == []


def test_discovery_of_one_who_refuses_it_is_not_believed(
    wire: responses.RequestsMock, settings: Any
) -> None:
    configure_backend(settings, "linkedin-openidconnect")
    document = {
        "issuer": "https://www.linkedin.com",
        "authorization_endpoint": "https://www.linkedin.com/authorize",
        "code_challenge_methods_supported": ["S256"],
    }
    wire.get(re.compile(r".*/\.well-known/.*"), json=document)
    uri = settings.SOCIAL_ENDPOINTS["ALLOWED_REDIRECT_URIS"][0]

    assert not uses_pkce(Frontend("body").begin("linkedin-openidconnect", redirect_uri=uri))


@pytest.mark.parametrize("begun_with", [True, False])
def test_a_completion_keeps_to_what_the_begin_has_decided(
    begun_with: bool, frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    pkce(settings, {"oidc": begun_with})
    begun = frontend.begin()
    pkce(settings, {"oidc": not begun_with})

    answer = frontend.complete(begun, openid.authorize(begun.data["authorization_url"]))

    assert answer.status_code == 201, answer.data


def test_where_there_is_no_state(silence: responses.RequestsMock, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.unit.test_flow.Stateless"]
    settings.SOCIAL_AUTH_STATELESS_KEY = settings.SOCIAL_AUTH_STATELESS_SECRET = "value"
    pkce(settings, True)
    frontend = Frontend("body")
    begun = frontend.begin("stateless")

    frontend.complete(begun, {"code": "the-code"}, "stateless")

    (exchange,) = with_the_code(silence)
    assert challenge(exchange["code_verifier"]) == asked(begun)["code_challenge"]


def test_a_project_is_still_told_of_a_missing_secret(settings: Any) -> None:
    from django.core.checks import run_checks

    del settings.SOCIAL_AUTH_GITHUB_SECRET

    assert [message.id for message in run_checks()] == ["social_endpoints.W002"]


def test_the_flow_stays_small(openid: OpenIDProvider) -> None:
    for name in ("oidc", "github"):
        (cookie,) = Frontend("cookie").begin(name, redirect_uri=REDIRECT_URI).cookies.values()
        assert len(cookie.key) + len(cookie.value) + 1 < 500
