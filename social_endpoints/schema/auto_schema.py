"""drf-spectacular's inspector for the views of this package."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from typing import Any, ClassVar, cast
from weakref import WeakKeyDictionary

from drf_spectacular.drainage import isolate_view_method
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry

from social_endpoints import views
from social_endpoints.internal.http.serializers import NativeTokensSerializer
from social_endpoints.schema.components import Schema
from social_endpoints.schema.headers import add_headers
from social_endpoints.schema.operations import OPERATIONS, Operation
from social_endpoints.schema.responses import ErrorResponses, register_method_not_allowed
from social_endpoints.schema.token_body import (
    find_token_serializer,
    finish_token_body,
    get_token_response,
)

# The operation ids of each document, with the paths that they belong to.
_ids = WeakKeyDictionary[ComponentRegistry, dict[str, str]]()


class EndpointSchema(AutoSchema):
    """Describes the operations of one view.

    ``extend_schema()`` of a project takes precedence.
    """

    operations: ClassVar[dict[str, Operation]] = {}

    @property
    def entry(self) -> Operation | None:
        """The entry of the current method in the table, or None for a method of the project."""
        return self.operations.get(self.method.lower())

    def get_operation(self, *args: Any, **kwargs: Any) -> Schema | None:
        """Return the operation with its error responses, headers and examples."""
        operation: Schema | None = super().get_operation(*args, **kwargs)
        entry = self.entry
        if operation is None or entry is None:
            return operation
        registry, view = self.registry, self.view
        security = operation.get("security", [])
        errors = ErrorResponses(entry, view, registry, security)
        responses = {**errors.get(self.method), **operation["responses"]}
        operation["responses"] = {status: responses[status] for status in sorted(responses)}
        serializer = find_token_serializer(view)
        add_headers(entry.id, responses, serializer)
        register_method_not_allowed(view, registry)
        if entry.responses.get(201) is get_token_response:
            finish_token_body(responses.get("201", {}), registry)
        if self.get_request_serializer() == EndpointSchema.get_request_serializer(self):
            for media_type in operation.get("requestBody", {}).get("content", {}).values():
                example = {"value": entry.get_request_example()}
                media_type.setdefault("examples", {"Request": example})
        return operation

    def get_operation_id(self) -> str:
        if self.entry is None:
            return str(super().get_operation_id())
        ids = _ids.setdefault(self.registry, {})
        candidates = _iterate_ids(self.entry.id, ids, self.path)
        return next(each for each in candidates if ids.setdefault(each, self.path) == self.path)

    def get_description(self) -> str:  # type: ignore[override]  # as in drf-spectacular
        return str(super().get_description()) if self.entry is None else self.entry.description

    def get_summary(self) -> str | None:
        return super().get_summary() if self.entry is None else self.entry.summary

    def get_tags(self) -> list[str]:
        return super().get_tags() if self.entry is None else [self.entry.tag]

    def get_override_parameters(self) -> list[Any]:
        own = [] if self.entry is None else self.entry.parameters(self.view)
        return [*super().get_override_parameters(), *own]

    def get_request_serializer(self) -> Any:
        if self.entry is None:
            return super().get_request_serializer()
        request = self.entry.request
        sets_cookies = find_token_serializer(self.view).sets_cookies
        if request is NativeTokensSerializer and sets_cookies:
            return {"application/json": request}  # See NativeView.require_json().
        return request

    def get_response_serializers(self) -> Any:
        if self.entry is None:
            return super().get_response_serializers()
        return self.entry.get_responses(self.view)

    def get_paginated_name(self, serializer_name: str) -> str:
        if serializer_name == "SocialConnection":
            return "SocialConnectionPage"
        return str(super().get_paginated_name(serializer_name))


def _iterate_ids(operation_id: str, ids: dict[str, str], path: str) -> Iterator[str]:
    """Yield ids for an operation whose id may be in use, for another include of the same URLs.

    The words by which the paths differ are added, then a number.
    """
    yield operation_id
    used = re.findall(r"\w+", ids[operation_id])
    words = [word for word in re.findall(r"\w+", path) if word not in used]
    longer = operation_id + "".join(word[0].upper() + word[1:] for word in words)
    yield longer
    yield from (f"{longer}{number}" for number in count(2))


@lru_cache(maxsize=256)  # drf-spectacular caches the source of each class.
def get_view(view: type[Any], default: type[Any]) -> type[Any]:
    """Return a subclass of a view with the inspector for it, or a view of the project itself.

    :param default: ``DEFAULT_SCHEMA_CLASS``.
    """
    name = next((each.__name__ for each in view.__mro__ if is_shipped(each)), None)
    if name is None:  # The project's view extends one of our base views.
        return view
    operations = OPERATIONS[name]
    schema = get_schema_class(operations, type(view.schema), default)()

    def determine_version(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the version of the route, or that of the document if the route has none."""
        version, scheme = view.determine_version(self, request, *args, **kwargs)
        return version or getattr(request, "version", None), scheme

    attributes = {"schema": schema, "determine_version": determine_version}
    replacement = type(view.__name__, (view,), attributes)
    for method in operations:
        # extend_schema() has stored its own inspector on a method.
        own = getattr(getattr(view, method, None), "kwargs", {}).get("schema")
        if own is not None:
            isolate: Any = isolate_view_method  # It has no annotations.
            method_copy = isolate(replacement, method)
            method_copy.kwargs["schema"] = get_schema_class(operations, own, default)
    return replacement


def is_shipped(view: type[Any]) -> bool:
    """Return whether a class is one of our views."""
    return getattr(views, view.__name__, None) is view


def get_schema_class(
    operations: dict[str, Operation], own: type[Any], default: type[Any]
) -> type[EndpointSchema]:
    """Return the class of the inspector.

    :param own: the class that the project uses. The result inherits from it.
    """
    mixins: list[type[Any]] = []
    if issubclass(own, default):
        # Classes that extend_schema() has added must come first.
        mixins = [each for each in own.__mro__ if each not in default.__mro__]
        own = default
    bases = (*mixins, EndpointSchema, own)
    return cast("type[EndpointSchema]", type("EndpointSchema", bases, {"operations": operations}))
