"""Additions to social-core's pipeline: its result, and the extra data it stores."""

from __future__ import annotations

from functools import partial
from time import time
from typing import Any

from django.db import DatabaseError, IntegrityError, OperationalError
from social_core.backends.base import BaseAuth

from social_endpoints.internal.backends.extensions.bases import Backend

_KEEP_EXTRA_DATA = "social_endpoints.native"


class PipelineResult(Backend):
    """Record whether a pipeline created a connection.

    social-core only keeps ``user``, ``social`` and ``is_new`` of a pipeline's result. Remove when
    it also keeps ``new_association``.
    """

    new_association = False

    def run_pipeline(
        self, pipeline: list[str], pipeline_index: int = 0, *args: Any, **kwargs: Any
    ) -> Any:
        result = super().run_pipeline(pipeline, pipeline_index, *args, **kwargs)
        if isinstance(result, dict):
            self.new_association = bool(result.get("new_association"))
        return result


class DeletedConnection(Backend):
    """Update a connection that existed when the pipeline began, and never insert it again.

    social-core saves the row that it read earlier. If another request has deleted the row since
    then, ``save()`` inserts it again. ``extra_data()`` is the last backend method that is called
    before this, so it replaces ``save()``. Remove when social-core or social_django updates
    the row in place.
    """

    def extra_data(
        self, user: Any, uid: str, response: Any, details: Any, pipeline_kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        social = pipeline_kwargs.get("social")
        if social is not None:
            social.save = partial(_update, social)
        return super().extra_data(user, uid, response, details, pipeline_kwargs)


def _update(social: Any, *args: Any, **kwargs: Any) -> None:
    """Save an existing row.

    :raises IntegrityError: the row no longer exists. The pipeline then runs again, as after
        every other collision of two requests.
    """
    try:
        type(social).save(social, *args, **{"force_update": True, **kwargs})
    except (IntegrityError, OperationalError):
        raise
    except DatabaseError as error:
        raise IntegrityError("The connection was deleted during the login.") from error


def keep_extra_data(backend: BaseAuth[Any]) -> None:
    """Keep stored extra data during this login, even after a pause.

    An app does not post all tokens that a token endpoint returns. Without this call, social-core
    replaces stored tokens with None.
    """
    backend.strategy.session_set(_KEEP_EXTRA_DATA, True)


class NativeExtraData(Backend):
    """Merge the extra data of a native sign-in into the stored extra data.

    Remove when social-core does not replace stored values with None.
    """

    def extra_data(
        self, user: Any, uid: str, response: Any, details: Any, pipeline_kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the extra data to store; after ``keep_extra_data()``, without None."""
        received = super().extra_data(user, uid, response, details, pipeline_kwargs)
        if not self.strategy.session_get(_KEEP_EXTRA_DATA):
            return received
        update = {name: value for name, value in received.items() if value is not None}
        if "access_token" not in update:
            update.update(_remaining_lifetime(pipeline_kwargs.get("social")))
        return update


def _remaining_lifetime(social: Any) -> dict[str, int]:
    """Return the remaining lifetime of the stored access token, in seconds.

    ``expires_in`` counts from ``auth_time``, which is set to the time of this login.
    """
    stored = getattr(social, "extra_data", None) or {}
    try:
        return {"expires_in": int(stored["auth_time"]) + int(stored["expires_in"]) - int(time())}
    except (KeyError, TypeError, ValueError, OverflowError):
        return {}  # The stored extra data contains no lifetime.
