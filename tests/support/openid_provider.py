"""An OpenID Connect provider on a simulated network: the public fake provider, with few claims.

What the fake provider does not speak has its own support: OAuth 1.0a (``oauth1_provider``), OpenID
2.0 (``openid2_provider``), SAML (``saml_provider``), Telegram (``telegram``). Responses that are
not valid HTTP or TLS come from ``tcp_provider``, and malformed content is registered at the wire.
The tests in ``tests/providers`` replay the responses with which social-core tests its backends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import responses

from social_endpoints.testing import FakeProvider, ProviderRequest, ProviderResponse
from tests.support.keys import public, signing_key
from tests.support.wire import Answer, answer

ISSUER = "https://id.example.com"


class OpenIDProvider(FakeProvider):
    """A fake provider with one user, whose responses a test may change.

    :param wire: the simulated network; None if the requests arrive in another way.
    :param endpoints: entries of the discovery document.

    By default, it sends no more than OpenID Connect requires, so that a test shows what it needs.
    Unlike the changes of the fake provider, those of a test here may be null or have wrong types.

    :ivar claims: claims of the ID token, in addition to the ones that every ID token has.
    :ivar userinfo: the response of the UserInfo endpoint.
    :ivar has_token_hash: whether ID tokens contain the hash of the access token.
    :ivar paths: the paths of the requests.
    :ivar secrets: the values of the logins that only client and server may know.
    :ivar endpoints: entries of the discovery document that replace the default ones.
    :ivar before_userinfo: is called before each UserInfo response.
    :ivar before_response: is called with the path before each response.
    :ivar foreign_tokens: access tokens of the test that UserInfo accepts in addition.
    :ivar private_key: the key of the signatures; ``kid`` and ``algorithm`` belong to it.
    :ivar jwk_fields: fields of the public key in the key set.
    :ivar token_headers: additional headers of the ID token.
    :ivar token_params: parameters that the token endpoint adds to its response.
    """

    before_userinfo: Callable[[], object]
    before_response: Callable[[str], object]

    def __init__(self, wire: Any = None, url: str = ISSUER, **endpoints: Any) -> None:
        super().__init__(base_url=url)
        self.wire: responses.RequestsMock = wire
        self.url = url
        self.claims = {"sub": "user-1"}
        self.userinfo: dict[str, Any] = {
            "sub": "user-1",
            "preferred_username": "ada",
            "email": "ada@example.com",
            "given_name": "Ada",
            "family_name": "Lovelace",
        }
        self.has_token_hash = False
        self.paths: list[str] = []
        self.secrets: list[str] = []
        self.endpoints: dict[str, Any] = endpoints
        self.before_userinfo = lambda: None
        self.before_response = lambda path: None
        self.foreign_tokens: set[str] = set()
        self.private_key: Any = signing_key()
        self.kid: str | None = "1"
        self.algorithm = "RS256"
        self.jwk_fields: dict[str, Any] = {"alg": "RS256"}
        self.token_headers: dict[str, Any] = {}
        self.token_params: dict[str, Any] = {}
        self.replace("userinfo", self._profile)
        if wire is not None:
            self.register()

    def register(self) -> None:
        """Make the endpoints reachable at the wire."""
        for method, path in (
            ("GET", "/.well-known/openid-configuration"),
            ("GET", "/jwks"),
            ("POST", "/token"),
            ("GET", "/userinfo"),
        ):
            self.wire.add_callback(method, self.url + path, callback=self.answer)

    def authorize(self, params: Any, *args: Any, **kwargs: Any) -> Any:
        """Sign in at the provider.

        :param params: the parameters of the authorization request, or its URL.
        :return: for a URL, the parameters of the callback.
        """
        if not isinstance(params, str):
            return super().authorize(params, *args, **kwargs)
        query = dict(parse_qsl(urlsplit(params).query))
        callback = super().authorize(query, *args, **kwargs).callback_params
        names = ("state", "nonce")
        self.secrets += [callback["code"], *(query[name] for name in names if name in query)]
        return callback

    def answer(self, request: Any) -> Answer:
        """Return the response to a request of the wire."""
        return answer(self, request)

    # The fake provider

    def respond(self, request: ProviderRequest) -> ProviderResponse:
        self.paths.append(request.path)
        self.before_response(request.path)
        names = ("client_secret", "code_verifier")
        self.secrets += [request.params[name] for name in names if name in request.params]
        return super().respond(request)

    def discovery(self) -> dict[str, Any]:
        document = super().discovery()
        names = ("issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint")
        return {
            **{name: document[name] for name in (*names, "jwks_uri")},
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            **self.endpoints,
        }

    def token_response(self, *args: Any, **kwargs: Any) -> Any:
        content = super().token_response(*args, **kwargs)
        tokens = {name: content[name] for name in ("access_token", "id_token") if name in content}
        self.secrets += tokens.values()
        content = {**tokens, "token_type": "Bearer", **self.token_params}
        self.foreign_tokens.add(str(content.get("access_token")))
        return content

    @property
    def key(self) -> Any:
        """The signing key, with this class in its place, because tests sign invalid claims."""
        return self

    def public(self) -> dict[str, Any]:
        """Return the public key as a JWK."""
        return public(self.private_key, self.kid, **self.jwk_fields)

    def sign(self, claims: dict[str, Any], headers: dict[str, Any]) -> str:
        """Return an ID token with the claims that are required, and those of the test."""
        names = {"iss", "aud", "iat", "exp", "nonce"}
        required = {name: value for name, value in claims.items() if name in names}
        token_hash = {"at_hash": claims["at_hash"]} if self.has_token_hash else {}
        kid = {} if self.kid is None else {"kid": self.kid}
        return jwt.encode(
            {**required, **self.claims, **token_hash},
            self.private_key,
            self.algorithm,
            headers={**kid, **headers, **self.token_headers},
        )

    def _profile(self, request: ProviderRequest) -> ProviderResponse:
        values = list(request.values())
        grant = self.grants.find_any(values)
        self.before_userinfo()
        if grant is None and self.foreign_tokens.isdisjoint(values):
            return ProviderResponse(401, {"error": "invalid_token"})
        return ProviderResponse(content=self.userinfo)
