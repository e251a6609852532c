"""Backends of a project that process the authorization URL: PAR, JAR and a signature."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
import pytest
import responses
from django.contrib.auth import get_user_model
from social_core.backends.github import GithubOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth

from tests.support.accounts import logged_in
from tests.support.configuration import Configure
from tests.support.frontend import REDIRECT_URI, Frontend, authorization_params
from tests.support.handoff import handoff_params, post_to_callback
from tests.support.openid_provider import ISSUER, OpenIDProvider

pytestmark = pytest.mark.django_db

SECRET = "a secret that the project shares with its provider"


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def signature_of(url: str) -> str:
    return hmac.new(SECRET.encode(), url.encode(), hashlib.sha256).hexdigest()


class Pushed(OpenIdConnectAuth):
    """Pushes the authorization request (RFC 9126)."""

    def auth_url(self) -> str:
        request = query_of(super().auth_url())
        pushed = self.get_json(f"{ISSUER}/par", method="POST", data=request)
        parameters = {"client_id": request["client_id"], "request_uri": pushed["request_uri"]}
        return f"{ISSUER}/authorize?{urlencode(parameters)}"


class PushedAlone(OpenIdConnectAuth):
    """Pushes the authorization request without the URL that social-core makes."""

    def auth_url(self) -> str:
        request = {**self.auth_params(self.get_or_create_state()), **self.get_scope_argument()}
        request.update(self.auth_extra_arguments())
        pushed = self.get_json(f"{ISSUER}/par", method="POST", data=request)
        parameters = {"client_id": request["client_id"], "request_uri": pushed["request_uri"]}
        return f"{ISSUER}/authorize?{urlencode(parameters)}"


class PushedPost(Pushed):
    """Requests a response by POST itself."""

    def auth_params(self, state: str | None = None) -> Any:
        return {**super().auth_params(state), "response_mode": "form_post"}


class Appended(OpenIdConnectAuth):
    """Requests a response by POST in the finished URL."""

    def auth_url(self) -> str:
        return f"{super().auth_url()}&response_mode=form_post"


class Signed(OpenIdConnectAuth):
    """Sends the authorization request as a JWT (RFC 9101)."""

    def auth_url(self) -> str:
        request = query_of(super().auth_url())
        signed = jwt.encode(request, SECRET)
        parameters = {"client_id": request["client_id"], "request": signed}
        return f"{ISSUER}/authorize?{urlencode(parameters)}"


class SignedUrl(GithubOAuth2):
    """Signs the authorization URL."""

    def auth_url(self) -> str:
        url = super().auth_url()
        return (
            f"{url}&signature={hmac.new(SECRET.encode(), url.encode(), hashlib.sha256).hexdigest()}"
        )


class RequestObjects:
    """A provider that receives authorization requests in other ways than in the URL."""

    def __init__(self, wire: responses.RequestsMock) -> None:
        self.pushed: list[dict[str, str]] = []
        wire.add_callback("POST", f"{ISSUER}/par", callback=self._push)

    def _push(self, request: Any) -> tuple[int, dict[str, str], str]:
        self.pushed.append({name: values[0] for name, values in parse_qs(request.body).items()})
        return 201, {}, json.dumps({"request_uri": f"urn:{len(self.pushed)}", "expires_in": 60})

    def request(self, url: str) -> dict[str, str]:
        """Return the parameters of the authorization request."""
        params = query_of(url)
        if "request" in params:
            claims: dict[str, str] = jwt.decode(params["request"], SECRET, algorithms=["HS256"])
            return claims
        return self.pushed[int(params["request_uri"].removeprefix("urn:")) - 1]


@pytest.fixture
def provider(wire: responses.RequestsMock) -> RequestObjects:
    return RequestObjects(wire)


@pytest.mark.parametrize("backend", ["Pushed", "Signed"])
def test_request_contains_the_redirect_uri_the_state_and_the_challenge(
    backend: str,
    frontend: Frontend,
    openid: OpenIDProvider,
    provider: RequestObjects,
    settings: Any,
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.{backend}"]

    begun = frontend.begin()

    request = provider.request(begun.data["authorization_url"])
    assert request["redirect_uri"] == REDIRECT_URI
    assert request.keys() >= {"state", "nonce", "code_challenge", "scope"}
    callback = openid.authorize(f"{ISSUER}/authorize?{urlencode(request)}")
    completed = frontend.complete(begun, callback)
    assert completed.status_code == 201, completed.data
    assert len(provider.pushed) == (backend == "Pushed")


@pytest.mark.parametrize("backend", ["Pushed", "PushedAlone", "PushedPost", "Signed"])
def test_request_of_a_login_with_a_handoff_is_made_once(
    backend: str,
    frontend: Frontend,
    openid: OpenIDProvider,
    provider: RequestObjects,
    settings: Any,
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.{backend}"]
    if backend != "PushedPost":
        settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}

    begun = frontend.begin()

    request = provider.request(begun.data["authorization_url"])
    assert request["redirect_uri"] == "https://testserver/auth/o/oidc/callback/"
    assert len(provider.pushed) == (backend != "Signed")
    posted = openid.authorize(f"{ISSUER}/authorize?{urlencode(request)}")
    handed_off = post_to_callback(posted)
    completed = frontend.complete(begun, handoff_params(handed_off))
    assert completed.status_code == 201, completed.data


@pytest.mark.parametrize("extra", [{}, {"scope": "openid email"}])
@pytest.mark.parametrize("backend", ["Pushed", "PushedAlone", "Signed"])
def test_scopes_of_a_connect_are_in_the_request_and_stored(
    extra: dict[str, str],
    backend: str,
    openid: OpenIDProvider,
    provider: RequestObjects,
    settings: Any,
    configure: Configure,
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.{backend}"]
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = extra
    configure(CONNECT_SCOPES={"oidc": ["mail"]})
    grace = get_user_model().objects.create(username="grace")
    frontend = Frontend(client=logged_in(grace), below="connect/")

    begun = frontend.begin(scope="mail")

    request = provider.request(begun.data["authorization_url"])
    callback = openid.authorize(f"{ISSUER}/authorize?{urlencode(request)}")
    completed = frontend.complete(begun, callback)
    assert completed.data["scopes"] == request["scope"].split()
    assert "mail" in completed.data["scopes"]


def test_signature_covers_the_redirect_uri_and_the_state(frontend: Frontend, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.SignedUrl"]

    begun = frontend.begin("github")

    url, _, signature = begun.data["authorization_url"].rpartition("&signature=")
    assert signature == signature_of(url)
    params = authorization_params(begun)
    assert (params["redirect_uri"], bool(params["state"])) == (REDIRECT_URI, True)


def test_response_mode_that_a_backend_adds_to_the_url_is_respected(
    frontend: Frontend, openid: OpenIDProvider, settings: Any
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Appended"]

    params = authorization_params(frontend.begin())

    assert params["redirect_uri"] == "https://testserver/auth/o/oidc/callback/"
