"""Providers whose ID tokens sign in natively: public fake providers, on a simulated network.

Issuers, addresses and client ids are written down here as the vendors document them, so that a
test does not compare the package with itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
import responses

from social_endpoints.testing import FakeProvider, ProviderRequest, ProviderResponse
from social_endpoints.testing.grants import Grant
from tests.support.configuration import configure_endpoints
from tests.support.keys import public, signing_key
from tests.support.native import post_tokens
from tests.support.wire import Answer, answer

TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
DISCOVERY = "/.well-known/openid-configuration"


class Signer(FakeProvider):
    """A fake provider that signs any claims, with any key."""

    private_key: Any = None
    algorithm = "RS256"

    @property
    def key(self) -> Any:
        return self

    def sign(self, claims: dict[str, Any], headers: dict[str, Any]) -> str:
        """Return an ID token."""
        payload = json.dumps(claims).encode()
        return signed(payload, self.private_key, self.algorithm, **headers)


@dataclass
class IdTokenProvider:
    """A provider of native sign-in. Tests change its attributes.

    :param claims: claims of its user.
    :param discovery: URL and entries of its discovery document.
    :param keys: its JWKS, or the body of the response.
    :param fetched: number of requests for the keys.
    :param nonce: the value that the app posts; its digest is the nonce of the ID tokens.
    """

    wire: responses.RequestsMock
    name: str
    path: str
    jwks: str
    claims: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    discovery: tuple[str, dict[str, Any]] | None = None
    keys: Any = field(default_factory=lambda: [public(signing_key())])
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    fetched: int = 0
    nonce: str | None = None

    def __post_init__(self) -> None:
        self.fake = Signer(base_url=self.claims["iss"])
        self.fake.replace("jwks", self._keys)
        document = self.discovery[1] if self.discovery else {}
        self.fake.discovery_fields = {"jwks_uri": self.jwks, **document}

    def install(self, settings: Any) -> None:
        settings.AUTHENTICATION_BACKENDS = [self.path]
        configure_endpoints(settings, NATIVE_PROVIDERS=[self.name])
        for name, value in self.settings.items():
            setattr(settings, name, value)
        for url in (self.jwks, *(self.discovery or ())[:1]):
            self.wire.add_callback("GET", url, callback=self._answer)

    def sign_in(self, token: str | None = None, **body: Any) -> Any:
        nonce = {} if self.nonce is None else {"nonce": self.nonce}
        id_token = self.token() if token is None else token
        return post_tokens(self.name, id_token=id_token, **{**nonce, **body})

    def token(self, key: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
        """Return an ID token that was issued now. Claims with the value None are omitted."""
        fake = self.fake
        fake.private_key, fake.algorithm = key, algorithm
        fake.id_token_headers = claims.pop("headers", {"kid": "1"})
        fake.id_token_claims = {"auth_time": None, **self.claims, **claims}
        nonce = None if self.nonce is None else hexadecimal(self.nonce)
        return fake.id_token_for(Grant(self.claims["aud"], {}, {}), None, nonce)

    def _keys(self, request: ProviderRequest) -> ProviderResponse:
        self.fetched += 1
        content = self.keys if isinstance(self.keys, str) else {"keys": self.keys}
        headers = {"Content-Type": "application/json", **self.headers}
        return ProviderResponse(self.status, content, headers)

    def _answer(self, request: Any) -> Answer:
        return answer(self.fake, request)


Install = Callable[[str], IdTokenProvider]


def hexadecimal(nonce: str) -> str:
    """Return the SHA-256 of a nonce in hexadecimal digits."""
    return hashlib.sha256(nonce.encode()).hexdigest()


def signed(payload: bytes, key: Any = None, algorithm: str = "RS256", **headers: Any) -> str:
    """Return a signed token with any payload. PyJWT's encode() refuses invalid ones."""
    headers = {"typ": "JWT", **headers}
    return jwt.api_jws.encode(payload, key or signing_key(), algorithm, headers=headers)


def oidc(wire: responses.RequestsMock) -> IdTokenProvider:
    issuer = "https://id.example.com"
    return IdTokenProvider(
        wire,
        "oidc",
        "social_core.backends.open_id_connect.OpenIdConnectAuth",
        f"{issuer}/jwks",
        {"iss": issuer, "aud": "our-client-id", "sub": "user-1", **PERSON},
        discovery=(issuer + DISCOVERY, {"issuer": issuer}),
        nonce="n-0S6_WzA2Mj",
    )


