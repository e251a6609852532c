"""A token of django-rest-knox, which stores hashes and lets each device log out."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from knox import settings
from rest_framework import serializers

from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login


class KnoxTokenSerializer(LoginSerializer):
    """``{"token": "…", "expiry": "…"}``, for ``knox.auth.TokenAuthentication``."""

    required_apps = ("knox",)

    token = serializers.CharField(read_only=True)
    expiry = serializers.DateTimeField(read_only=True, allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        """Return the declared fields, the expiry in the format that knox is told to use."""
        found = super().get_fields()
        found["expiry"] = serializers.DateTimeField(
            format=settings.knox_settings.EXPIRY_DATETIME_FORMAT,
            read_only=True,
            allow_null=True,
        )
        return found

    def issue(self, login: Login) -> dict[str, Any]:
        """Return a new token of the user.

        :raises ValidationError: the user has ``TOKEN_LIMIT_PER_USER`` of them.
        """
        # Here, because the model cannot be imported where its app is not installed.
        from knox.models import get_token_model

        tokens = get_token_model().objects
        limit = settings.knox_settings.TOKEN_LIMIT_PER_USER
        if limit is not None:
            alive = Q(expiry__gt=timezone.now()) | Q(expiry__isnull=True)
            if tokens.filter(alive, user=login.user).count() >= limit:
                raise serializers.ValidationError(
                    {"non_field_errors": [_("This user has the most tokens that one may have.")]},
                    code="token_limit",
                )
        instance, token = tokens.create(user=login.user)
        return {"token": token, "expiry": instance.expiry}
