"""Access tokens of Simple JWT with the time of the login, also after a refresh."""

from __future__ import annotations

import time
from typing import Any

from rest_framework.request import Request
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer

MAX_AGE = 600  # seconds


class TokenPair(TokenObtainPairSerializer):
    @classmethod
    def get_token(cls, user: Any) -> Any:
        """Return a refresh token, which copies its claims to its access tokens."""
        token = super().get_token(user)
        token["auth_time"] = int(time.time())
        return token


def jwt_is_recent(request: Request) -> bool:
    return bool(time.time() - request.auth.get("auth_time", 0) < MAX_AGE)
