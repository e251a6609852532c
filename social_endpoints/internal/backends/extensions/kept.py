"""What a sign-in without a redirect leaves of what one with it has stored."""

from __future__ import annotations

from time import time
from typing import Any

from social_core.backends.base import BaseAuth

from social_endpoints.internal.backends.extensions.bases import Backend

_NATIVE = "social_endpoints.native"


def keep_stored(backend: BaseAuth[Any]) -> None:
    """Have this login, also after a pause, take nothing out of ``extra_data``.

    A native app's token comes without what a token endpoint adds: a refresh token, an ID
    token. Core would write None in their place.
    """
    backend.strategy.session_set(_NATIVE, True)


class KeptExtraData(Backend):
    """A mixin above the backend's class, around what is stored of a login."""

    def extra_data(
        self, user: Any, uid: str, response: Any, details: Any, pipeline_kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Return what to store, over what is there: without None, where that is to be kept."""
        data = super().extra_data(user, uid, response, details, pipeline_kwargs)
        if not self.strategy.session_get(_NATIVE):
            return data
        told = {name: value for name, value in data.items() if value is not None}
        if "access_token" not in told:
            told.update(_lifetime_left(pipeline_kwargs.get("social")))
        return told


def _lifetime_left(social: Any) -> dict[str, int]:
    """Return the lifetime of the access token that is kept, in seconds from now.

    It is stored in seconds from ``auth_time``, which is the time of the last login.
    """
    stored = getattr(social, "extra_data", None) or {}
    try:
        return {"expires_in": int(stored["auth_time"]) + int(stored["expires_in"]) - int(time())}
    except (KeyError, TypeError, ValueError, OverflowError):
        return {}  # There is none, or it says nothing.
