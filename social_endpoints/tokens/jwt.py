"""A pair of tokens of Simple JWT."""

from __future__ import annotations

from typing import Any

from django.utils.module_loading import import_string
from rest_framework import serializers
from rest_framework_simplejwt import settings as jwt_settings

from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login


class JWTSerializer(LoginSerializer):
    """``{"access": "…", "refresh": "…", "user": "…"}``, the body of djoser."""

    access = serializers.CharField(read_only=True)
    refresh = serializers.CharField(read_only=True)
    user = serializers.CharField(read_only=True)

    def issue(self, login: Login) -> dict[str, Any]:
        """Return a new pair, with the claims that the project adds to its own logins."""
        serializer = import_string(jwt_settings.api_settings.TOKEN_OBTAIN_SERIALIZER)
        refresh = serializer.get_token(login.user)
        return {"access": str(refresh.access_token), "refresh": str(refresh)}
