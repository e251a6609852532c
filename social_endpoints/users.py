"""The serializer of a user, for ``GET me/`` and for the response of a login."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from social_endpoints.conf import import_setting

__all__ = ["UserSerializer"]


class PrimaryKeyField(serializers.IntegerField):
    """The primary key of a row: an integer, unless the project's model has another type."""

    def to_representation(self, value: Any) -> Any:
        """Return an integer unchanged, any other key as text, and several columns as a list."""
        if isinstance(value, tuple):
            return [self.to_representation(each) for each in value]
        return value if isinstance(value, int) else str(value)


class UserSerializer(serializers.Serializer[Any]):
    """``{"id": …, "username": "…", "email": "…", "name": "…"}``, with any user model.

    Subclass it, or write a serializer of your own, and name the class in the setting
    ``USER_SERIALIZER``. The context of the serializer contains DRF's ``request`` and the ``view``.
    """

    id = PrimaryKeyField(source="pk", read_only=True)
    username = serializers.SerializerMethodField(help_text="Name that identifies the user.")
    email = serializers.SerializerMethodField(
        help_text="E-mail address. Empty if the user has none."
    )
    name = serializers.SerializerMethodField(help_text="Full name. Empty if it is unknown.")

    def get_username(self, user: Any) -> str:
        """Return the value of the model's ``USERNAME_FIELD``."""
        method = getattr(user, "get_username", None)
        return _to_text(method() if callable(method) else getattr(user, "username", None))

    def get_email(self, user: Any) -> str:
        """Return the value of the model's ``EMAIL_FIELD``."""
        method = getattr(user, "get_email_field_name", None)
        return _to_text(getattr(user, method() if callable(method) else "email", None))

    def get_name(self, user: Any) -> str:
        """Return ``get_full_name()``, or the attribute ``name`` of models without full names."""
        # Django's method returns "None None" for models that have replaced both columns with None.
        has_names = all(getattr(user, each, "") is not None for each in ("first_name", "last_name"))
        method = getattr(user, "get_full_name", None)
        full_name = method() if has_names and callable(method) else None
        return _to_text(full_name or getattr(user, "name", None))


def get_user_serializer_class() -> Any:
    """Return the class that the setting ``USER_SERIALIZER`` names.

    :raises ImproperlyConfigured: it is not a serializer of DRF.
    """
    return import_setting("USER_SERIALIZER", serializers.BaseSerializer)


def _to_text(value: Any) -> str:
    return "" if value is None or callable(value) else str(value)
