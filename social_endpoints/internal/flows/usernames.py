"""Bounds for the search for a free username.

social-core's step ``get_username()`` tries names until one is free, inside the transaction of the
login. It never ends if no name can be free: if the username's column is shorter than the random
suffix, for example, or if a function of the project returns an empty name. The step cleans each
name with ``storage.user.clean_username()``, unless settings change that. The strategy hides
these settings from it and passes them here. Remove this module when the step limits its attempts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from social_endpoints.conf import import_path
from social_endpoints.internal.flows.primary import PrimaryUsers

CLEAN_USERNAMES = "CLEAN_USERNAMES"
CLEAN_FUNCTION = "CLEAN_USERNAME_FUNCTION"

HIDDEN_SETTINGS = {CLEAN_USERNAMES: True, CLEAN_FUNCTION: None}
"""The values with which social-core calls :meth:`BoundedUsers.clean_username` for each name."""

MAX_ATTEMPTS = 100
"""Names that one login tries. With a random suffix of 16 characters, the second name is free."""


class BoundedUsers(PrimaryUsers):
    """The project's user storage, with a limit for the names that one login tries.

    :ivar get_setting: returns a setting of the project. The arguments are name and default.
    """

    get_setting: Callable[[str, Any], Any]

    _attempts = 0

    def user_exists(self, *args: Any, **kwargs: Any) -> bool:
        # A taken address is refused when the account is created, and not replaced.
        return not self.has_address_as_username() and super().user_exists(*args, **kwargs)

    def clean_username(self, value: str) -> Any:
        """Return the name as the project cleans it, or an address unchanged.

        :raises ImproperlyConfigured: this login has tried too many names.
        """
        self._attempts += 1
        if self._attempts > MAX_ATTEMPTS:
            raise ImproperlyConfigured(
                f"{MAX_ATTEMPTS} usernames are not free or are empty. SOCIAL_AUTH_UUID_LENGTH must"
                " be at least 1 and at most the max_length of the username, and the functions that"
                " change a username must keep its random end."
            )
        if not self.get_setting(CLEAN_USERNAMES, True):
            return value
        path = self.get_setting(CLEAN_FUNCTION, None)
        if path:
            return import_path(path, f"SOCIAL_AUTH_{CLEAN_FUNCTION}")(value)
        return value if self.has_address_as_username() else self._project.clean_username(value)
