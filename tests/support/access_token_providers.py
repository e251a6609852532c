"""Providers that say for whom an access token is, over a faked wire."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.support.openid_provider import ISSUER, OpenIDProvider

TOKEN = "token-of-ada"
SECRETS = ("our-github-secret", "our-client-secret", "our-google-secret", "our-facebook-secret")

TOKENINFO = "https://oauth2.googleapis.com/tokeninfo"
DEBUG_TOKEN = "https://graph.facebook.com/v24.0/debug_token"
CHECK = "https://api.github.com/applications/our-github-id/token"
INTROSPECT = f"{ISSUER}/introspect"


@dataclass
class TokenProvider:
    """A provider with one token: for whom it is, and whose.

    ``answer`` is what the verifier is told, ``profile`` what the backend fetches, and
    ``redirect`` what the token endpoint adds; tests change them. ``of_others`` is what the
    answer says of a token of another application, ``expired`` of an old one; ``demanded``
    are the claims that no answer can do without, ``asked`` the requests of the verifier.
    """

    name: str
    path: str
    verify: tuple[str, str]
    answer: Any
    of_others: dict[str, Any]
    expired: dict[str, Any]
    demanded: tuple[str, ...]
    uid: str
    lifetime: int | None
    profile: dict[str, Any] = field(default_factory=dict)
    profile_url: str = ""
    token_url: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    redirect: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)

    @property
    def claims(self) -> dict[str, Any]:
        """Where the answer says what it says."""
        claims: dict[str, Any] = self.answer.get("data", self.answer)
        return claims

    def install(self, openid: OpenIDProvider) -> None:
        """Stand on the wire."""
        wire = openid.wire
        wire.add_callback(*self.verify, callback=self._verify)
        if self.name == "oidc":
            openid.endpoints["introspection_endpoint"] = INTROSPECT
            self.profile = openid.userinfo
            return
        wire.add_callback("GET", self.profile_url, callback=self._profile)
        for method in ("GET", "POST"):
            wire.add_callback(method, self.token_url, callback=self._token)
        if self.name == "google-openidconnect":
            discovery = "https://accounts.google.com/.well-known/openid-configuration"
            wire.add("GET", discovery, json={"jwks_uri": f"{ISSUER}/jwks"})

    def _verify(self, request: Any) -> tuple[int, dict[str, str], str]:
        self.asked.append(request)
        body = self.answer if isinstance(self.answer, str) else json.dumps(self.answer)
        return self.status, {"Content-Type": "application/json", **self.headers}, body

    def _profile(self, request: Any) -> tuple[int, dict[str, str], str]:
        return 200, {"Content-Type": "application/json"}, json.dumps(self.profile)

    def _token(self, request: Any) -> tuple[int, dict[str, str], str]:
        tokens = {"access_token": "token-by-redirect", "token_type": "bearer", **self.redirect}
        return 200, {"Content-Type": "application/json"}, json.dumps(tokens)


def google(name: str, path: str, profile_url: str) -> TokenProvider:
    prefix = f"SOCIAL_AUTH_{name.upper().replace('-', '_')}"
    return TokenProvider(
        name,
        f"social_core.backends.{path}",
        ("POST", TOKENINFO),
        answer={
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
        demanded=("aud", "sub"),
        uid="1234567890",
        lifetime=3000,
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
        redirect={"refresh_token": "refresh-by-redirect", "expires_in": 3599},
    )


def facebook() -> TokenProvider:
    now = int(time.time())
    return TokenProvider(
        "facebook",
        "social_core.backends.facebook.FacebookOAuth2",
        ("GET", DEBUG_TOKEN),
        answer={
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
        demanded=("app_id", "is_valid", "type", "user_id"),
        uid="10215241773831025",
        lifetime=5000,
        profile={"id": "10215241773831025", "name": "Ada Lovelace", "email": "ada@example.com"},
        profile_url="https://graph.facebook.com/v24.0/me",
        token_url="https://graph.facebook.com/v24.0/oauth/access_token",
        settings={
            "SOCIAL_AUTH_FACEBOOK_KEY": "our-facebook-id",
            "SOCIAL_AUTH_FACEBOOK_SECRET": "our-facebook-secret",
        },
        redirect={"expires_in": 5183999},
    )


def github() -> TokenProvider:
    return TokenProvider(
        "github",
        "social_core.backends.github.GithubOAuth2",
        ("POST", CHECK),
        answer={
            "id": 1,
            "app": {"client_id": "our-github-id", "name": "Ours", "url": "https://example.com"},
            "user": {"login": "ada", "id": 4711},
            "expires_at": None,
        },
        of_others={"app": {"client_id": "their-github-id"}},
        expired={},
        demanded=("app", "user"),
        uid="4711",
        lifetime=28800,  # As stored by redirect: GitHub's answer has none.
        profile={"id": 4711, "login": "ada", "email": "ada@example.com", "name": "Ada Lovelace"},
        profile_url="https://api.github.com/user",
        token_url="https://github.com/login/oauth/access_token",
        redirect={"refresh_token": "refresh-by-redirect", "expires_in": 28800},
    )


def oidc() -> TokenProvider:
    now = int(time.time())
    return TokenProvider(
        "oidc",
        "social_core.backends.open_id_connect.OpenIdConnectAuth",
        ("POST", INTROSPECT),
        answer={
            "active": True,
            "client_id": "our-client-id",
            "sub": "user-1",
            "token_type": "Bearer",
            "exp": now + 300,
            "nbf": now - 5,
        },
        of_others={"client_id": "their-client-id"},
        expired={"exp": now - 5},
        demanded=("active", "client_id"),
        uid="user-1",
        lifetime=None,
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
