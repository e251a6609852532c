"""The fake provider: requests in, responses out, without a network.

The interface that the in-process adapter, the URLs and the command use:

``FakeProvider(name, **claims)``
    the provider of a configured backend; ``name`` is that of the backend. ``claims`` are defaults.
``FakeProvider(base_url=url)``
    an OpenID Connect issuer at a URL, for the client ids of all configured backends.
``authorize(params, claims=None, error="")``
    what the authorization endpoint does after a person has approved or declined. Returns an
    :class:`AuthorizationResponse`: where the browser goes.
``respond(request)``
    every request of the backend: token, UserInfo and profiles, discovery, keys, revocation,
    introspection. The URL of the :class:`ProviderRequest` is the one that the backend has asked
    for, which is that of the real provider.
``log_out(params)``
    the ``end_session_endpoint``. Returns the URL to which the browser goes, or None.
``native(**claims)``
    the body for ``POST o/<provider>/token/``.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from threading import Lock
from typing import Any, Literal
from urllib.parse import urlsplit

from social_core.backends.apple import AppleIdAuth

from social_endpoints.testing import tokens
from social_endpoints.testing.claims import Claims, complete_claims
from social_endpoints.testing.client import BackendClient, find_client, find_clients
from social_endpoints.testing.endpoints import (
    discovery_document,
    find_endpoint,
    jwks_document,
)
from social_endpoints.testing.grants import Grant, Grants
from social_endpoints.testing.keys import SigningKey, code_challenge
from social_endpoints.testing.messages import (
    AuthorizationResponse,
    ProviderRequest,
    ProviderResponse,
)
from social_endpoints.testing.native import inspect_token, native_body
from social_endpoints.testing.profiles import OPENID_EMAIL_SCOPES
from social_endpoints.testing.scripts import ScriptedResponses

_EMAIL_CLAIMS = frozenset({"email", "email_verified"})


class InvalidAuthorizationRequest(ValueError):
    """An authorization request that a provider refuses with an error page, without a redirect."""


class FakeProvider(ScriptedResponses):
    """A provider for OAuth 2 and OpenID Connect that knows the clients of this project.

    Client id and client secret are those of the backend's settings. Add other clients, for example
    those of tenants, to :attr:`clients`.

    :param provider: the name of a configured backend, or None for an OpenID Connect issuer for all
        of them.
    :param base_url: the issuer, if ``provider`` is None.
    :param claims: default claims of the person who signs in.
    :raises ProviderNotFakeable: the backend does not use OAuth 2 or OpenID Connect.
    :raises ValueError: both or neither of ``provider`` and ``base_url`` are given.
    :ivar clients: further client secrets by client id.
    :ivar requests: the requests that :meth:`respond` has received.
    :ivar headers: additional headers of all responses.
    :ivar id_token_claims: claims that replace those of ID tokens; None removes a claim.
    :ivar id_token_headers: fields that replace those of the header of ID tokens.
    :ivar token_fields: fields that replace those of token responses; None removes a field.
    :ivar discovery_fields: the same for the discovery document.
    :ivar expires_in: the lifetime of access tokens in seconds.
    :ivar email_scopes: a login gets the e-mail address only if it asks for one of these scopes.
        Empty if the provider sends the address without a scope.
    """

    def __init__(
        self, provider: str | None = None, /, *, base_url: str = "", **claims: Any
    ) -> None:
        super().__init__()
        if (provider is None) == (not base_url):
            raise ValueError("A fake provider needs the name of a backend or a base_url.")
        self.name = provider
        self.base_url = base_url.rstrip("/")
        self.client = BackendClient(provider) if provider else None
        self.identity = f"fake-{uuid.uuid4()}"
        self.claims = claims
        self.clients: dict[str, str] = {}
        self.requests: list[ProviderRequest] = []
        self.headers: dict[str, str] = {}
        self.id_token_claims: dict[str, Any] = {}
        self.id_token_headers: dict[str, Any] = {}
        self.token_fields: dict[str, Any] = {}
        self.discovery_fields: dict[str, Any] = {}
        self.expires_in = 3_600
        self.email_scopes = self.client.vendor.email_scopes if self.client else OPENID_EMAIL_SCOPES
        self.grants = Grants()
        self._key_number = 0
        self._known_subjects: set[str] = set()
        self._requests_lock = Lock()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name or self.base_url}>"

    @property
    def key(self) -> SigningKey:
        """The current signing key."""
        return SigningKey(self._key_number)

    @property
    def public_key(self) -> str:
        """The public key in base64, as the settings of Keycloak's backend for OAuth 2 need it."""
        return self.key.public_der()

    def rotate_keys(self) -> None:
        """Replace the signing key. ID tokens that were signed before are no longer valid."""
        self._key_number += 1

    # The authorization endpoint

    def authorize(
        self, params: Mapping[str, str], claims: Claims | None = None, error: str = ""
    ) -> AuthorizationResponse:
        """Approve or decline an authorization request.

        :param params: the query of the authorization URL.
        :param claims: the person who signs in; see :func:`complete_claims`.
        :param error: the error code with which the person or the provider declines, such as
            ``"access_denied"``.
        :raises InvalidAuthorizationRequest: the client or its redirect URI is unknown, so the
            browser cannot be redirected.
        """
        client_id = params.get("client_id") or params.get("appid") or params.get("app_id") or ""
        client = self._find_client(client_id)
        redirect_uri = params.get("redirect_uri") or params.get("redirect_url") or ""
        if not urlsplit(redirect_uri).scheme:
            raise InvalidAuthorizationRequest("The request has no redirect_uri.")
        person = complete_claims({**self.claims, **(claims or {})})
        if not self.sends_email(params):
            person = {name: each for name, each in person.items() if name not in _EMAIL_CLAIMS}
        error = error or _request_error(params)
        if error:
            response_params = {"error": error}
        else:
            scope = params.get("scope", "")
            grant = Grant(client_id, dict(params), person, scope, self.expires_in)
            response_params = {"code": self.grants.issue_code(grant)}
            response_params.update(self._more_params(client, response_params, grant))
        if "state" in params:
            response_params["state"] = params["state"]
        is_posted = params.get("response_mode") == "form_post"
        return AuthorizationResponse(redirect_uri, response_params, "POST" if is_posted else "GET")

    def sends_email(self, params: Mapping[str, str]) -> bool:
        """Return whether an authorization request asks for a scope of the e-mail address."""
        scopes = re.split(r"[ ,]+", params.get("scope", ""))
        return not self.email_scopes or not set(self.email_scopes).isdisjoint(scopes)

    def _find_client(self, client_id: str) -> BackendClient | None:
        """Return the backend with a client id, or None if the client was added by a test."""
        if client_id in self.clients:
            return self.client
        found = self.client if self.client else find_client(client_id)
        if found is None or found.credentials()[0] != client_id:
            owner = f"of {self.name!r}" if self.name else "of a configured backend"
            raise InvalidAuthorizationRequest(
                f"The client id {client_id!r} is not the one {owner}. If a tenant has its own, add"
                " it to the attribute 'clients' of the fake provider."
            )
        return found

    def _more_params(
        self, client: BackendClient | None, response_params: dict[str, str], grant: Grant
    ) -> dict[str, str]:
        if self.client is None or client is None:
            return {}
        more = client.vendor.callback(response_params, grant.claims)
        if issubclass(client.provider.backend, AppleIdAuth):
            more.update(self._apple_user(grant))
        return more

    def _apple_user(self, grant: Grant) -> dict[str, str]:
        """Return the name, which Apple sends only with a person's first approval."""
        subject = str(grant.claims.get("sub"))
        if "name" not in grant.scope.split() or subject in self._known_subjects:
            return {}
        self._known_subjects.add(subject)
        claims = grant.claims
        name = {"firstName": claims.get("given_name"), "lastName": claims.get("family_name")}
        return {"user": json.dumps({"name": name, "email": claims.get("email")})}

    def log_out(self, params: Mapping[str, str]) -> str | None:
        """Return where the browser goes after the sign-out, or None if no URI is given.

        OpenID Connect RP-Initiated Logout 1.0 sections 2 and 3.
        """
        uri = params.get("post_logout_redirect_uri")
        if not uri:
            return None
        state = {"state": params["state"]} if "state" in params else {}
        return AuthorizationResponse(uri, state).url if state else uri

    # Requests of the backend

    def respond(self, request: ProviderRequest) -> ProviderResponse:
        """Return the response to a request of the backend."""
        with self._requests_lock:
            self.requests.append(request)
        endpoint = find_endpoint(self, request)
        responder, delay = self.take_script(endpoint, request.address)
        if responder is None:
            responder = {
                "discovery": lambda request: ProviderResponse(content=self.discovery()),
                "jwks": lambda request: ProviderResponse(content=jwks_document(self)),
                "token": self._token,
                "revocation": self._revoke,
                "introspection": self._introspect,
                "userinfo": self._userinfo,
            }[endpoint]
        response = responder(request)
        headers = {**response.headers, **self.headers}
        return replace(response, headers=headers, delay=response.delay + delay)

    def discovery(self) -> dict[str, Any]:
        """Return the discovery document (OpenID Connect Discovery section 3)."""
        return tokens.with_changes(discovery_document(self), self.discovery_fields)

    def _token(self, request: ProviderRequest) -> ProviderResponse:
        grant_type = request.params.get("grant_type", "authorization_code")
        if refusal := self._refusal(request):
            return refusal
        if self.client is None and not _is_complete(request):
            return _error("invalid_request")
        if grant_type == "authorization_code":
            values = [request.params.get("code", ""), *request.params.values()]
            code = next(filter(self.grants.is_code, values), "")
            grant = self.grants.redeem(code)
            if grant is None or not _matches(grant, request):
                return _error("invalid_grant")
        elif grant_type == "refresh_token":
            token = request.params.get("refresh_token", "")
            grant = self.grants.rotate(token, lambda grant: self._belongs(grant, request))
        elif grant_type == "fb_exchange_token":
            grant = self.grants.find(request.params.get("fb_exchange_token", ""))
        else:
            return _error("unsupported_grant_type")
        if grant is None or not self._belongs(grant, request):
            return _error("invalid_grant")
        is_first = grant_type == "authorization_code"
        return ProviderResponse(content=self.token_response(grant, request, is_first=is_first))

    def token_response(self, grant: Grant, request: ProviderRequest, *, is_first: bool) -> Any:
        """Return the content of a token response, with new tokens."""
        return tokens.token_response(self, grant, request, is_first=is_first)

    def access_token_for(self, grant: Grant) -> str:
        """Return a new access token for a grant."""
        return tokens.access_token(self, grant)

    def id_token_for(self, grant: Grant, access_token: str | None, nonce: str | None) -> str:
        """Return a signed ID token (OpenID Connect Core section 2)."""
        return tokens.id_token(self, grant, access_token, nonce)

    def authenticates(self, request: ProviderRequest) -> bool:
        """Return whether a client authenticates, by HTTP Basic or in the body.

        RFC 6749 section 2.3.1.
        """
        return any(self._knows(request, *pair) for pair in request.client_credentials)

    def _knows(self, request: ProviderRequest, client_id: str, secret: str) -> bool:
        if client_id in self.clients:
            return self.clients[client_id] == secret
        # Two backends can have the same client id.
        clients = [self.client] if self.client else find_clients(client_id)
        return any(each.authenticates(request, client_id, secret) for each in clients)

    def _refusal(self, request: ProviderRequest) -> ProviderResponse | None:
        """Return the response to a request with wrong credentials (RFC 6749 section 5.2)."""
        if self.authenticates(request):
            return None
        challenge = {"WWW-Authenticate": 'Basic realm="fake"'}
        headers = challenge if request.basic_credentials else {}
        return _error("invalid_client", HTTPStatus.UNAUTHORIZED, headers)

    def _belongs(self, grant: Grant, request: ProviderRequest) -> bool:
        """Return whether a grant was issued to the client that asks."""
        client_ids = {client_id for client_id, _ in request.client_credentials if client_id}
        return not client_ids or grant.client_id in client_ids

    def _userinfo(self, request: ProviderRequest) -> ProviderResponse:
        found = self.grants.find_any(request.values())
        if found is None:
            # Without a token, there is no error (RFC 6750 section 3.1).
            error = ' error="invalid_token"' if request.header("Authorization") else ""
            headers = {"WWW-Authenticate": f"Bearer{error}"}
            return _error("invalid_token", HTTPStatus.UNAUTHORIZED, headers)
        claims = found[1].claims
        content = self.client.vendor.profile(claims, request) if self.client else dict(claims)
        return content if isinstance(content, ProviderResponse) else ProviderResponse(200, content)

    def _revoke(self, request: ProviderRequest) -> ProviderResponse:
        # The requests to some vendors contain only the token (RFC 7009 section 2.1 needs more).
        if self.client is None and (refusal := self._refusal(request)):
            return refusal
        for value in request.values():
            self.grants.revoke(value)
        return ProviderResponse(content={"success": True})

    def _introspect(self, request: ProviderRequest) -> ProviderResponse:
        if self.client is None and (refusal := self._refusal(request)):  # RFC 7662 section 2.1
            return refusal
        return inspect_token(self, request)

    # Tokens for native sign-in

    def native(
        self, *token_types: Literal["id_token", "access_token"], **claims: Any
    ) -> dict[str, str]:
        """Return the body that an app posts to ``o/<provider>/token/``.

        It contains the tokens that an SDK would have returned. An ID token contains the SHA-256 of
        the nonce in the body.

        :param token_types: by default ``"id_token"`` if the provider issues ID tokens, otherwise
            ``"access_token"``.
        :raises ValueError: a token type is unknown, or this fake has no backend.
        """
        return native_body(self, token_types, claims)

    def grant(self, claims: Claims, scope: str = "") -> Grant:
        """Return a grant of a person to the client of the settings, without a redirect.

        :raises ValueError: this fake has no backend.
        """
        if self.client is None:
            raise ValueError("A fake provider without a backend has no client.")
        client_id = self.client.client_id
        person = complete_claims({**self.claims, **claims})
        return Grant(client_id, {}, person, scope, self.expires_in)

    def id_token(self, *, nonce: str | None = None, **claims: Any) -> str:
        """Return an ID token as an SDK gets it.

        :param nonce: the value of the claim ``nonce``, which is not hashed here.
        """
        return self.id_token_for(self.grant(claims), None, nonce)

    def access_token(self, *, scope: str = "", **claims: Any) -> str:
        """Return an access token as an SDK gets it."""
        return self.access_token_for(self.grant(claims, scope))


