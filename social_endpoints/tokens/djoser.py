"""The token strategies of djoser: any class with ``obtain(user)``."""

from __future__ import annotations

from collections.abc import Mapping
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
        return {**_plain(obtained), **super().to_representation(instance)}


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
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, type(None))) else str(value)
