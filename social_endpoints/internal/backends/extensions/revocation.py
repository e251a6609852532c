"""Token revocation (RFC 7009) when a user disconnects a provider."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from social_core.backends.oauth import BaseOAuth2, OAuthAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthCredentialError, AuthResponseError

from social_endpoints.internal.backends.extensions.bases import Backend
from social_endpoints.internal.connections.encryption import LostToken, reveal
from social_endpoints.internal.log.events import log_event

_SOCIAL_CORE_METHODS = (
    OAuthAuth.revoke_token,
    OAuthAuth.revoke_token_url,
    OAuthAuth.revoke_token_params,
    OAuthAuth.revoke_token_headers,
    OpenIdConnectAuth.revoke_token_url,
)


@dataclass(frozen=True)
class Revocation:
    """A token to revoke, and the function that revokes it."""

    token: Any = field(repr=False)
    uid: str
    revoke: Callable[[], Any] = field(repr=False, compare=False)


class TokenRevocation(Backend):
    """Revoke tokens after the transaction of a disconnect, and as RFC 7009 requires.

    The disconnect pipeline runs in a transaction, in which no request may be sent. If
    ``strategy.revocations`` is a list, revocations are appended to it.

    social-core's ``revoke_token()`` does not send the token unless the backend overrides
    ``revoke_token_params()``. It raises an exception if the token has expired, or if the
    discovery document has no ``revocation_endpoint``. Remove ``_revoke()`` when
    ``OAuthAuth.revoke_token()`` follows RFC 7009.
    """

    def revoke_token(self, token: Any, uid: str) -> Any:
        """Revoke a token, now or later. Does nothing for protocols without tokens.

        social-core's pipeline passes the stored token, which may be encrypted. A token that cannot
        be decrypted is not revoked.
        """
        if not isinstance(self, OAuthAuth):
            return None
        try:
            token = reveal(token)
        except LostToken:
            log_event("revocation skipped", logging.WARNING, provider=self.name, cause="lost_token")
            return None
        if not token:
            return None
        # The strategy may be one of social_django.
        revocations = getattr(self.strategy, "revocations", None)
        if revocations is None:
            return self._revoke(token, uid)
        revocations.append(Revocation(token, uid, partial(self._revoke, token, uid)))
        return None

    def _revoke(self, token: Any, uid: str) -> Any:
        backend: Any = self
        try:
            if _has_default_revocation(type(backend)):
                return _revoke(backend, token, uid)
            return super().revoke_token(token, uid)  # type: ignore[misc]  # only OAuthAuth has it
        except AuthCredentialError as error:
            # Google's response for an expired token: a success by RFC 7009 section 2.2.
            if error.provider_code != "invalid_token":
                raise
        except AuthResponseError as error:
            # The endpoint is optional (RFC 8414 section 2).
            if error.claim != "revocation_endpoint":
                raise
        return None


def _has_default_revocation(backend: type[Any]) -> bool:
    inherited = super(TokenRevocation, backend)
    return issubclass(backend, BaseOAuth2) and all(
        getattr(inherited, method.__name__) in _SOCIAL_CORE_METHODS
        for method in _SOCIAL_CORE_METHODS
    )


def _revoke(backend: Any, token: Any, uid: str) -> Any:
    """Post the token, with the client authentication of the token endpoint (section 2.1)."""
    url = backend.revoke_token_url(token, uid)
    if not url:
        return None
    data = {"token": token}
    if not backend.use_basic_auth():
        data["client_id"], data["client_secret"] = backend.get_key_and_secret()
    auth = backend.auth_complete_credentials()
    return backend.request(url, method="POST", data=data, auth=auth, stage="disconnect")
