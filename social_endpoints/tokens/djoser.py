"""The token strategies of djoser: classes with ``obtain(user)``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from social_endpoints.conf import get_dictionary, import_path
from social_endpoints.internal.accounts.logins import (
    blacklist_jwts,
    delete_tokens,
    has_jwt_blacklist,
)
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login

AUTH_TOKEN = "rest_framework.authtoken"


class DjoserSerializer(LoginSerializer):
    """The dictionary that the strategy in ``DJOSER["SOCIAL_AUTH_TOKEN_STRATEGY"]`` returns."""

    def revoke(self, user: Any) -> None:
        """Call ``revoke(user)`` of the strategy, or end the tokens that strategies usually issue.

        These are the token of ``rest_framework.authtoken`` and the refresh tokens of Simple JWT,
        where their apps are installed.
        """
        strategy_revoke = getattr(get_token_strategy(), "revoke", None)
        if strategy_revoke is not None:
            strategy_revoke(user)
            return
        if apps.is_installed(AUTH_TOKEN):
            delete_tokens(apps.get_model("authtoken", "Token"), user)
        if has_jwt_blacklist():
            blacklist_jwts(user)

    def to_representation(self, instance: Login) -> dict[str, Any]:
        """Return the strategy's dictionary. Objects in it are converted to text as in djoser."""
        body = get_token_strategy().obtain(instance.user)
        return {**_to_json(body), **super().to_representation(instance)}


def can_revoke() -> bool:
    """Return whether ``revoke()`` can end any tokens.

    :raises ImproperlyConfigured: the strategy is not valid.
    """
    has_method = hasattr(get_token_strategy(), "revoke")
    return has_method or apps.is_installed(AUTH_TOKEN) or has_jwt_blacklist()


def get_token_strategy() -> Any:
    """Return the token strategy that djoser's settings name.

    :raises ImproperlyConfigured: it cannot be imported or has no method ``obtain``.
    """
    setting = "DJOSER['SOCIAL_AUTH_TOKEN_STRATEGY']"
    strategy = get_dictionary("DJOSER").get("SOCIAL_AUTH_TOKEN_STRATEGY")
    if isinstance(strategy, str):
        strategy = import_path(strategy, setting)
    if not callable(getattr(strategy, "obtain", None)):
        raise ImproperlyConfigured(f"{setting} must be a class with a method obtain(user).")
    return strategy


def _to_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _to_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    return value if isinstance(value, (str, int, float, type(None))) else str(value)
