"""Signals about users and their connections, and about providers.

Each signal about a user is sent inside the transaction of its event, with the user's class as
sender. Rows that a receiver writes are committed with the event, and an exception rolls everything
back. If two logins collide, one of them is rolled back and runs again, which can send its signal
twice. So send e-mails in ``transaction.on_commit()``, for example.
"""

from __future__ import annotations

from django.dispatch import Signal

__all__ = [
    "connected",
    "disconnected",
    "logged_out_by_provider",
    "provider_availability_changed",
    "signed_in",
]

signed_in = Signal()
"""A user has signed in. Arguments: ``request``, ``user``, ``social`` (the ``UserSocialAuth`` row or
None), ``provider`` (its name), ``is_new_user`` (this login has created the user) and
``new_association`` (this login has created ``social``)."""

connected = Signal()
"""A new identity has been connected to the user. Arguments: ``request``, ``user``, ``social``
and ``provider``."""

disconnected = Signal()
"""An identity has been disconnected. Arguments: ``request``, ``user``, ``provider`` and ``uid``."""

logged_out_by_provider = Signal()
"""The provider has signed a user out by back-channel logout, and the token serializer has ended
the logins that it can end. Arguments: ``request`` (of the provider), ``user``, ``social``
and ``provider``."""

provider_availability_changed = Signal()
"""A provider has stopped responding, or responds again. Sent outside any transaction, with None as
sender. Arguments: ``provider``, ``host`` and ``is_available``. Exceptions are logged by Django."""
