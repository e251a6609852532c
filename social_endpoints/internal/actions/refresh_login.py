"""Exchange the refresh token of a login for new tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from social_core.utils import setting_name, user_is_active

from social_endpoints.internal.actions.log_out import run_in_transaction
from social_endpoints.internal.backends.loading import users
from social_endpoints.internal.flows.primary import on_primary
from social_endpoints.internal.log.events import add_default_log_values, log_event

ResponseT = TypeVar("ResponseT")


def refresh_login(*, refresh: Callable[[], ResponseT], take_back: Callable[[], None]) -> ResponseT:
    """Exchange a refresh token in one transaction, and return the response.

    :param refresh: exchanges the token and returns the response. It runs again after a collision
        with another request.
    :param take_back: called after each rollback, to undo effects outside the database.
    :raises StorageUnavailable: the database or the cache has failed. The old token is still valid.
    """
    response = run_in_transaction(refresh, take_back)
    log_event("login refresh completed")
    return response


def find_active_user(**lookup: Any) -> Any:
    """Return a user who may still use a login, or None.

    A user is active if ``is_active`` is true and ``SOCIAL_AUTH_ACTIVE_USERS_FILTER`` matches. With
    ``SOCIAL_AUTH_ALLOW_INACTIVE_USERS_LOGIN``, every user is accepted. The user is read from the
    primary database, because a replica may not know yet that an account is blocked.
    """
    rows = on_primary(get_user_model()._default_manager)
    try:
        user = rows.filter(**lookup).first()
    except (TypeError, ValueError, ValidationError):  # The key has another type.
        return None
    if user is None:
        return None
    add_default_log_values(user=user.pk)
    allowed = getattr(settings, setting_name("ALLOW_INACTIVE_USERS_LOGIN"), False)
    is_active = user_is_active(user) and users().is_among_active_users(user)
    return user if is_active or allowed else None
