"""Pushbullet's backend, handed what it takes for text."""

from __future__ import annotations

from typing import Any

from social_endpoints.internal.backends.extensions.bases import Pushbullet


class PushbulletUserId(Pushbullet):
    """A mixin above the backend's class, which encodes a token as if it were bytes."""

    def get_user_id(self, details: Any, response: Any) -> Any:
        """Return the identifier that Pushbullet has for the token's owner."""
        encoded = {**details, "username": str(details["username"]).encode()}
        return super().get_user_id(encoded, response)  # type: ignore[no-untyped-call]  # core's
