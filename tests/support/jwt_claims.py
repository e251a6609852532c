"""A project's own serializer of Simple JWT's tokens."""

from __future__ import annotations

from typing import Any

from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.tokens import Token


class WithClaims(TokenObtainPairSerializer):
    """Adds the e-mail address as a claim, as Simple JWT documents it."""

    @classmethod
    def get_token(cls, user: Any) -> Token:
        token = super().get_token(user)
        token["email"] = user.email
        return token
