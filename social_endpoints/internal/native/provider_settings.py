"""Settings of a provider that token verification reads."""

from __future__ import annotations

from math import isfinite
from typing import Any, cast
from urllib.parse import urlsplit

from django.urls import NoReverseMatch
from social_core.backends.apple import AppleIdAuth
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthConfigurationError


def own_client_ids(backend: BaseAuth[Any]) -> frozenset[str]:
    """Return the project's client ids: ``KEY`` (for Apple ``CLIENT``) and the list ``AUDIENCE``.

    :raises AuthConfigurationError: there is none, or one of them is not a non-empty string.
    """
    key = "CLIENT" if isinstance(backend, AppleIdAuth) else "KEY"
    audience = backend.setting("AUDIENCE") or ()
    if isinstance(audience, str):
        audience = (audience,)
    if not isinstance(audience, (list, tuple, set, frozenset)):
        raise _error(backend, "AUDIENCE")
    client_ids = [*filter(None, [backend.setting(key)]), *audience]
    if not client_ids:
        raise _error(backend, key, code="missing_setting")
    if not all(isinstance(each, str) and each for each in client_ids):
        raise _error(backend, "AUDIENCE")
    return frozenset(client_ids)


def leeway(backend: BaseAuth[Any]) -> float:
    """Return how many seconds clocks may differ: the setting ``JWT_LEEWAY``.

    :raises AuthConfigurationError: it is not a number, or it is negative or infinite.
    """
    value = backend.setting("JWT_LEEWAY", getattr(backend, "JWT_LEEWAY", 1.0))
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not (isfinite(value) and value >= 0):
        raise _error(backend, "JWT_LEEWAY")
    return float(value)


def introspection_url(backend: BaseAuth[Any]) -> str | None:
    """Return the setting ``INTROSPECTION_URL``, or None.

    :raises AuthConfigurationError: it is not an HTTP URL.
    """
    setting = "INTROSPECTION_URL"
    try:
        # Django's strategy also accepts the name of a URL pattern of the project.
        url = backend.setting(setting) or None
        is_url = url is None or urlsplit(url).scheme in {"http", "https"}
    except (NoReverseMatch, TypeError, ValueError) as error:
        raise _error(backend, setting) from error
    if not is_url:
        raise _error(backend, setting)
    return cast("str | None", url)


def _error(
    backend: BaseAuth[Any], parameter: str, *, code: str = "invalid_setting"
) -> AuthConfigurationError:
    return AuthConfigurationError(backend, code=code, parameter=parameter, stage="token_validation")
