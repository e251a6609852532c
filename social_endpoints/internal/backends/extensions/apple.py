"""What Apple posts beside the code, read with care."""

from __future__ import annotations

import json
from typing import Any

from social_core.exceptions import AuthInputError, ErrorStage

from social_endpoints.internal.backends.extensions.bases import Apple

_USER = "user"


class AppleUser(Apple):
    """A mixin above the backend's class: the user's name comes through the browser."""

    def auth_complete(self, *args: Any, **kwargs: Any) -> Any:
        """Complete as the backend does.

        :raises AuthInputError: ``user`` is not what Apple sends at a first login: JSON
            as ``{"name": {"firstName": …, "lastName": …}, "email": …}`` (Apple, "Request
            an authorization to the Sign in with Apple server").
        """
        self._require_user("callback")
        return super().auth_complete(*args, **kwargs)

    def do_auth(self, *args: Any, **kwargs: Any) -> Any:
        """Sign in with a token as the backend does; an app may post ``user`` beside it.

        :raises AuthInputError: as above.
        """
        self._require_user("token_validation")
        backend: Any = super()  # It is not typed.
        return backend.do_auth(*args, **kwargs)

    def _require_user(self, stage: ErrorStage) -> None:
        if not _is_user(self.data.get(_USER, "{}")):
            raise AuthInputError(self, parameter=_USER, stage=stage)


def _is_user(text: str) -> bool:
    try:
        user = json.loads(text)
        # JSON can write half a surrogate pair, which no database takes, nor a zero.
        json.dumps(user, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    name = user.get("name", {}) if isinstance(user, dict) else None
    return isinstance(name, dict) and all(
        value is None or (isinstance(value, str) and "\0" not in value) for value in name.values()
    )
