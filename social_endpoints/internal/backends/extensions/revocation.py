"""How a provider is told that a token is no longer wanted (RFC 7009)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from social_core.backends.oauth import BaseOAuth2, OAuthAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthCredentialError, AuthResponseError

from social_endpoints.internal.backends.extensions.bases import Backend

_OF_CORE = (
    OAuthAuth.revoke_token,
    OAuthAuth.revoke_token_url,
    OAuthAuth.revoke_token_params,
    OAuthAuth.revoke_token_headers,
    OpenIdConnectAuth.revoke_token_url,
)


@dataclass(frozen=True)
class Revocation:
    """A token that is to be revoked, and what asks the provider to."""

    token: Any = field(repr=False)
    uid: str
    revoke: Callable[[], Any] = field(repr=False, compare=False)


class Revoking(Backend):
    """A mixin above the backend's class: a token is revoked with no transaction open.

    An unlinking runs its pipeline in a transaction. There, what is to be revoked is noted
    in ``strategy.revocations``, for whoever runs the pipeline. Else it is revoked at once.
    """

    def revoke_token(self, token: Any, uid: str) -> Any:
        """Revoke a token, or note it; a protocol without tokens has none to revoke."""
        strategy: Any = self.strategy
        if not isinstance(self, OAuthAuth):
            return None
        if strategy.revocations is None:
            return self._revoke(token, uid)
        revoke = partial(self._revoke, token, uid)
        strategy.revocations.append(Revocation(token, uid, revoke))
        return None

    def _revoke(self, token: Any, uid: str) -> Any:
        backend: Any = self
        try:
            if _says_nothing(type(backend)):
                return _revoke_as_the_standard_says(backend, token, uid)
            return super().revoke_token(token, uid)  # type: ignore[misc]  # of an OAuthAuth
        except AuthCredentialError as error:
            # Google's answer to a token that has expired. It is good for nothing any more,
            # and that is success (RFC 7009 section 2.2).
            if error.provider_code != "invalid_token":
                raise
        except AuthResponseError as error:
            # A discovery need not have it (RFC 8414 section 2). Then there is nobody to ask.
            if error.claim != "revocation_endpoint":
                raise
        return None


def _says_nothing(backend: type[Any]) -> bool:
    """Say whether the backend leaves all to core, which would then not send the token."""
    below = super(Revoking, backend)
    return issubclass(backend, BaseOAuth2) and all(
        getattr(below, method.__name__) in _OF_CORE for method in _OF_CORE
    )


def _revoke_as_the_standard_says(backend: Any, token: Any, uid: str) -> Any:
    """Post the token, with the client authenticated as at the token endpoint (section 2.1)."""
    url = backend.revoke_token_url(token, uid)
    if not url:
        return None
    data = {"token": token}
    if not backend.use_basic_auth():
        data["client_id"], data["client_secret"] = backend.get_key_and_secret()
    return backend.request(
        url,
        method="POST",
        data=data,
        auth=backend.auth_complete_credentials(),
        stage="disconnect",
    )