def google(name: str, path: str) -> Any:
    prefix = f"SOCIAL_AUTH_{name.upper().replace('-', '_')}"

    def google(wire: responses.RequestsMock) -> IdTokenProvider:
        return IdTokenProvider(
            wire,
            name,
            f"social_core.backends.{path}",
            "https://www.googleapis.com/oauth2/v3/certs",
            {
                "iss": "https://accounts.google.com",
                "aud": "our-google-id",
                "sub": "1234567890",
                "email_verified": True,
                **PERSON,
            },
            {
                f"{prefix}_KEY": "our-google-id",
                f"{prefix}_SECRET": "our-google-secret",
                f"{prefix}_ID_KEY": "sub",
            },
        )

    return google


def apple(wire: responses.RequestsMock) -> IdTokenProvider:
    return IdTokenProvider(
        wire,
        "apple-id",
        "social_core.backends.apple.AppleIdAuth",
        "https://appleid.apple.com/auth/keys",
        {
            "iss": "https://appleid.apple.com",
            "aud": "com.example.app",
            "sub": "001.f00.0815",
            "email": "ada@example.com",
            "email_verified": "true",
        },
        {
            "SOCIAL_AUTH_APPLE_ID_CLIENT": "com.example.service",
            "SOCIAL_AUTH_APPLE_ID_AUDIENCE": ["com.example.app", "com.example.service"],
        },
    )


def azure(name: str, path: str, version: str = "", **settings: Any) -> Any:
    prefix = f"SOCIAL_AUTH_{name.upper().replace('-', '_')}"
    base = f"https://login.microsoftonline.com/{settings.pop('tenant', 'common')}"
    query = "?appid=our-azure-id" if "tenant" in path else ""

    def azure(wire: responses.RequestsMock) -> IdTokenProvider:
        return IdTokenProvider(
            wire,
            name,
            f"social_core.backends.{path}",
            f"{base}/discovery{version}/keys",
            {
                "iss": f"https://login.microsoftonline.com/{TENANT}{version}",
                "tid": TENANT,
                "aud": "our-azure-id",
                "sub": "azure-user",
                "upn": "ada@example.com",
                "preferred_username": "ada@example.com",
                **PERSON,
            },
            {f"{prefix}_KEY": "our-azure-id", f"{prefix}_SECRET": "our-azure-secret", **settings},
            discovery=(
                f"{base}{version}{DISCOVERY}{query}",
                {"issuer": "https://login.microsoftonline.com/{tenantid}" + version},
            ),
        )

    return azure


def limited(wire: responses.RequestsMock) -> IdTokenProvider:
    issuer = "https://www.facebook.com"
    return IdTokenProvider(
        wire,
        "facebook-limited-login",
        "social_core.backends.facebook_limited.FacebookLimitedLogin",
        "https://limited.facebook.com/.well-known/oauth/openid/jwks/",
        {"iss": issuer, "aud": "our-facebook-id", "sub": "4711", **PERSON},
        {
            "SOCIAL_AUTH_FACEBOOK_LIMITED_LOGIN_KEY": "our-facebook-id",
            "SOCIAL_AUTH_FACEBOOK_LIMITED_LOGIN_SECRET": "our-facebook-secret",
        },
        discovery=(issuer + DISCOVERY, {"issuer": issuer}),
    )


PERSON = {
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
}

PROVIDERS: dict[str, Any] = {
    "oidc": oidc,
    "google-oauth2": google("google-oauth2", "google.GoogleOAuth2"),
    "google-openidconnect": google(
        "google-openidconnect", "google_openidconnect.GoogleOpenIdConnect"
    ),
    "google-onetap": google("google-onetap", "google_onetap.GoogleOneTap"),
    "apple-id": apple,
    "azuread-oauth2": azure("azuread-oauth2", "azuread.AzureADOAuth2"),
    "azuread-v2-tenant-oauth2": azure(
        "azuread-v2-tenant-oauth2",
        "azuread_tenant.AzureADV2TenantOAuth2",
        "/v2.0",
        tenant=TENANT,
        SOCIAL_AUTH_AZUREAD_V2_TENANT_OAUTH2_TENANT_ID=TENANT,
    ),
    "facebook-limited-login": limited,
}
