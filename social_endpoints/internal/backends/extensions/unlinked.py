"""An identity that is unlinked while it signs in stays unlinked."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import DatabaseError, IntegrityError, OperationalError

from social_endpoints.internal.backends.extensions.bases import Backend


class StaysUnlinked(Backend):
    """A mixin above the backend's class, around what is stored of a login.

    Core saves the row that it has read before, and ``save()`` would insert the one again
    that somebody has deleted since. No query more is asked for that.
    """

    def extra_data(
        self,
        user: Any,
        uid: str,
        response: Any,
        details: Any,
        pipeline_kwargs: dict[str, Any],
    ) -> dict[str, Any]:
        """Return what to store, which goes into the row that is there or nowhere."""
        social = pipeline_kwargs.get("social")
        if social is not None:
            social.save = partial(_update, social)
        return super().extra_data(user, uid, response, details, pipeline_kwargs)


def _update(social: Any, *args: Any, **kwargs: Any) -> None:
    """Save the row, and have the login looked up again if it is gone.

    :raises IntegrityError: it is gone; that is a collision with who has deleted it.
    """
    try:
        type(social).save(social, *args, **{"force_update": True, **kwargs})
    except (IntegrityError, OperationalError):
        raise
    except DatabaseError as error:
        raise IntegrityError("The identity was unlinked meanwhile.") from error
