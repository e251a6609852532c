"""Bounds for the search for a free username.

social-core's step ``get_username()`` tries names until one is free, inside the transaction of the
login. It never ends if no name can be free: if the username's column is shorter than the random
suffix, for example. Remove this module when the step limits its attempts.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.core.exceptions import ImproperlyConfigured
from social_core.backends.base import BaseAuth

from social_endpoints.conf import import_path
from social_endpoints.internal.flows.primary import PrimaryUsers

MAX_ATTEMPTS = 100
"""Names that one login tries. With a random suffix of 16 characters, the second name is free."""


class BoundedUsers(PrimaryUsers):
    """The project's user storage, with a limit for the names that one login tries."""

    _attempts = 0

    def user_exists(self, *args: Any, **kwargs: Any) -> bool:
        self._count()
        return super().user_exists(*args, **kwargs)

    def clean_username(self, value: str) -> Any:
        self._count()
        return self._project.clean_username(value)

    def _count(self) -> None:
        self._attempts += 1
        if self._attempts > MAX_ATTEMPTS:
            raise ImproperlyConfigured(
                f"{MAX_ATTEMPTS} usernames are not free or are empty. SOCIAL_AUTH_UUID_LENGTH must"
                " be at least 1 and at most the max_length of the username, and the functions that"
                " change a username must keep its random end."
            )


def require_username_functions(backend: BaseAuth[Any]) -> None:
    """Refuse a function of the project that empties every username.

    :raises ImproperlyConfigured: a function returns an empty username for a random one.
    """
    for name in ("CLEAN_USERNAME_FUNCTION", "SLUGIFY_FUNCTION"):
        path = backend.setting(name)
        if path and not import_path(path, f"SOCIAL_AUTH_{name}")(uuid4().hex):
            raise ImproperlyConfigured(f"SOCIAL_AUTH_{name} returns an empty username.")
