"""Begin with every OAuth 2 backend of social-core, and with backends of the project."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import responses
from social_core.backends.base import BaseAuth
from social_core.backends.github import GithubOAuth2
from social_core.exceptions import AuthInputError
from social_core.utils import setting_name

from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, error
from tests.support.social_core import (
    ASSOCIATION_ONLY,
    BACKENDS,
    NO_REDIRECT,
    REDIRECT_BACKENDS,
    UNUSUAL_REDIRECT_URI,
    add_discovery,
    configure_backend,
)

pytestmark = pytest.mark.django_db
HERE = "tests.api.protocols.test_backends"

QUOTED_SEPARATORS = [
    name for name in REDIRECT_BACKENDS if BACKENDS[name].SCOPE_SEPARATOR in {"+", "%20"}
]


def begin(name: str, **query: str) -> Any:
    return Frontend("cookie").begin(name, redirect_uri=UNUSUAL_REDIRECT_URI, **query)


def test_most_backends_are_found() -> None:
    assert len(BACKENDS) > 150


@pytest.mark.parametrize("name", REDIRECT_BACKENDS)
def test_begin_sends_exact_redirect_uri_without_a_query(
    name: str, wire: responses.RequestsMock, settings: Any, django_assert_num_queries: Any
) -> None:
    add_discovery(wire)
    configure_backend(settings, name)

    with django_assert_num_queries(0):
        begun = begin(name, **({"shop": "acme"} if name == "shopify" else {}))

    assert begun.status_code == 200, begun.data
    url = urlsplit(begun.data["authorization_url"])
    assert url.scheme in {"http", "https"}
    query = parse_qs(url.query, strict_parsing=True)
    sent = query.get("redirect_uri") or query["redirect_url"]
    if BACKENDS[name].STATE_PARAMETER:
        assert sent == [UNUSUAL_REDIRECT_URI]
        assert len(query["state"]) == 1
    else:
        assert sent[0].startswith(UNUSUAL_REDIRECT_URI + "&redirect_state=")
    assert len(str(begun.cookies)) < 700


@pytest.mark.parametrize("name", QUOTED_SEPARATORS)
def test_scopes_are_separated_by_a_space_if_social_core_quotes_it(
    name: str, wire: responses.RequestsMock, settings: Any
) -> None:
    add_discovery(wire)
    configure_backend(settings, name)
    setattr(settings, setting_name(name, "SCOPE"), ["name", "email"])

    scopes = authorization_params(begin(name))["scope"].split(" ")

    assert scopes[:2] == ["name", "email"]


@pytest.mark.parametrize("name", sorted(NO_REDIRECT & BACKENDS.keys()))
def test_begin_of_backend_without_redirect_is_404(name: str, settings: Any) -> None:
    configure_backend(settings, name)

    assert begin(name).status_code == 404


@pytest.mark.parametrize("name", sorted(ASSOCIATION_ONLY))
def test_begin_of_association_only_backend_is_rejected(name: str, settings: Any) -> None:
    configure_backend(settings, name)

    begun = begin(name)

    assert error(begun) == (400, "authentication_disallowed")
    assert begun.data["error_recovery"] == "use_existing_account"


# --- Backends of the project ------------------------------------------------------------


class Signed(GithubOAuth2):
    name = "signed"

    def auth_url(self) -> str:
        url = super().auth_url()
        return f"{url}&{urlencode({'signature_of': url})}"


class Registered(GithubOAuth2):
    name = "registered"

    def get_redirect_uri(self, state: str | None = None) -> str:
        return f"https://proxy.example.com/?to={super().get_redirect_uri(state)}"


def test_auth_url_of_project_sees_final_url(frontend: Frontend, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.Signed"]
    settings.SOCIAL_AUTH_SIGNED_KEY = settings.SOCIAL_AUTH_SIGNED_SECRET = "value"

    signed = authorization_params(frontend.begin("signed"))["signature_of"]

    assert parse_qs(urlsplit(signed).query)["redirect_uri"] == [REDIRECT_URI]


def test_redirect_uri_of_project_is_sent(frontend: Frontend, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.Registered"]
    settings.SOCIAL_AUTH_REGISTERED_KEY = settings.SOCIAL_AUTH_REGISTERED_SECRET = "value"

    sent = authorization_params(frontend.begin("registered"))["redirect_uri"]

    assert sent == f"https://proxy.example.com/?to={REDIRECT_URI}"


class Unnamed(BaseAuth):
    name = "unnamed"

    def auth_url(self) -> str:
        raise AuthInputError(self, parameter=["shop"], stage="begin")


class WithoutStage(BaseAuth):
    name = "withoutstage"

    def auth_url(self) -> str:
        raise AuthInputError(self)


def test_error_without_a_stage_has_that_of_the_request(frontend: Frontend, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.WithoutStage"]

    begun = frontend.begin("withoutstage")

    assert error(begun) == (400, "invalid_parameter")
    assert begun.data["error_stage"] == "begin"


class Raising(BaseAuth):
    name = "raising"

    def auth_url(self) -> str:
        raise ValueError


class RelativeUrl(BaseAuth):
    name = "relative"

    def auth_url(self) -> str:
        return "/login/form"


class InvalidUrl(BaseAuth):
    name = "invalid"

    def auth_url(self) -> str:
        return "http://["


@pytest.mark.parametrize(
    ("backend", "query", "code"),
    [
        ("Unnamed", {}, "invalid_parameter"),
        ("Raising", {"openid_identifier": "x"}, "invalid_parameter"),
        ("Raising", {}, "unknown_error"),
    ],
)
def test_begin_of_failing_backend_is_rejected(
    backend: str, query: dict[str, str], code: str, frontend: Frontend, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{HERE}.{backend}"]

    begun = frontend.begin(backend.lower(), **query)

    assert error(begun) == (400, code)
    assert set(query) <= set(begun.data)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("social_core.backends.vk.VKontakteOpenAPI", "vk-openapi"),
        ("social_core.backends.odnoklassniki.OdnoklassnikiApp", "odnoklassniki-app"),
        (f"{HERE}.RelativeUrl", "relative"),
        (f"{HERE}.InvalidUrl", "invalid"),
    ],
)
def test_begin_without_web_url_is_404(path: str, name: str, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [path]

    assert Frontend("body").begin(name).status_code == 404


def test_relative_authorization_url_in_settings_is_500(settings: Any) -> None:
    configure_backend(settings, "github")
    settings.SOCIAL_AUTH_GITHUB_AUTHORIZATION_URL = "/authorize"

    assert error(begin("github")) == (500, "invalid_setting")


@pytest.mark.parametrize("lifetime", ["soon", 0, -1, True, 1.5])
def test_invalid_state_lifetime_is_500(lifetime: Any, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.discourse.DiscourseAuth"]
    settings.SOCIAL_AUTH_DISCOURSE_SECRET = "secret"
    settings.SOCIAL_AUTH_DISCOURSE_SERVER_URL = "https://discourse.example.com"
    settings.SOCIAL_AUTH_DISCOURSE_STATE_LIFETIME = lifetime

    assert error(Frontend("body").begin("discourse")) == (500, "invalid_setting")


# --- Responses of an unexpected form ----------------------------------------------------

_KEYS = ["id", "sub", "uid", "login", "username", "email", "emails", "name", "user", "data"]
_KEYS += ["profile", "account", "info", "attributes", "person", "first_name", "expires_in"]


@pytest.mark.parametrize("name", REDIRECT_BACKENDS)
def test_response_of_an_unexpected_form_is_not_a_500(
    name: str, settings: Any, wire: responses.RequestsMock
) -> None:
    add_discovery(wire)
    configure_backend(settings, name)
    setattr(settings, setting_name(name, "API_URL"), "https://id.example.com")
    query = {"shop": "acme"} if name == "shopify" else {}
    for value in (None, 5, ["a"], {"id": []}, ""):
        body = {"access_token": "token", **dict.fromkeys(_KEYS, value)}
        for method in ("GET", "POST"):
            wire.upsert(method, re.compile(".*"), json=body)
        frontend = Frontend("cookie")
        add_discovery(wire)
        begun = frontend.begin(name, redirect_uri=UNUSUAL_REDIRECT_URI, **query)
        sent = authorization_params(begun)
        state = sent.get("state") or sent["redirect_uri"].partition("redirect_state=")[2]

        response = frontend.complete(
            begun, {"code": "code", "state": state, "redirect_state": state}, name
        )

        assert response.status_code in {201, 400}, (value, response.data)


# --- Redirects of a token endpoint ------------------------------------------------------


@pytest.mark.parametrize("status", [302, 307, 308])
@pytest.mark.parametrize(
    ("location", "is_same_origin"),
    [
        ("https://github.com/login/oauth/elsewhere", True),
        ("/login/oauth/elsewhere", True),
        ("https://evil.example.com/login/oauth/elsewhere", False),
        ("http://github.com/login/oauth/elsewhere", False),
        ("https://github.com:444/login/oauth/elsewhere", False),
    ],
)
def test_secret_is_not_posted_to_another_origin(
    status: int,
    location: str,
    is_same_origin: bool,
    frontend: Frontend,
    configure: Configure,
    wire: responses.RequestsMock,
) -> None:
    token_url = "https://github.com/login/oauth/access_token"
    wire.post(token_url, status=status, headers={"Location": location})
    elsewhere = re.compile(r"https?://[^/]+/login/oauth/elsewhere")
    posted = wire.post(elsewhere, json={"error": "invalid_grant"})
    requested = wire.get(elsewhere, json={"error": "invalid_grant"})
    begun = frontend.begin("github")
    callback = {"code": "code", "state": authorization_params(begun)["state"]}

    response = frontend.complete(begun, callback, "github")

    assert response.status_code == 400
    if status == 302:  # The POST becomes a GET without a body.
        assert (posted.call_count, requested.calls[0].request.body) == (0, None)
    else:
        assert (posted.call_count, requested.call_count) == (is_same_origin, 0)
