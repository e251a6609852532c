"""The keys that ID tokens are signed with (RFC 7517), remembered for the project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from jwt import InvalidKeyError, PyJWKError
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthResponseError

from social_endpoints.internal.backends.extensions.bases import Backend
from social_endpoints.internal.backends.extensions.cached_by_core import fetched, is_cores
from social_endpoints.internal.network.document_cache import Remembered

_METHODS = ("get_jwks_keys", "get_jwks_keys_for_uri", "get_remote_jwks_keys")


def remembering(backend: Any) -> Iterator[Any]:
    """Yield the mixins that go above a backend's class, where it fetches as social-core does.

    A project's class that has a way of its own keeps it.
    """
    for kind, mixin in ((OpenIdConnectAuth, RememberedKeys), (AzureADOAuth2, MicrosoftKeys)):
        if issubclass(backend, kind) and is_cores(backend, *_METHODS):
            yield mixin


def remembered_keys(backend: Any, uri: str, fetch: Callable[[], Any]) -> Remembered:
    """Return the keys at a URI (RFC 7517 section 5), a list of dictionaries.

    :param fetch: asks the provider.
    """
    return Remembered("jwks", backend, uri, fetch, _are_keys)


class RememberedKeys(Backend):
    """A mixin above the backend's class: the keys that ID tokens are signed with.

    A token that those which are known have not signed is verified with those that there are
    now: a provider changes its keys at any moment, and may keep their names. There is no
    pause as in native sign-in, because it is the provider itself who has sent the token.
    """

    _versions: Iterator[list[dict[str, Any]]] = iter(())
    _tried: list[dict[str, Any]] | None = None

    @property
    def get_jwks_keys_for_uri(self) -> Any:
        """Return social-core's method. Who has it forget keys is given newer ones here, too.

        That is how core looks for a key, and how a verification of the project's may do it.
        """
        known: Any = super()
        method: Any = partial(known.get_jwks_keys_for_uri)
        method.refresh = known.get_jwks_keys_for_uri.refresh

        def invalidate(*which: Any) -> None:
            known.get_jwks_keys_for_uri.invalidate(*which)
            self._tried = next(self._versions, self._tried)

        method.invalidate = invalidate
        return method

    def get_jwks_keys(self) -> list[dict[str, Any]]:
        """Return the keys that a token is being verified with."""
        if self._tried is None:
            self._versions = self._keys().versions(paused=False)
            self._tried = next(self._versions)
        return [dict(key) for key in self._tried]  # Core writes into them.

    def decode_and_validate_id_token(self, id_token: str, access_token: str) -> Any:
        """Return the claims of a token."""
        known: Any = super()
        return self._with_each(partial(known.decode_and_validate_id_token, id_token, access_token))

    def _with_each(self, verify: Callable[[], Any]) -> Any:
        failure = AuthResponseError(self, code="invalid_signature", stage="token_validation")
        self._versions = self._keys().versions(paused=False)
        for keys in self._versions:
            self._tried = keys
            try:
                return verify()
            except AuthResponseError as error:
                is_none = isinstance(error.__cause__, (PyJWKError, InvalidKeyError))
                if error.code != "invalid_signature" and not is_none:
                    raise
                failure = error
        raise failure

    def _keys(self) -> Remembered:
        backend: Any = self
        known: Any = super()
        uri = backend.jwks_uri()
        fetch = partial(fetched, known.get_jwks_keys_for_uri, self, uri)
        return remembered_keys(self, uri, fetch)


class MicrosoftKeys(RememberedKeys):
    """The same for Microsoft, whose backend verifies under another name."""

    def validate_and_return_id_token(self, id_token: str) -> Any:
        """Return the claims of a token."""
        known: Any = super()
        return self._with_each(partial(known.validate_and_return_id_token, id_token))


def _are_keys(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(key, dict) for key in value)
