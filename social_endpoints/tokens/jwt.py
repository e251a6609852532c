"""The token pair of Simple JWT, in the body."""

from __future__ import annotations

from typing import Any

from django.utils.module_loading import import_string
from rest_framework import serializers
from rest_framework_simplejwt import settings as jwt_settings

from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login


class JWTSerializer(LoginSerializer):
    """``{"access": "…", "refresh": "…", "user": "…"}``, as in djoser."""

    access = serializers.CharField(read_only=True)
    refresh = serializers.CharField(read_only=True)
    user = serializers.CharField(read_only=True)

    def issue(self, login: Login) -> dict[str, Any]:
        """Return a new token pair from Simple JWT's ``TOKEN_OBTAIN_SERIALIZER``."""
        serializer = import_string(jwt_settings.api_settings.TOKEN_OBTAIN_SERIALIZER)
        refresh = serializer.get_token(login.user)
        return {"access": str(refresh.access_token), "refresh": str(refresh)}
