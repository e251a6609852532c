"""The user's profile: for ``me/`` and for the 201 of a login."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from rest_framework import serializers

from social_endpoints.tokens import TokenSerializer


class ProfileSerializer(serializers.ModelSerializer):
    providers = serializers.SerializerMethodField()

    class Meta:
        model = get_user_model()
        fields = ("id", "username", "email", "providers")

    def get_providers(self, user: Any) -> list[str]:
        return list(user.social_auth.values_list("provider", flat=True))


class TokenWithProfile(TokenSerializer):
    user = ProfileSerializer(read_only=True)
    signed_in_with = serializers.CharField(source="provider", read_only=True)
