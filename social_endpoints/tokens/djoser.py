"""The token strategies of djoser: any class with ``obtain(user)``."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from social_endpoints.conf import djoser_token_strategy, import_path
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login


class DjoserSerializer(LoginSerializer):
    """Whatever ``DJOSER["SOCIAL_AUTH_TOKEN_STRATEGY"]`` obtains for the user."""

    def to_representation(self, instance: Login) -> dict[str, Any]:
        """Return what the strategy obtained, with the user as text as in djoser."""
        obtained = token_strategy().obtain(instance.user)
        body = {name: _plain(value) for name, value in obtained.items()}
        return {**body, **super().to_representation(instance)}


def token_strategy() -> Any:
    """Return the class that djoser was told to issue tokens with.

    :raises ImproperlyConfigured: it cannot be imported, or is no such class.
    """
    setting = "DJOSER['SOCIAL_AUTH_TOKEN_STRATEGY']"
    strategy = djoser_token_strategy()
    if isinstance(strategy, str):
        strategy = import_path(strategy, setting)
    if not callable(getattr(strategy, "obtain", None)):
        raise ImproperlyConfigured(f"{setting} must be a class with obtain(user).")
    return strategy


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, list, dict, type(None))) else str(value)
