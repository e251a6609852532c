"""The choice of the error bodies, which depends on the exception handler of the project."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from drf_spectacular.plumbing import ComponentRegistry
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from social_endpoints.internal.http.errors import add_metadata, error_metadata
from social_endpoints.schema.components import Schema
from social_endpoints.schema.errors import ErrorBodies
from social_endpoints.schema.standardized_errors import StandardizedErrorBodies, is_standardized
from social_endpoints.views.base import EndpointView, surrounding_transactions


class UnknownErrorBodies(ErrorBodies):
    """Bodies of a shape that only the project knows."""

    def get_schemas(self, status: int, bodies: Iterable[str]) -> list[Schema]:
        return []


def find_error_bodies(
    view: Any, registry: ComponentRegistry, *, is_for_provider: bool = False
) -> ErrorBodies:
    """Return the error bodies of a view."""
    bodies_class = ErrorBodies if _keeps_shape(view) else UnknownErrorBodies
    if is_standardized(api_settings.EXCEPTION_HANDLER):
        bodies_class = StandardizedErrorBodies
    return bodies_class(registry, is_for_provider=is_for_provider)


def _keeps_shape(view: Any) -> bool:
    """Return whether the exception handler of the project keeps DRF's shape.

    Only a call can show it. Each handler is called once, with two exceptions.
    """
    handlers = type(view).get_exception_handler, api_settings.EXCEPTION_HANDLER
    if handlers == (EndpointView.get_exception_handler, exception_handler):
        return True
    if handlers not in _shapes:
        _shapes[handlers] = False
        with surrounding_transactions(), suppress(Exception):
            errors = NotFound(), ValidationError({"code": ["This field is required."]})
            _shapes[handlers] = all(_has_error_code(view, error) for error in errors)
    return _shapes[handlers]


def _has_error_code(view: Any, error: APIException) -> bool:
    context = {"view": view, "args": (), "kwargs": {}, "request": view.request}
    metadata = error_metadata(error)  # Before the handler, which may change the error.
    response = view.get_exception_handler()(error, context)
    add_metadata(response, error, metadata)
    return "error_code" in response.data


_shapes: dict[tuple[Any, Any], bool] = {}
