"""Whose tokens sign in natively: the project's own client ids."""

from __future__ import annotations

from typing import Any

from social_core.backends.apple import AppleIdAuth
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthConfigurationError


def own_client_ids(backend: BaseAuth[Any]) -> frozenset[str]:
    """Return the client ids of this project at a provider: of its page and of its apps.

    They are the backend's ``KEY`` (with Apple ``CLIENT``) and the list ``AUDIENCE``.

    :raises AuthConfigurationError: there are none, or one of them is no text.
    """
    key = "CLIENT" if isinstance(backend, AppleIdAuth) else "KEY"
    audience = backend.setting("AUDIENCE") or ()
    if isinstance(audience, str):
        audience = (audience,)
    if not isinstance(audience, (list, tuple, set, frozenset)):
        raise _wrong(backend, "invalid_setting", "AUDIENCE")
    ids = [*filter(None, [backend.setting(key)]), *audience]
    if not ids:
        raise _wrong(backend, "missing_setting", key)
    if not all(isinstance(each, str) and each for each in ids):
        raise _wrong(backend, "invalid_setting", "AUDIENCE")
    return frozenset(ids)


def _wrong(backend: BaseAuth[Any], code: str, parameter: str) -> AuthConfigurationError:
    return AuthConfigurationError(backend, code=code, parameter=parameter, stage="token_validation")
