"""The page about a backend of one's own, and the page about the handoff: their code works."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
import pytest
import responses
from django.contrib.auth import get_user_model
from social_django.models import UserSocialAuth

from social_endpoints.testing import FakeProvider, FakeProviders, ProviderResponse
from tests.support.checks import ids
from tests.support.configuration import Configure
from tests.support.fakes import sign_in
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params, error
from tests.support.handoff import post_to_callback
from tests.support.keys import private_pem, signing_key
from tests.support.native import post_tokens
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import run_block

pytestmark = pytest.mark.django_db
User = get_user_model()

PAGE = "backend/own_backend.rst"
SITE = "https://id.example.net"
PROFILE = {"id": "42", "login": "ada", "email": "ada@example.com", "display_name": "Ada Lovelace"}


def apply(settings: Any, configure: Configure, text: str) -> None:
    """Apply a block of the page."""
    values = run_block(PAGE, text)
    configure(**values.get("SOCIAL_ENDPOINTS", {}))
    for name, value in values.items():
        if name.startswith(("SOCIAL_AUTH_", "AUTHENTICATION_")):
            setattr(settings, name, value)


@pytest.fixture(autouse=True)
def project(settings: Any, configure: Configure) -> None:
    apply(settings, configure, "AUTHENTICATION_BACKENDS")


@pytest.fixture
def frontend() -> Frontend:
    """Return a frontend. The tests of the protocols use each transport."""
    return Frontend()


@pytest.fixture
def example(social_provider: FakeProviders) -> FakeProvider:
    """The provider of the page."""
    fake = social_provider("example")
    fake.token_fields["refresh_token"] = "refresh"
    fake.replace(f"{SITE}/api/me", ProviderResponse(content=PROFILE))
    return fake


def test_login_with_the_backend_of_the_page(example: FakeProvider, frontend: Frontend) -> None:
    begun = frontend.begin("example")
    params = authorization_params(begun)

    response = frontend.complete(begun, example.authorize(params).callback_params, "example")

    assert params["redirect_uri"] == REDIRECT_URI
    assert params["scope"] == "profile email"
    assert params["code_challenge_method"] == "S256"
    assert response.status_code == 201, response.data
    social = UserSocialAuth.objects.get()
    user = social.user
    assert (social.uid, user.username, user.email) == ("42", "ada", "ada@example.com")
    assert user.get_full_name() == "Ada Lovelace"
    assert social.extra_data["refresh_token"] == "refresh"
    assert ids() == set()


def test_login_without_an_id_is_refused(example: FakeProvider, frontend: Frontend) -> None:
    example.replace(f"{SITE}/api/me", ProviderResponse(content={"login": "ada"}))

    assert error(sign_in(example, frontend, "example")) == (400, "missing_claim")


def test_openid_connect_needs_four_lines(
    settings: Any, wire: responses.RequestsMock, frontend: Frontend, tmp_path: Path
) -> None:
    names = run_block(PAGE, "class Corporate")
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Corporate"]
    globals()["Corporate"] = names["Corporate"]
    settings.SOCIAL_AUTH_CORPORATE_KEY = settings.SOCIAL_AUTH_CORPORATE_SECRET = "value"
    provider = OpenIDProvider(wire, SITE)
    begun = frontend.begin("corporate")
    callback = provider.authorize(begun.data["authorization_url"])

    assert frontend.complete(begun, callback, "corporate").status_code == 201


def test_frontend_changes_only_the_listed_parameter(settings: Any, configure: Configure) -> None:
    apply(settings, configure, "AUTH_EXTRA_ARGUMENTS =")
    apply(settings, configure, "OVERRIDE_ALLOWLIST")

    params = authorization_params(
        Frontend().begin("example", organization="globex", prompt="none", other="x")
    )

    assert (params["organization"], params["prompt"]) == ("globex", "login")
    assert "other" not in params


def test_parameter_that_code_computes(settings: Any) -> None:
    globals()["LocalizedExample"] = run_block(PAGE, "LocalizedExample")["LocalizedExample"]
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.LocalizedExample"]

    params = authorization_params(Frontend().begin("example"))

    assert params["ui_locales"] == "en-us"
    assert params["state"]


def configure_requests(settings: Any, name: str) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"docs.recipes.own_requests.{name}"]
    prefix = "SOCIAL_AUTH_PUSHED_" if name == "PushedRequests" else "SOCIAL_AUTH_SIGNED_"
    for setting, value in {"KEY": "id", "SECRET": "secret", "OIDC_ENDPOINT": SITE}.items():
        setattr(settings, prefix + setting, value)
    settings.SOCIAL_AUTH_SIGNED_REQUEST_KEY = private_pem(signing_key())


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_request_is_pushed_once(
    mode: str, settings: Any, wire: responses.RequestsMock, frontend: Frontend
) -> None:
    configure_requests(settings, "PushedRequests")
    settings.SOCIAL_AUTH_PUSHED_AUTH_EXTRA_ARGUMENTS = {"response_mode": mode}
    provider = OpenIDProvider(wire, SITE)
    provider.endpoints = {"pushed_authorization_request_endpoint": f"{SITE}/par"}
    pushed: list[Any] = []

    def push(request: Any) -> tuple[int, dict[str, str], str]:
        pushed.append(request)
        return 201, {}, json.dumps({"request_uri": "urn:example:1", "expires_in": 60})

    wire.add_callback("POST", f"{SITE}/par", callback=push)

    begun = frontend.begin("pushed")

    assert authorization_params(begun) == {"client_id": "id", "request_uri": "urn:example:1"}
    (request,) = pushed
    assert request.headers["Authorization"].startswith("Basic ")
    sent = {name: values[0] for name, values in parse_qs(request.body).items()}
    assert sent.keys() >= {"state", "nonce", "redirect_uri", "scope"}
    if mode == "query":
        callback = provider.authorize(f"{SITE}/authorize?{urlencode(sent)}")
        assert frontend.complete(begun, callback, "pushed").status_code == 201
    else:
        assert sent["redirect_uri"] == "https://testserver/auth/o/pushed/callback/"


def test_request_is_a_signed_token(
    settings: Any, wire: responses.RequestsMock, frontend: Frontend
) -> None:
    configure_requests(settings, "SignedRequests")
    provider = OpenIDProvider(wire, SITE)

    begun = frontend.begin("signed")

    params = authorization_params(begun)
    assert params.keys() == {"client_id", "request"}
    key = signing_key().public_key()
    claims = jwt.decode(params["request"], key, ["RS256"], audience=SITE, issuer="id")
    assert claims["redirect_uri"] == REDIRECT_URI
    request = {name: claims[name] for name in ("client_id", "redirect_uri", "state", "nonce")}
    callback = provider.authorize(f"{SITE}/authorize?{urlencode(request)}")
    assert frontend.complete(begun, callback, "signed").status_code == 201


def test_verifier_of_the_page(example: FakeProvider, settings: Any, configure: Configure) -> None:
    apply(settings, configure, "NATIVE_VERIFIERS")
    token = {"client_id": "client id", "user_id": 42}
    example.replace(f"{SITE}/api/token", ProviderResponse(content=token))

    assert post_tokens("example", access_token="token").status_code == 201
    other = ProviderResponse(content={**token, "client_id": "other"})
    example.replace(f"{SITE}/api/token", other)

    assert error(post_tokens("example", access_token="token")) == (400, "invalid_claim")
    assert example.requests[0].header("Authorization").startswith("Basic ")
    assert ids() == set()


def test_test_of_the_page_passes(client: Any, social_login: Any) -> None:
    run_block(PAGE, "social_login")["test_sign_in_with_example"](client, social_login)


# --- The handoff ------------------------------------------------------------------------


def test_error_page_of_the_project(settings: Any, tmp_path: Path) -> None:
    module = ModuleType("project_urls")
    module.__dict__.update(run_block("backend/handoff.rst", "urlpatterns"))
    settings.ROOT_URLCONF = module
    (tmp_path / "sign_in_failed.html").write_text("<p>Sorry: {{ error_id }}</p>")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.AUTHENTICATION_BACKENDS = [
        "social_core.backends.open_id_connect.OpenIdConnectAuth",
    ]

    response = post_to_callback({"state": "none"})

    assert response.status_code == 400
    assert response.content.startswith(b"<p>Sorry: ")


def test_code_is_in_no_url_with_a_posted_response(
    settings: Any, openid: OpenIDProvider, frontend: Frontend
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["social_core.backends.open_id_connect.OpenIdConnectAuth"]
    values = run_block("backend/handoff.rst", "response_mode")
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = values["SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS"]
    begun = frontend.begin()
    posted = openid.authorize(begun.data["authorization_url"])

    redirect = post_to_callback(posted)

    callback = dict(parse_qsl(urlsplit(redirect.headers["Location"]).query))
    assert redirect.headers["Location"].startswith(f"{REDIRECT_URI}?")
    assert callback["code"] != posted["code"]
    assert frontend.complete(begun, callback).status_code == 201
