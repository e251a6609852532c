"""End all logins of a user."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from social_endpoints.tokens import SessionSerializer, TokenSerializer


def sign_out_everywhere(user: Any) -> None:
    """Call this after a change of the e-mail address, for example."""
    with transaction.atomic():
        TokenSerializer().revoke(user)


class SessionsInCache(SessionSerializer):
    """Ends the sessions of users without a password, with any ``SESSION_ENGINE``."""

    def revoke(self, user: Any) -> None:
        super().revoke(user)
        if not user.has_usable_password():
            user.set_unusable_password()  # a new random value
            user.save(update_fields=["password"])
