"""A step by which an account remembers that the provider has verified its address."""

from __future__ import annotations

from typing import Any

from social_endpoints.pipeline import is_email_verified


def mark_verified(
    backend: Any,
    response: Any,
    user: Any,
    is_new: bool = False,
    **known: Any,
) -> None:
    """Note that a new account's address is verified; stands after ``create_user``.

    That is the account's own: it may be one that the user has typed.
    """
    if is_new and is_email_verified(backend, {"email": user.email}, response):
        user.email_verified = True
        user.save()
