"""The user's profile in the body of the 201."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from rest_framework import serializers

from social_endpoints.tokens import TokenSerializer


class ProfileSerializer(serializers.ModelSerializer):
    class Meta:
        model = get_user_model()
        fields = ("id", "username", "email")


class TokenWithProfile(TokenSerializer):
    user = ProfileSerializer(read_only=True)
    is_new_user = serializers.BooleanField(read_only=True)
