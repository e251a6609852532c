"""An OAuth 1.0a provider made with oauthlib, which checks signatures, nonces and verifiers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from oauthlib import oauth1
from oauthlib.common import add_params_to_uri

from tests.support.servers.addresses import CLIENT_ID, CLIENT_SECRET, addresses
from tests.support.servers.providers.pages import consent_page, is_allowed
from tests.support.servers.toolkit import demo


@dataclass
class RequestToken:
    secret: str
    callback: str
    verifier: str = ""
    user: str = ""


class Storage(oauth1.RequestValidator):
    """The provider's storage, through the methods that oauthlib calls."""

    enforce_ssl = False

    def __init__(self) -> None:
        super().__init__()
        self.request_tokens: dict[str, RequestToken] = {}
        self.access_tokens: dict[str, tuple[str, str]] = {}
        self.nonces: set[tuple[str, ...]] = set()

    # For unknown clients and tokens, oauthlib checks the signature with these, so that the
    # response time reveals nothing.
    dummy_client = "noClientOfThisProvider"
    dummy_request_token = "noRequestTokenOfThisProvider"
    dummy_access_token = "noAccessTokenOfThisProvider"

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == CLIENT_ID

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return CLIENT_SECRET if client_key == CLIENT_ID else "unknown"

    def validate_timestamp_and_nonce(
        self, client_key: str, timestamp: str, nonce: str, request: Any, **tokens: str | None
    ) -> bool:
        used = (client_key, timestamp, nonce, *(str(token) for token in tokens.values()))
        is_new = used not in self.nonces
        self.nonces.add(used)
        return is_new

    def validate_redirect_uri(self, client_key: str, redirect_uri: str, request: Any) -> bool:
        # The backend appends the login's state.
        return redirect_uri.partition("?")[0] in addresses.redirect_uris

    def get_default_realms(self, client_key: str, request: Any) -> list[str]:
        return []

    def get_realms(self, token: str, request: Any) -> list[str]:
        return []

    def validate_requested_realms(self, client_key: str, realms: Any, request: Any) -> bool:
        return not realms

    def validate_realms(
        self, client_key: str, token: str, request: Any, uri: Any = None, realms: Any = None
    ) -> bool:
        return not realms

    def verify_realms(self, token: str, realms: Any, request: Any) -> bool:
        return not realms

    def save_request_token(self, token: dict[str, str], request: Any) -> None:
        self.request_tokens[token["oauth_token"]] = RequestToken(
            token["oauth_token_secret"], request.redirect_uri
        )

    def validate_request_token(self, client_key: str, token: str, request: Any) -> bool:
        return token in self.request_tokens

    def verify_request_token(self, token: str, request: Any) -> bool:
        return token in self.request_tokens

    def get_request_token_secret(self, client_key: str, token: str, request: Any) -> str:
        request_token = self.request_tokens.get(token)
        return request_token.secret if request_token else "unknown"

    def get_redirect_uri(self, token: str, request: Any) -> str:
        return self.request_tokens[token].callback

    def save_verifier(self, token: str, verifier: dict[str, str], request: Any) -> None:
        self.request_tokens[token].verifier = verifier["oauth_verifier"]

    def validate_verifier(self, client_key: str, token: str, verifier: str, request: Any) -> bool:
        return bool(verifier) and self.request_tokens[token].verifier == verifier

    def save_access_token(self, token: dict[str, str], request: Any) -> None:
        user = self.request_tokens[request.resource_owner_key].user
        self.access_tokens[token["oauth_token"]] = (token["oauth_token_secret"], user)

    def invalidate_request_token(self, client_key: str, request_token: str, request: Any) -> None:
        del self.request_tokens[request_token]

    def validate_access_token(self, client_key: str, token: str, request: Any) -> bool:
        return token in self.access_tokens

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        secret, _ = self.access_tokens.get(token, ("unknown", ""))
        return secret


storage = Storage()
provider = oauth1.WebApplicationServer(storage)


def request_token(request: HttpRequest) -> HttpResponse:
    return to_django(provider.create_request_token_response(*to_oauthlib(request)))


def access_token(request: HttpRequest) -> HttpResponse:
    return to_django(provider.create_access_token_response(*to_oauthlib(request)))


def authorize(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return consent_page("OAuth 1.0a provider", request.GET.dict())
    token = storage.request_tokens[request.POST["oauth_token"]]
    if not is_allowed(request):
        error = {"oauth_token": request.POST["oauth_token"], "oauth_problem": "user_refused"}
        return HttpResponseRedirect(add_params_to_uri(token.callback, error.items()))
    token.user = request.POST["user"]
    return to_django(provider.create_authorization_response(request.build_absolute_uri()))


def profile(request: HttpRequest) -> HttpResponse:
    is_valid, oauth_request = provider.validate_protected_resource_request(*to_oauthlib(request))
    if not is_valid:
        return HttpResponse(status=401)
    _, user = storage.access_tokens[oauth_request.resource_owner_key]
    body = {"id": f"{user}-1", "username": user, "email": demo.EMAIL}
    return HttpResponse(json.dumps(body), content_type="application/json")


def to_oauthlib(request: HttpRequest) -> tuple[str, str, str, dict[str, str]]:
    uri = request.build_absolute_uri()
    return uri, str(request.method), request.body.decode(), dict(request.headers)


def to_django(response: tuple[dict[str, str], str | None, int]) -> HttpResponse:
    headers, body, status = response
    return HttpResponse(body or "", status=status, headers=headers)


urlpatterns = [
    path("request_token", request_token),
    path("authorize", authorize),
    path("access_token", access_token),
    path("profile", profile),
]
