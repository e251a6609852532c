"""Steps for ``SOCIAL_AUTH_PIPELINE``.

``require_fields`` makes a step that asks the user for the fields of a DRF serializer.
``associate_by_verified_email`` connects a new identity to the account with its e-mail address.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.serializers.json import DjangoJSONEncoder
from django.http import JsonResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.metadata import SimpleMetadata
from social_core.pipeline.partial import partial_step

from social_endpoints.internal.accounts.linking import (
    associate_by_verified_email,
    is_email_verified,
    local_email_is_verified,
)
from social_endpoints.types import FormText

__all__ = [
    "FIELD_TYPES",
    "Question",
    "associate_by_verified_email",
    "is_email_verified",
    "local_email_is_verified",
    "require_fields",
]

FIELD_TYPES = sorted(set(SimpleMetadata.label_lookup.mapping.values()))
"""The possible values of a field's ``type``, as DRF defines them."""

# The parameters of a resuming request that the endpoints read themselves.
_RESERVED = frozenset({"flow", "partial_token"})

_ASKING_STEP = "social_endpoints_asked"  # In the flow: the index of the last step that asked.

_MULTIPLE_VALUES = (
    serializers.ListField,
    serializers.MultipleChoiceField,
    serializers.ManyRelatedField,
)


class _AnswersEncoder(DjangoJSONEncoder):
    """Django's encoder, plus sets: before DRF 3.17, a MultipleChoiceField returns a set."""

    def default(self, o: Any) -> Any:
        return list(o) if isinstance(o, set) else super().default(o)


class Question(JsonResponse):
    """The response of a partial step that asks the user for the fields of a serializer.

    Our endpoints return its ``fields`` in the 202 of the paused login. Other views, such as
    social_django's, return it as an ordinary JSON response.

    :param serializer: the user fills in its writable fields.
    :raises ImproperlyConfigured: a field has a reserved name.
    :raises TypeError: a field has a choice that JSON does not support.
    """

    fields: list[dict[str, Any]]

    def __init__(self, serializer: serializers.Serializer[Any]) -> None:
        fields = [
            _describe(name, field)
            for name, field in serializer.fields.items()
            if not field.read_only and not isinstance(field, serializers.HiddenField)
        ]
        super().__init__({"fields": fields}, status=202)
        self.fields = json.loads(self.content)["fields"]


def require_fields(
    serializer_class: type[serializers.Serializer[Any]], *, when: Callable[..., bool] | None = None
) -> Callable[..., Any]:
    """Make a pipeline step that asks the user for the fields of a serializer.

    Assign it to a name in a module, and add its dotted path to the pipeline before
    ``social_core.pipeline.user.create_user``::

        ask_terms = require_fields(TermsSerializer)

    The login pauses. The serializer validates the request that resumes it. If a value is
    invalid, the response contains field errors and the login stays paused. Valid values are
    passed to the later steps in the keyword argument ``answers``, a dictionary with the values
    of all such steps. They are JSON values, because the login may pause again: a date is a
    string. They do not change ``details``, ``username`` or ``email``, because values that a
    user types are not verified.

    The serializer's context contains the pipeline's keyword arguments: ``user``, ``details``,
    ``backend``, ``strategy``, ``request`` and so on.

    :param serializer_class: a field cannot be named ``flow`` or ``partial_token``.
    :param when: called with the pipeline's keyword arguments, also when the login resumes. If
        it returns a false value, the step asks for nothing.
    """

    @partial_step(save_to_session=True)
    def ask(strategy: Any, pipeline_index: int, *args: Any, **kwargs: Any) -> Any:
        pipeline_kwargs = {"answers": {}, **kwargs}
        pipeline_kwargs.update(strategy=strategy, pipeline_index=pipeline_index)
        if when is not None and not when(**pipeline_kwargs):
            return None
        context = {**pipeline_kwargs, "request": strategy.request}
        if strategy.session_get(_ASKING_STEP) != pipeline_index:
            # The current request comes from the provider, or belongs to an earlier step.
            strategy.session_set(_ASKING_STEP, pipeline_index)
            return Question(serializer_class(context=context))
        serializer = serializer_class(data=strategy.request_data(), context=context)
        serializer.initial_data = _with_all_values(serializer, serializer.initial_data)
        serializer.is_valid(raise_exception=True)
        return {"answers": {**pipeline_kwargs["answers"], **_json_values(serializer)}}

    return ask


def confirmation_serializer(parameter: str) -> type[serializers.Serializer[Any]]:
    """Return a serializer class with one checkbox, named ``parameter``, that must be ticked."""
    checkbox = serializers.BooleanField(
        # Translators: Label of a checkbox. The user has opened a link in an e-mail.
        label=_("Continue to sign in"),
        # Translators: Help text of the checkbox "Continue to sign in".
        help_text=_("Confirm that you have opened this link to sign in."),
        validators=[_require_true],
    )
    return type("ConfirmationSerializer", (serializers.Serializer,), {parameter: checkbox})


def _require_true(value: bool) -> None:
    if not value:
        # Translators: The checkbox "Continue to sign in" is not ticked.
        raise serializers.ValidationError(_("This has to be confirmed."), code="not_confirmed")


def _describe(name: str, field: serializers.Field[Any, Any, Any, Any]) -> dict[str, Any]:
    if name in _RESERVED:
        raise ImproperlyConfigured(
            f"{type(field.parent).__name__}: no field can be named {name!r}, because the endpoints"
            " read this parameter themselves. Rename the field."
        )
    description = SimpleMetadata().get_field_info(field)
    del description["read_only"]
    return {"name": name, "label": "", "help_text": "", "choices": None, **description}


def _with_all_values(
    serializer: serializers.Serializer[Any], params: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the parameters, with a list of all form values for fields that take several."""
    names = {
        name for name, field in serializer.fields.items() if isinstance(field, _MULTIPLE_VALUES)
    }
    return {
        name: value.values if name in names and isinstance(value, FormText) else value
        for name, value in params.items()
    }


def _json_values(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    values, errors = {}, {}
    for name, value in serializer.validated_data.items():
        try:
            values[name] = json.loads(json.dumps(value, cls=_AnswersEncoder, allow_nan=False))
        except ValueError:  # NaN and infinity are not JSON.
            errors[name] = [serializers.FloatField.default_error_messages["invalid"]]
        except TypeError as error:
            message = (
                f"{type(serializer).__name__}: the value of {name!r} cannot be encoded as JSON. Use"
                " a field with a value that JSON supports."
            )
            raise ImproperlyConfigured(message) from error
    if errors:
        raise serializers.ValidationError(errors)
    return values
