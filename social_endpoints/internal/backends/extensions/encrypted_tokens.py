"""Encrypted tokens of ``extra_data``, where social-core passes them to a backend."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthResponseError

from social_endpoints.internal.backends.extensions.bases import Backend
from social_endpoints.internal.connections.encryption import (
    is_readable,
    is_secret_name,
    to_plain,
    to_stored,
)
from social_endpoints.internal.errors.redaction import texts


class EncryptedTokens(Backend):
    """Encrypt the tokens that a login or refresh stores, and decrypt those that a refresh sends.

    A token that cannot be decrypted counts as missing, so it is never sent to a provider. It must
    be the outermost mixin that overrides ``extra_data()``.
    """

    def extra_data(
        self, user: Any, uid: str, response: Any, details: Any, pipeline_kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the extra data to store.

        :raises AuthResponseError: it contains an encrypted token that the row does not contain. A
            user or a provider has copied it from a backup. If it was stored, it would be decrypted
            and sent to this provider.
        """
        data = super().extra_data(user, uid, response, details, pipeline_kwargs)
        social = pipeline_kwargs.get("social")
        stored = getattr(social, "extra_data", None) if pipeline_kwargs else details
        if any(map(is_readable, {*texts(data, inf)} - {*texts(stored, inf)})):
            raise AuthResponseError(self, code="malformed_response", stage="user_info")
        return to_stored(data, token_aliases(self))

    def get_refresh_token(self, extra_data: dict[str, Any]) -> str | None:
        return super().get_refresh_token(to_plain(extra_data))

    def get_refresh_token_kwargs(self, extra_data: dict[str, Any]) -> dict[str, Any]:
        return super().get_refresh_token_kwargs(to_plain(extra_data))


def token_aliases(
    backend: BaseAuth[Any], is_token: Callable[[str], bool] = is_secret_name
) -> frozenset[str]:
    """Return the names under which a backend stores tokens, as its ``EXTRA_DATA`` defines them.

    For example ``rt`` for ``SOCIAL_AUTH_X_EXTRA_DATA = [("refresh_token", "rt")]``.

    :param is_token: whether a name in a response is that of such a token.
    """
    entries: Any = [*(backend.EXTRA_DATA or ()), *(backend.setting("EXTRA_DATA") or ())]
    pairs = [each for each in entries if isinstance(each, (list, tuple)) and len(each) > 1]
    return frozenset(alias for name, alias, *_ in pairs if is_token(name))
