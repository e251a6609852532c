"""Token introspection (RFC 7662), for all OAuth 2 providers with an introspection endpoint."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast
from urllib.parse import urlsplit

from social_core.backends.base import BaseAuth
from social_core.backends.oauth import BaseOAuth2
from social_core.backends.utils import OIDCDiscoveryMixin
from social_core.exceptions import (
    AuthConfigurationError,
    AuthInputError,
    AuthResponseError,
    SocialAuthBaseException,
)

from social_endpoints.exceptions import ProjectError
from social_endpoints.internal.backends.extensions.discovery import find_discovery
from social_endpoints.internal.backends.id_tokens.claims import PARTIES, TYPE_CLAIMS
from social_endpoints.internal.backends.id_tokens.issuers import leeway, setting_error
from social_endpoints.internal.native.verifiers.base import (
    TokenInfo,
    TokenVerifier,
    VerifierResponse,
)

_STAGE: Final = "token_validation"
_ID_TOKEN = frozenset({"id", "id_token"})


class Introspection(TokenVerifier):
    """Uses the setting ``INTROSPECTION_URL``, or the endpoint in the provider's discovery.

    The client authenticates as at the token endpoint (RFC 7662 section 2.1).
    """

    client_refused = frozenset({401, 403})

    subject_claim: ClassVar[str] = "sub"
    """Claim of the response with the user's id, as in the profile."""

    @classmethod
    def is_available(cls, backend: BaseAuth[Any]) -> bool:
        """Return whether there is a setting, or a discovery that may contain an endpoint."""
        try:
            return introspection_url(backend) is not None or _has_discovery(backend)
        except AuthConfigurationError:
            return True  # verify() raises it.

    def verify(self, access_token: str) -> TokenInfo:
        """Ask for the owner and for every party that the token names (section 2.2)."""
        response = self._introspect(access_token)
        if response.content.get("active") is not True or _is_other_token(response):
            raise self.rejected()
        lifetime = self._lifetime(response)
        claim = self.subject_claim
        subject = response.identifier(claim) if response.has(claim) else None
        return TokenInfo(self._clients(response), subject, lifetime, response.scopes("scope"))

    def subject_of(self, profile: Mapping[str, Any]) -> Any:
        """Return ``sub`` (OpenID Connect) or, if it is missing, the value of ``ID_KEY``."""
        return profile.get("sub", profile.get(self.backend.id_key()))

    def _introspect(self, access_token: str) -> VerifierResponse:
        key, secret = self.client()
        backend = cast("BaseOAuth2[Any]", self.backend)
        url = introspection_url(backend) or _discovered_url(backend)
        data = {"token": access_token, "token_type_hint": "access_token"}
        auth = (key, secret) if backend.use_basic_auth() else None
        if auth is None:
            data.update(client_id=key, client_secret=secret)
        headers = {"Accept": "application/json"}
        return self.ask(url, method="POST", headers=headers, data=data, auth=auth)

    def _lifetime(self, response: VerifierResponse) -> int | None:
        now = time.time()
        if response.has("nbf") and response.number("nbf") > now + leeway(self.backend):
            raise AuthResponseError(self.backend, code="response_not_yet_valid", stage=_STAGE)
        if not response.has("exp"):
            return None
        lifetime = response.number("exp") - now
        if lifetime <= 0:
            raise self.expired()
        return int(lifetime)

    def _clients(self, response: VerifierResponse) -> frozenset[str]:
        """Return all clients, not only ``client_id``: another party may have the token as well."""
        clients = {response.identifier(name) for name in PARTIES if response.has(name)}
        if response.has("aud") or not clients:
            audience = response.content.get("aud")
            for each in audience if isinstance(audience, list) else [audience]:
                clients.add(VerifierResponse(self.backend, {"aud": each}).identifier("aud"))
        return frozenset(clients)


class OktaIntrospection(Introspection):
    """Okta, where ``sub`` is the login name ("OpenID Connect & OAuth 2.0 API")."""

    subject_claim = "uid"


def introspection_url(backend: BaseAuth[Any]) -> str | None:
    """Return the setting ``INTROSPECTION_URL``, or None.

    :raises AuthConfigurationError: it is not an HTTP URL.
    """
    setting = "INTROSPECTION_URL"
    try:
        # The strategy of social_django also accepts the name of a URL pattern.
        url = backend.setting(setting) or None
        is_url = url is None or urlsplit(url).scheme in {"http", "https"}
    except (ProjectError, TypeError, ValueError) as error:
        raise setting_error(backend, setting) from error
    if not is_url:
        raise setting_error(backend, setting)
    return cast("str | None", url)


def _is_other_token(response: VerifierResponse) -> bool:
    """Return whether this is a refresh token or an ID token: a server may ignore the hint.

    RFC 7662 section 2.1. Keycloak writes the type into ``typ``, Ory Hydra and Dex into
    ``token_use``.
    """
    types = (str(response.content.get(name)).lower() for name in TYPE_CLAIMS)
    return any("refresh" in each or each in _ID_TOKEN for each in types)


def _has_discovery(backend: Any) -> bool:
    return isinstance(backend, OIDCDiscoveryMixin) and find_discovery(backend) is not None


def _discovered_url(backend: Any) -> str:
    claim = "introspection_endpoint"  # RFC 8414 section 2.
    try:
        url = backend.oidc_config().get(claim)
    except SocialAuthBaseException as error:
        error.stage = _STAGE
        raise
    if url is None:
        code = "unsupported_feature"
        raise AuthInputError(backend, code=code, parameter="access_token", stage=_STAGE)
    if not isinstance(url, str):
        raise AuthResponseError(backend, code="malformed_response", claim=claim, stage=_STAGE)
    return url
