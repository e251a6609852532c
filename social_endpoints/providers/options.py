"""The settings of a provider that this app reads itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthConfigurationError


def lifetime(backend: BaseAuth[Any]) -> int:
    """Return the seconds for which a flow of this backend lives.

    :raises AuthConfigurationError: ``STATE_LIFETIME`` is no positive whole number.
    """
    seconds = backend.setting("STATE_LIFETIME", 1800)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds <= 0:
        raise AuthConfigurationError(
            backend, code="invalid_setting", parameter="STATE_LIFETIME", stage="begin"
        )
    return seconds


def stored_fields(backend: BaseAuth[Any]) -> set[str]:
    """Return the names of what begin keeps from its query for the pipeline."""
    return _names(backend.setting("FIELDS_STORED_IN_SESSION"))


def overridable_arguments(backend: BaseAuth[Any]) -> set[str]:
    """Return the names of what begin's query may say to the provider."""
    return _names(backend.setting("AUTH_EXTRA_ARGUMENTS_OVERRIDE_ALLOWLIST"))


def _names(value: str | Iterable[str] | None) -> set[str]:
    return {value} if isinstance(value, str) else set(value or ())
