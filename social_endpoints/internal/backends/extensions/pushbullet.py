"""Pushbullet's backend, handed what it takes for text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from social_core.backends.pushbullet import PushbulletOAuth2

# The backends of social-core 7 are generic, those of 6 are not.
if TYPE_CHECKING:
    _PushbulletOAuth2 = PushbulletOAuth2[Any]
else:
    _PushbulletOAuth2 = PushbulletOAuth2


class Pushbullet(_PushbulletOAuth2):
    """A mixin above the backend's class, which encodes a token as if it were bytes."""

    def get_user_id(self, details: Any, response: Any) -> Any:
        """Return the identifier that Pushbullet has for the token's owner."""
        encoded = {**details, "username": str(details["username"]).encode()}
        return super().get_user_id(encoded, response)  # type: ignore[no-untyped-call]  # core's
