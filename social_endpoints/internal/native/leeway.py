"""By how much the project's clock and a provider's may differ."""

from __future__ import annotations

from math import isfinite
from typing import Any

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthConfigurationError


def leeway_of(backend: BaseAuth[Any]) -> float:
    """Return the seconds by which clocks may differ, by the backend's ``JWT_LEEWAY``.

    :raises AuthConfigurationError: that is no number of seconds.
    """
    default = getattr(backend, "JWT_LEEWAY", 1.0)
    leeway = backend.setting("JWT_LEEWAY", default)
    is_number = isinstance(leeway, (int, float)) and not isinstance(leeway, bool)
    if not is_number or not (isfinite(leeway) and leeway >= 0):
        raise AuthConfigurationError(backend, parameter="JWT_LEEWAY", stage="token_validation")
    return float(leeway)
