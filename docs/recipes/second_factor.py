"""A step for SOCIAL_AUTH_PIPELINE that asks for a second factor."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache, caches
from django.core.cache.backends.db import DatabaseCache
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from django_otp import match_token, user_has_device
from rest_framework import serializers

from social_endpoints.pipeline import require_fields

MAX_ATTEMPTS = 5
WINDOW = 15 * 60  # seconds


class CodeSerializer(serializers.Serializer[Any]):
    otp_code = serializers.CharField(label=_("Code of your authenticator app"), max_length=16)

    def validate_otp_code(self, value: str) -> str:
        user = self.context["user"]
        # A wrong code rolls the database back, so the counter must be outside of it.
        if isinstance(caches["default"], DatabaseCache):
            raise ImproperlyConfigured("The second factor needs a cache outside of the database.")
        key = f"second-factor-{user.pk}"
        cache.add(key, 0, WINDOW)
        if cache.incr(key) > MAX_ATTEMPTS:
            raise serializers.ValidationError(_("Too many attempts. Please try again later."))
        if match_token(user, value) is None:
            raise serializers.ValidationError(_("This code is wrong."))
        cache.delete(key)
        return "verified"  # The flow does not need the code.


def has_second_factor(user: Any = None, **kwargs: Any) -> bool:
    return user is not None and user_has_device(user)


require_second_factor = require_fields(CodeSerializer, when=has_second_factor)
