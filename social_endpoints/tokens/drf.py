"""The token of DRF's own ``rest_framework.authtoken``."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.db import IntegrityError, router, transaction
from rest_framework import serializers

from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login


class TokenSerializer(LoginSerializer):
    """``{"token": "…"}``, for ``rest_framework.authentication.TokenAuthentication``."""

    required_apps = ("rest_framework.authtoken",)
    user_relations = ("auth_token",)

    token = serializers.CharField(read_only=True)

    def issue(self, login: Login) -> dict[str, Any]:
        """Return the user's one token, which is created at the first login."""
        # Here, because the model cannot be imported where its app is not installed.
        from rest_framework.authtoken.models import Token

        user = login.user
        relation = Token._meta.get_field("user").remote_field
        token: Any = relation.get_cached_value(user, default=None)
        if token is not None and token.pk is None:  # Somebody has deleted it.
            token = None
        # Whether there is one is known of a newcomer, and where it was looked for with the user.
        if token is None and (login.is_new or relation.is_cached(user)):
            with suppress(IntegrityError), transaction.atomic(using=router.db_for_write(Token)):
                token = Token.objects.create(user=user)
        if token is None:
            token, _ = Token.objects.get_or_create(user=user)
        return {"token": token.key}
