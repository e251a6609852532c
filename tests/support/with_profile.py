"""Subclasses of the shipped token serializers that add the user's profile, as documented."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from rest_framework import serializers

from social_endpoints import tokens


class ProfileSerializer(serializers.ModelSerializer[Any]):
    class Meta:
        model = get_user_model()
        fields = ("username", "email")


@cache
def __getattr__(name: str) -> Any:
    if not name.endswith("Serializer"):
        raise AttributeError(name)
    shipped: Any = getattr(tokens, name)

    class TokenWithProfile(shipped):
        profile = ProfileSerializer(source="user")
        is_new_user = serializers.BooleanField(source="is_new")

    return TokenWithProfile
