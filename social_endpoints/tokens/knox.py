"""The token of django-rest-knox: a new one for each login. Only its hash is stored."""

from __future__ import annotations

from typing import Any

from django.db import router
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from knox import settings
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.settings import api_settings

from social_endpoints.exceptions import LoginNotEnded
from social_endpoints.internal.accounts.logins import delete_token, delete_tokens
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login


class KnoxTokenSerializer(LoginSerializer):
    """``{"token": "…", "expiry": "…"}``, for ``knox.auth.TokenAuthentication``."""

    required_apps = ("knox",)
    authentication_classes = ("knox.auth.TokenAuthentication",)

    token = serializers.CharField(read_only=True)
    expiry = serializers.DateTimeField(read_only=True, allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields, with the expiry in knox's ``EXPIRY_DATETIME_FORMAT``."""
        all_fields = super().get_fields()
        all_fields["expiry"] = serializers.DateTimeField(
            format=settings.knox_settings.EXPIRY_DATETIME_FORMAT, read_only=True, allow_null=True
        )
        return all_fields

    def issue(self, login: Login) -> dict[str, Any]:
        """Return a new token.

        :raises ValidationError: the user has ``TOKEN_LIMIT_PER_USER`` valid tokens.
        """
        tokens = _get_model().objects
        stored = tokens.using(router.db_for_write(tokens.model))
        limit = settings.knox_settings.TOKEN_LIMIT_PER_USER
        if limit is not None:
            valid = Q(expiry__gt=timezone.now()) | Q(expiry__isnull=True)
            if stored.filter(valid, user=login.user).count() >= limit:
                # Translators: Shown to the user, who is signed in on too many devices.
                text = _("You are signed in on too many devices. Please sign out on one of them.")
                raise serializers.ValidationError(
                    {api_settings.NON_FIELD_ERRORS_KEY: [text]},
                    code="token_limit",
                )
        instance, token = tokens.create(user=login.user)
        return {"token": token, "expiry": instance.expiry}

    def log_out(self, request: Request) -> None:
        """Delete the token of the request.

        :raises LoginNotEnded: the request is not authenticated by a token of knox.
        """
        if not isinstance(request.auth, _get_model()):
            raise LoginNotEnded
        delete_token(request.auth)
        super().log_out(request)

    def revoke(self, user: Any) -> None:
        """Delete all tokens of the user."""
        delete_tokens(_get_model(), user)


def _get_model() -> Any:
    # Imported here, because the model exists only where its app is installed.
    from knox.models import get_token_model

    return get_token_model()
