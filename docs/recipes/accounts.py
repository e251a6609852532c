"""Pipeline step that records whether the provider has verified the address of a new account."""

from __future__ import annotations

from typing import Any

from social_endpoints.pipeline import is_email_verified


def mark_verified(
    backend: Any,
    response: Any,
    user: Any,
    is_new: bool = False,
    **kwargs: Any,
) -> None:
    """Set ``email_verified`` of a new account. The step goes after ``create_user``.

    The address of the account is compared with the provider's, because the user may have typed
    another one.
    """
    if is_new and is_email_verified(backend, {"email": user.email}, response):
        user.email_verified = True
        user.save()
