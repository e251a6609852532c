"""Providers that verify access tokens, over a faked wire."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from social_core.backends.oauth import BaseOAuth2

from tests.support.native import post_tokens
from tests.support.openid_provider import ISSUER, OpenIDProvider

TOKEN = "token-of-ada"
SECRETS = ("our-github-secret", "our-client-secret", "our-google-secret", "our-facebook-secret")

TOKENINFO = "https://oauth2.googleapis.com/tokeninfo"
DEBUG_TOKEN = "https://graph.facebook.com/v24.0/debug_token"
CHECK = "https://api.github.com/applications/our-github-id/token"
INTROSPECT = f"{ISSUER}/introspect"


@dataclass
class TokenProvider:
    """A provider with one user and one access token. Tests change its attributes.

    :param verify: method and URL of the verifier's request.
    :param response: the response to it; a string is sent as it is.
    :param of_others: claims of a token that was issued to another application.
    :param expired: claims of an expired token.
    :param required: claims that the response must have.
    :param lifetime: seconds that social-core's backend stores after a native sign-in.
    :param granted: scopes that the verifier reports.
    :param profile: the response to the backend's request for the profile.
    :param token_params: parameters that the token endpoint adds to its response.
    :param asked: the verifier's requests.
    """

    name: str
    path: str
    verify: tuple[str, str]
    response: Any
    of_others: dict[str, Any]
    expired: dict[str, Any]
    required: tuple[str, ...]
    uid: str
    lifetime: int | None
    granted: tuple[str, ...]
    profile: dict[str, Any] = field(default_factory=dict)
    profile_url: str = ""
    token_url: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    token_params: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)

    @property
    def claims(self) -> dict[str, Any]:
        claims: dict[str, Any] = self.response.get("data", self.response)
        return claims

    def sign_in(self, token: str = TOKEN) -> Any:
        return post_tokens(self.name, access_token=token)

    def install(self, openid: OpenIDProvider) -> None:
        wire = openid.wire
        openid.foreign_tokens.add(TOKEN)
        wire.add_callback(*self.verify, callback=self._verify)
        if self.name == "oidc":
            openid.endpoints["introspection_endpoint"] = INTROSPECT
            self.profile = openid.userinfo
            return
        wire.add_callback("GET", self.profile_url, callback=self._profile)
        for method in ("GET", "POST"):
            wire.add_callback(method, self.token_url, callback=self._token)
        if self.name == "google-openidconnect":
            google = "https://accounts.google.com"
            document = {
                "issuer": google,
                "authorization_endpoint": f"{google}/o/oauth2/v2/auth",
                "token_endpoint": self.token_url,
                "jwks_uri": f"{ISSUER}/jwks",
            }
            wire.add("GET", f"{google}/.well-known/openid-configuration", json=document)

    def _verify(self, request: Any) -> tuple[int, dict[str, str], str]:
        self.asked.append(request)
        body = self.response if isinstance(self.response, str) else json.dumps(self.response)
        return self.status, {"Content-Type": "application/json", **self.headers}, body

    def _profile(self, request: Any) -> tuple[int, dict[str, str], str]:
        return 200, {"Content-Type": "application/json"}, json.dumps(self.profile)

    def _token(self, request: Any) -> tuple[int, dict[str, str], str]:
        tokens = {"access_token": "token-by-redirect", "token_type": "bearer", **self.token_params}
        return 200, {"Content-Type": "application/json"}, json.dumps(tokens)


def google(name: str, path: str, profile_url: str) -> TokenProvider:
    prefix = f"SOCIAL_AUTH_{name.upper().replace('-', '_')}"
    return TokenProvider(
        name,
        f"social_core.backends.{path}",
        ("POST", TOKENINFO),
        response={
            "azp": "our-google-id",
            "aud": "our-google-id",
            "sub": "1234567890",
            "scope": "openid email",
            "exp": str(int(time.time()) + 3000),
            "expires_in": "3000",
            "email": "ada@example.com",
            "email_verified": "true",
            "access_type": "online",
        },
        of_others={"aud": "their-google-id", "azp": "their-google-id"},
        expired={"expires_in": "0"},
        required=("aud", "sub"),
        uid="1234567890",
        lifetime=3000,
        granted=("openid", "email"),
        profile={
            "sub": "1234567890",
            "email": "ada@example.com",
            "email_verified": True,
            "given_name": "Ada",
        },
        profile_url=profile_url,
        token_url="https://accounts.google.com/o/oauth2/token",
        settings={
            f"{prefix}_KEY": "our-google-id",
            f"{prefix}_SECRET": "our-google-secret",
            f"{prefix}_USE_UNIQUE_USER_ID": "yes",
        },
        token_params={"refresh_token": "refresh-by-redirect", "expires_in": 3599},
    )


def facebook() -> TokenProvider:
    now = int(time.time())
    return TokenProvider(
        "facebook",
        "social_core.backends.facebook.FacebookOAuth2",
        ("GET", DEBUG_TOKEN),
        response={
            "data": {
                "app_id": "our-facebook-id",
                "type": "USER",
                "application": "Ours",
                "data_access_expires_at": now + 9000,
                "expires_at": now + 5000,
                "is_valid": True,
                "scopes": ["email", "public_profile"],
                "user_id": "10215241773831025",
            }
        },
        of_others={"app_id": "their-facebook-id"},
        expired={"expires_at": now - 5},
        required=("app_id", "is_valid", "type", "user_id"),
        uid="10215241773831025",
        lifetime=5000,
        granted=("email", "public_profile"),
        profile={"id": "10215241773831025", "name": "Ada Lovelace", "email": "ada@example.com"},
        profile_url="https://graph.facebook.com/v24.0/me",
        token_url="https://graph.facebook.com/v24.0/oauth/access_token",
        settings={
            "SOCIAL_AUTH_FACEBOOK_KEY": "our-facebook-id",
            "SOCIAL_AUTH_FACEBOOK_SECRET": "our-facebook-secret",
        },
        token_params={"expires_in": 5183999},
    )


def github() -> TokenProvider:
    return TokenProvider(
        "github",
        "social_core.backends.github.GithubOAuth2",
        ("POST", CHECK),
        response={
            "id": 1,
            "app": {"client_id": "our-github-id", "name": "Ours", "url": "https://example.com"},
            "user": {"login": "ada", "id": 4711},
            "scopes": ["email", "gist"],
            "expires_at": None,
        },
        of_others={"app": {"client_id": "their-github-id"}},
        expired={},
        required=("app", "user"),
        uid="4711",
        lifetime=None,
        granted=("email", "gist"),
        profile={"id": 4711, "login": "ada", "email": "ada@example.com", "name": "Ada Lovelace"},
        profile_url="https://api.github.com/user",
        token_url="https://github.com/login/oauth/access_token",
        token_params={"refresh_token": "refresh-by-redirect", "expires_in": 28800},
    )


def oidc() -> TokenProvider:
    now = int(time.time())
    return TokenProvider(
        "oidc",
        "social_core.backends.open_id_connect.OpenIdConnectAuth",
        ("POST", INTROSPECT),
        response={
            "active": True,
            "client_id": "our-client-id",
            "sub": "user-1",
            "token_type": "Bearer",
            "scope": "openid email",
            "exp": now + 300,
            "nbf": now - 5,
        },
        of_others={"client_id": "their-client-id"},
        expired={"exp": now - 5},
        required=("active", "client_id"),
        uid="user-1",
        lifetime=None,
        granted=("openid", "email"),
    )


PROVIDERS = {
    "google-oauth2": partial(
        google,
        "google-oauth2",
        "google.GoogleOAuth2",
        "https://www.googleapis.com/oauth2/v3/userinfo",
    ),
    "google-openidconnect": partial(
        google,
        "google-openidconnect",
        "google_openidconnect.GoogleOpenIdConnect",
        "https://openidconnect.googleapis.com/v1/userinfo",
    ),
    "facebook": facebook,
    "github": github,
    "oidc": oidc,
}

Install = Callable[[str], TokenProvider]


class PlainOAuth2(BaseOAuth2):
    """An OAuth 2 provider without OpenID Connect and without a shipped verifier."""

    name = "plain"
    ID_KEY = "id"

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> Any:
        return {"id": 7, "name": "ada"}

    def get_user_details(self, response: Any) -> dict[str, Any]:
        return {"username": response["name"], "email": ""}


PLAIN = f"{__name__}.PlainOAuth2"
