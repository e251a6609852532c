"""Steps of a pipeline that ask the user for something, as data.

``require_fields`` makes a step out of a DRF serializer. What the step asks for comes back
in the 202 as data, so that a page can draw the form; what the user answers arrives in the
pipeline, validated.
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

from social_endpoints.types import FormText

# What the endpoints read themselves of a request that continues a login.
_RESERVED = frozenset({"flow", "partial_token"})

_ASKED = "social_endpoints_asked"  # in the flow: the index of the step that asked last

TYPES = sorted(set(SimpleMetadata.label_lookup.mapping.values()))
"""What a field's ``type`` may be, in DRF's words."""

_TAKES_MANY = (
    serializers.ListField,
    serializers.MultipleChoiceField,
    serializers.ManyRelatedField,
)


class AnswersEncoder(DjangoJSONEncoder):
    """Django's, which takes a decimal as a string and loses nothing of it, and sets as lists."""

    def default(self, o: Any) -> Any:
        # What several choices validate to.
        return list(o) if isinstance(o, set) else super().default(o)


class Question(JsonResponse):
    """What a step asks for, as data; a partial step of a project's may return it, too.

    ``fields`` are the fields of a serializer as the 202 has them. Where views other than
    ours run the pipeline (social_django's, say), it is an ordinary response with them.

    :param serializer: its writable fields are what is asked for.
    :raises ImproperlyConfigured: a field has a name that the endpoints take for
        themselves.
    :raises TypeError: a field has a choice that JSON cannot carry.
    """

    fields: list[dict[str, Any]]

    def __init__(self, serializer: serializers.Serializer[Any]) -> None:
        super().__init__({"fields": _described(serializer)}, status=202)
        self.fields = json.loads(self.content)["fields"]


def require_fields(
    serializer_class: type[serializers.Serializer[Any]],
    *,
    when: Callable[..., bool] | None = None,
) -> Callable[..., Any]:
    """Make a step of a pipeline that asks the user for the fields of a serializer.

    Give it a name in a module, and put its dotted path into the pipeline, before
    ``social_core.pipeline.user.create_user``::

        ask_terms = require_fields(TermsSerializer)

    The login pauses. What the request that continues it answers is validated by the
    serializer: what is wrong is a field error and leaves the login paused, what is right
    goes on to the later steps as the one argument ``answers``, a dictionary of all that
    such steps have been answered. It holds JSON values, because a login may pause again:
    a date is a string there, as in an answer of DRF's. Nothing of it takes the place of
    ``details``, ``username`` or ``email`` by itself: what a user types is a claim.

    In the serializer's context stands all that the step knows of the login: ``user``,
    ``details``, ``backend``, ``strategy``, ``request``, and so on.

    :param serializer_class: what to ask for. A field cannot be named ``flow`` or
        ``partial_token``.
    :param when: called with the pipeline's keyword arguments, also when the login
        continues; where it returns something false, the step asks for nothing.
    """

    @partial_step(save_to_session=True)
    def ask(strategy: Any, pipeline_index: int, *args: Any, **kwargs: Any) -> Any:
        known = {"answers": {}, **kwargs, "strategy": strategy, "pipeline_index": pipeline_index}
        if when is not None and not when(**known):
            return None
        context = {**known, "request": strategy.request}
        if strategy.session_get(_ASKED) != pipeline_index:
            # The data at hand is the provider's, or an answer to the step before.
            strategy.session_set(_ASKED, pipeline_index)
            return Question(serializer_class(context=context))
        serializer = serializer_class(data=strategy.request_data(), context=context)
        serializer.initial_data = _in_full(serializer, serializer.initial_data)
        serializer.is_valid(raise_exception=True)
        return {"answers": {**known["answers"], **_plain(serializer)}}

    return ask


def confirmation(parameter: str) -> type[serializers.Serializer[Any]]:
    """Return the serializer of a confirmation: one box under this name that must be ticked."""
    box = serializers.BooleanField(
        label=_("Continue to sign in"),
        help_text=_("Confirm that you have opened this link to sign in."),
        validators=[_require_true],
    )
    return type("ConfirmationSerializer", (serializers.Serializer,), {parameter: box})


def _require_true(value: bool) -> None:
    if not value:
        raise serializers.ValidationError(_("This has to be confirmed."), code="not_confirmed")


def _described(serializer: serializers.Serializer[Any]) -> list[dict[str, Any]]:
    return [
        _field(name, field)
        for name, field in serializer.fields.items()
        if not field.read_only and not isinstance(field, serializers.HiddenField)
    ]


def _field(name: str, field: serializers.Field[Any, Any, Any, Any]) -> dict[str, Any]:
    if name in _RESERVED:
        raise ImproperlyConfigured(f"{type(field.parent).__name__}: no field can be named {name!r}")
    described = SimpleMetadata().get_field_info(field)
    del described["read_only"]
    return {"name": name, "label": "", "help_text": "", "choices": None, **described}


def _in_full(serializer: serializers.Serializer[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data, with all the values of a form for the fields that take several."""
    many = {name for name, field in serializer.fields.items() if isinstance(field, _TAKES_MANY)}
    return {
        name: value.values if name in many and isinstance(value, FormText) else value
        for name, value in data.items()
    }


def _plain(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    """Return the validated data as JSON has it."""
    plain, errors = {}, {}
    for name, value in serializer.validated_data.items():
        try:
            plain[name] = json.loads(json.dumps(value, cls=AnswersEncoder, allow_nan=False))
        except ValueError:
            errors[name] = [_("A valid number is required.")]
        except TypeError as error:
            message = f"{type(serializer).__name__}: JSON cannot carry what {name!r} validates to"
            raise ImproperlyConfigured(message) from error
    if errors:
        raise serializers.ValidationError(errors)
    return plain
