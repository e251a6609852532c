"""The token of ``rest_framework.authtoken``."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.authentication import TokenAuthentication
from rest_framework.request import Request

from social_endpoints.exceptions import LoginNotEnded
from social_endpoints.internal.accounts.logins import delete_token, delete_tokens
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login


class TokenSerializer(LoginSerializer):
    """``{"token": "…"}``, for ``rest_framework.authentication.TokenAuthentication``."""

    required_apps = ("rest_framework.authtoken",)
    authentication_classes = ("rest_framework.authentication.TokenAuthentication",)

    token = serializers.CharField(read_only=True)

    def issue(self, login: Login) -> dict[str, Any]:
        """Return the user's token. It is created at the first login."""
        token, _ = _get_model().objects.get_or_create(user=login.user)
        return {"token": token.key}

    def log_out(self, request: Request) -> None:
        """Delete the token of the request, which signs the user out on all devices.

        :raises LoginNotEnded: the request is not authenticated by a token of this model.
        """
        # A subclass of TokenAuthentication may have a model of its own.
        by = request.successful_authenticator
        model = by.get_model() if isinstance(by, TokenAuthentication) else _get_model()
        if not isinstance(request.auth, model):
            raise LoginNotEnded
        delete_token(request.auth)
        super().log_out(request)

    def revoke(self, user: Any) -> None:
        """Delete the user's token. The next login issues a new one."""
        delete_tokens(_get_model(), user)


def _get_model() -> Any:
    # Imported here, because the model exists only where its app is installed.
    from rest_framework.authtoken.models import Token

    return Token
