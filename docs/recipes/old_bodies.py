"""Bodies of other packages, for a frontend that cannot change at once."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from rest_framework import serializers

from social_endpoints.tokens import JWTSerializer, TokenSerializer


class TokenWithUser(TokenSerializer):
    """As ``social/token_user/`` of rest-social-auth."""

    id = serializers.IntegerField(source="user.pk", read_only=True)
    username = serializers.CharField(source="user.username", read_only=True)
    email = serializers.EmailField(source="user.email", read_only=True)
    first_name = serializers.CharField(source="user.first_name", read_only=True)
    last_name = serializers.CharField(source="user.last_name", read_only=True)


class TokenAndRefresh(JWTSerializer):
    """As ``social/jwt-pair/`` of rest-social-auth."""

    access = None
    user = None
    token = serializers.CharField(source="access", read_only=True)


class KeyToken(TokenSerializer):
    """As dj-rest-auth without ``USE_JWT``."""

    token = None
    key = serializers.CharField(source="token", read_only=True)


class UserDetails(serializers.ModelSerializer):
    """As ``user/`` of dj-rest-auth."""

    class Meta:
        model = get_user_model()
        fields = ("pk", "username", "email", "first_name", "last_name")


class PairWithUser(JWTSerializer):
    """As dj-rest-auth with ``USE_JWT`` and without ``JWT_AUTH_HTTPONLY``."""

    user = UserDetails(read_only=True)
