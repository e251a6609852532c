"""Authentication classes of a project."""

from __future__ import annotations

from typing import Any

from rest_framework.authtoken.models import Token

TOKEN = "rest_framework.authentication.TokenAuthentication"
SESSION = "rest_framework.authentication.SessionAuthentication"
STATELESS = f"{__name__}.StatelessAuthentication"
FIXED = f"{__name__}.FixedAuthentication"

CSRF_HEADERS = {"X-CSRFToken": "a" * 32, "Referer": "https://testserver/"}
"""With the cookie ``csrftoken`` of the same value."""


class StatelessUser:
    """A user without a row, as stateless JWT authentication provides it."""

    is_authenticated = True

    def __init__(self, pk: Any) -> None:
        self.pk = self.id = pk


class StatelessAuthentication:
    """Authenticates a token without reading the user's row."""

    def authenticate(self, request: Any) -> Any:
        key = request.headers["Authorization"].removeprefix("Token ")
        return StatelessUser(Token.objects.get(key=key).user_id), None

    def authenticate_header(self, request: Any) -> str:
        return "Token"


class FixedAuthentication:
    """Authenticates every request as the same object."""

    user: Any = None

    def authenticate(self, request: Any) -> Any:
        return self.user, None

    def authenticate_header(self, request: Any) -> str:
        return "Test"
