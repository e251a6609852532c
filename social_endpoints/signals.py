"""What this app tells a project of its users.

Each signal is sent in the transaction of what it tells of, with the user's class as its
sender: what a receiver writes is kept with it, what a receiver raises undoes it, and
where two logins collide one of them is undone and told again. Send a mail, say, from
``transaction.on_commit()``.
"""

from __future__ import annotations

from django.dispatch import Signal

__all__ = ["connected", "disconnected", "signed_in"]

signed_in = Signal()
"""A user has signed in. With ``request``, ``user``, ``social`` (the row of social_django, or
None), ``provider`` (the name), ``is_new_user`` (this login created the user) and
``new_association`` (it created the link)."""

connected = Signal()
"""An identity has been linked to a user who was logged in. With ``request``, ``user``,
``social`` and ``provider``."""

disconnected = Signal()
"""An identity has been unlinked. With ``request``, ``user``, ``provider`` and ``uid``."""
