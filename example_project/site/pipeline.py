"""Steps of the pipeline that ask a new user for a name, and store it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from rest_framework import serializers

from social_endpoints.pipeline import require_fields


class SignUpSerializer(serializers.Serializer[Any]):
    """The form for new users."""

    display_name = serializers.CharField(
        min_length=2, max_length=30, help_text="Other members see this name."
    )
    newsletter = serializers.ChoiceField(
        choices=[("never", "Never"), ("monthly", "Once a month"), ("weekly", "Once a week")],
        required=False,
        help_text="The example sends no e-mail.",
    )
    terms = serializers.BooleanField(label="I accept the terms of the example")

    def validate_terms(self, value: bool) -> bool:
        if not value:
            raise serializers.ValidationError("An account needs your consent.")
        return value


def is_sign_up(backend: Any, user: User | None = None, **kwargs: Any) -> bool:
    """Return whether a new user signs in with the second provider.

    The first provider shows the shortest login, which does not pause.
    """
    return user is None and backend.name == "demo-oauth2"


ask_display_name = require_fields(SignUpSerializer, when=is_sign_up)


def save_display_name(user: User, answers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    if answers:
        user.first_name = answers["display_name"]
        user.save(update_fields=["first_name"])
