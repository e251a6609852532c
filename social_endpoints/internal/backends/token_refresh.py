"""Ask a provider for a new access token, and merge its response into the stored extra data."""

from __future__ import annotations

from typing import Any

from social_core.exceptions import AuthResponseError

from social_endpoints.internal.backends.extensions.encrypted_tokens import token_aliases
from social_endpoints.internal.backends.id_tokens.refreshed import keep_valid_id_token
from social_endpoints.internal.connections.encryption import STATE, as_dictionary, to_stored
from social_endpoints.internal.connections.stored_tokens import StoredTokens, is_token
from social_endpoints.internal.connections.token_state import (
    LIFETIMES,
    TokenState,
    describe,
    with_auth_time,
)
from social_endpoints.internal.flows.columns import replace_unstorable


def ask_for_tokens(
    backend: Any, social: Any, stored: StoredTokens, refresh_token: str
) -> dict[str, Any]:
    """Send a refresh token to the provider, and return its response.

    :param social: the row of the connection.
    :param stored: its tokens.
    :param refresh_token: what ``backend.get_refresh_token()`` has returned.
    :raises SocialAuthBaseException: the provider has failed, or has rejected the refresh token.
    """
    options = backend.get_refresh_token_kwargs(stored.extra_data)
    response: dict[str, Any] = backend.refresh_token(refresh_token, **options)
    replace_unstorable(response)
    _require_well_formed(backend, response)
    keep_valid_id_token(backend, response, stored.extra_data, social)
    return response


def merge(backend: Any, social: Any, user: Any, response: dict[str, Any]) -> dict[str, Any]:
    """Return the extra data of a connection with new tokens, and with its ``auth_time``."""
    plain = StoredTokens.read(social.extra_data).extra_data
    values = backend.extra_data(user, social.uid, response, plain, {})
    old = as_dictionary(social.extra_data)
    merged = {name: value for name, value in old.items() if name not in LIFETIMES}
    merged |= {name: value for name, value in values.items() if value is not None}
    auth_time = old.get("auth_time")
    if isinstance(auth_time, int):
        merged = with_auth_time(merged, auth_time)
    else:
        merged.pop("auth_time", None)
    return to_stored(merged, token_aliases(backend))


def mark(extra_data: Any) -> dict[str, Any]:
    """Return ``extra_data`` with the mark that only a new login or connect can help."""
    stored = StoredTokens.read(extra_data)
    state = TokenState(stored.state.expires_at, stored.state.scopes, needs_reconnect=True)
    token = stored.extra_data.get("access_token")
    return {**as_dictionary(extra_data), STATE: describe(token, state)}


def _require_well_formed(backend: Any, response: dict[str, Any]) -> None:
    """Refuse tokens of another type than text, and remove an empty refresh token."""
    if not response.get("refresh_token"):
        response.pop("refresh_token", None)
    for name in ("access_token", "refresh_token", "token_type"):
        value = response.get(name)
        is_optional = name != "access_token" and value is None
        is_type = name == "token_type" and isinstance(value, str)
        if not is_optional and not is_type and not is_token(value):
            raise AuthResponseError(backend, code="malformed_response", claim=name, stage="refresh")