def _request_error(params: Mapping[str, str]) -> str:
    """Return the error that a provider sends by redirect (RFC 6749 section 4.1.2.1), if any."""
    if params.get("response_type", "code") != "code":
        return "unsupported_response_type"
    method = params.get("code_challenge_method", "plain")
    if "code_challenge" in params and method.upper() not in {"S256", "PLAIN"}:
        return "invalid_request"
    return ""


def _is_complete(request: ProviderRequest) -> bool:
    """Return whether a token request has its parameters (RFC 6749 sections 4.1.3 and 6)."""
    names = {"authorization_code": {"code", "redirect_uri"}, "refresh_token": {"refresh_token"}}
    needed = names.get(request.params.get("grant_type", ""), {"grant_type"})
    return request.method == "POST" and needed <= request.params.keys()


def _matches(grant: Grant, request: ProviderRequest) -> bool:
    """Return whether a token request belongs to its authorization request.

    The redirect URI must be the same (RFC 6749 section 4.1.3), if the client sends it. A verifier
    must match the challenge, and must not be sent without one (RFC 9700 section 2.1.1).
    """
    params = grant.params
    expected = params.get("redirect_uri") or params.get("redirect_url")
    given = request.params.get("redirect_uri") or request.params.get("redirect_url")
    if given is not None and given != expected:
        return False
    challenge, verifier = params.get("code_challenge"), request.params.get("code_verifier")
    if challenge is None or verifier is None:
        return challenge is None and verifier is None
    return code_challenge(verifier, params.get("code_challenge_method", "plain")) == challenge


def _error(
    code: str, status: int = HTTPStatus.BAD_REQUEST, headers: Mapping[str, str] | None = None
) -> ProviderResponse:
    return ProviderResponse(status, {"error": code}, headers or {})
