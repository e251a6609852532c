"""The keys that a provider signs its ID tokens with (RFC 7517)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthResponseError

from social_endpoints.internal.backends.extensions.signing_keys import remembered_keys


def key_sets(backend: BaseAuth[Any], uri: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the keys at a URI that are known, and after these those that are there now.

    Whoever finds the right key among the first goes no further. Who does not has them fetched
    again, once a minute: a provider may have a new key, under a new name, the old one, or none,
    and anybody can sign with one that there is not.

    :raises SocialAuthBaseException: the provider cannot be asked, or answers with no keys.
    """
    return remembered_keys(backend, uri, partial(_fetched, backend, uri)).versions(paused=True)


def _fetched(backend: BaseAuth[Any], uri: str) -> list[dict[str, Any]]:
    try:
        answer = backend.get_json(uri, stage="token_validation")
    except RecursionError:
        answer = None
    fetched = answer.get("keys") if isinstance(answer, dict) else None
    if not isinstance(fetched, list) or not all(isinstance(key, dict) for key in fetched):
        code = "malformed_response"
        raise AuthResponseError(backend, code=code, claim="keys", stage="token_validation")
    return fetched
