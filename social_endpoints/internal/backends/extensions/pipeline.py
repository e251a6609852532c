"""Additions to social-core's pipeline: its result, and its use of a backend's methods."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import DatabaseError, IntegrityError, OperationalError
from django.db.models import Model
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthResponseError, SocialAuthBaseException

from social_endpoints.internal.backends.extensions.bases import Backend
from social_endpoints.internal.errors.failures import is_data_error
from social_endpoints.internal.flows.primary import has_usual_key, with_id
from social_endpoints.internal.flows.storage import PAUSED_USER

# Details that must be text for social-core's steps.
_TEXT_DETAILS = ("username", "email", "fullname", "first_name", "last_name")


class PipelineResult(Backend):
    """Record whether a pipeline created a connection.

    social-core only keeps ``user``, ``social`` and ``is_new`` of a pipeline's result. Remove when
    it also keeps ``new_association``.
    """

    new_association = False

    def run_pipeline(
        self, pipeline: list[str], pipeline_index: int = 0, *args: Any, **kwargs: Any
    ) -> Any:
        strategy: Any = self.strategy
        strategy.provider_response = kwargs.get("response", strategy.provider_response)
        result = super().run_pipeline(pipeline, pipeline_index, *args, **kwargs)
        if isinstance(result, dict):
            self.new_association = bool(result.get("new_association"))
        return result


class ResponseValidation(Backend):
    """Refuse a response that the methods of a backend cannot read.

    The pipeline calls these methods, and its exceptions are reported as errors of the project. An
    unexpected response is an error of the provider. Remove when social-core raises
    ``AuthResponseError`` for it.
    """

    def get_user_details(self, response: Any) -> dict[str, Any]:
        """Return the details of a profile.

        :raises AuthResponseError: they cannot be read, or have other types than the pipeline
            expects.
        """
        with _malformed_response(self):
            details = dict(super().get_user_details(response))
            for name in _TEXT_DETAILS:
                if details.get(name) is not None:
                    details[name] = _to_text(details[name])
        return details

    def get_user_id(self, details: Any, response: Any) -> Any:
        with _malformed_response(self):
            backend: Any = super()  # This method of social-core has no annotations.
            uid = backend.get_user_id(details, response)
            return uid if uid is None else _to_text(uid)

    def get_user_groups(self, response: Any) -> Any:
        with _malformed_response(self):
            return super().get_user_groups(response)

    def get_legacy_user_identifiers(self, details: Any, response: Any) -> Any:
        with _malformed_response(self):
            return super().get_legacy_user_identifiers(details, response)

    def get_legacy_user_ids(self, details: Any, response: Any) -> Any:
        with _malformed_response(self):
            return super().get_legacy_user_ids(details, response)

    def auth_allowed(self, response: Any, details: Any) -> bool:
        with _malformed_response(self):
            return super().auth_allowed(response, details)

    def extra_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        with _malformed_response(self):
            return super().extra_data(*args, **kwargs)


@contextmanager
def _malformed_response(backend: BaseAuth[Any]) -> Iterator[None]:
    try:
        yield
    except SocialAuthBaseException:
        raise
    except Exception as error:
        if not is_data_error(error):
            raise
        raise AuthResponseError(backend, code="malformed_response", stage="user_info") from error


def _to_text(value: Any) -> Any:
    """Return a text or an integer as text, and an object of a backend's own class unchanged.

    :raises TypeError: the value has another JSON type.
    """
    if isinstance(value, (bool, float, list, tuple, dict)):
        raise TypeError("The value is not a text.")
    return str(value) if isinstance(value, int) else value


class PausedUser(Backend):
    """Pause a login of a user whose primary key is not an integer or a text named ``id``.

    social-core stores ``user.id`` with a paused pipeline, which fails if there is no such
    attribute, and it leaves out a UUID. Here each step receives the primary key as text, which
    is stored too. Remove when social-core stores the primary key of every user.
    """

    def prepare_auth(self, user: Any = None) -> None:
        super().prepare_auth(with_id(user))

    def run_pipeline(
        self, pipeline: list[str], pipeline_index: int = 0, *args: Any, **kwargs: Any
    ) -> Any:
        user_storage: Any = self.strategy.storage.user
        if has_usual_key(user_storage.user_model()):
            return super().run_pipeline(pipeline, pipeline_index, *args, **kwargs)
        result: Any = kwargs
        # social-core starts again if the index is out of range.
        start = pipeline_index if 0 <= pipeline_index < len(pipeline) else 0
        for index in range(start, len(pipeline)):
            result.pop("pipeline_index", None)
            user = with_id(result.get("user"))
            if isinstance(user, Model):
                result[PAUSED_USER] = str(user.pk)
            # Only the step with this index runs.
            result = super().run_pipeline(pipeline[: index + 1], index, *args, **result)
            if not isinstance(result, dict):
                break
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
