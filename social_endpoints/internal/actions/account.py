"""Whose account a request is about."""

from __future__ import annotations

from typing import Any

from social_core.exceptions import ErrorStage

from social_endpoints.exceptions import InactiveUser
from social_endpoints.internal.backends import loading


def account_of(user: Any, *, stage: ErrorStage) -> Any:
    """Return the row of the user who is logged in.

    An authentication may know no more of the user than what stands in a token.

    :raises InactiveUser: there is no such user, or none that is active.
    """
    account = loading.storage().user.get_user(user.pk)
    if account is None:
        raise InactiveUser(stage=stage)
    return account
