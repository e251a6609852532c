"""The error bodies of drf-standardized-errors, for a project that uses its exception handler."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.plumbing import append_meta
from rest_framework.status import is_server_error

from social_endpoints.exceptions import ERROR_CODES
from social_endpoints.schema import examples
from social_endpoints.schema.components import Schema
from social_endpoints.schema.errors import (
    CODE,
    CODES,
    DETAIL_CODES,
    FIELD_ERRORS,
    TEXT,
    ErrorBodies,
    build_object,
)
from social_endpoints.tokens.base import loaded_classes

_VALIDATION_ERRORS = "ValidationErrors"
_CLIENT_ERRORS = "ClientErrors"
_SERVER_ERRORS = "ServerErrors"
_TYPES = {
    _VALIDATION_ERRORS: ("validation_error", "Parameters are missing or not valid."),
    _CLIENT_ERRORS: ("client_error", "The request was refused, or the login has failed."),
    _SERVER_ERRORS: ("server_error", "The server has failed."),
}


def is_standardized(handler: Any) -> bool:
    """Return whether drf-standardized-errors builds the bodies, with its own formatter.

    The package is not imported, because it may not be installed.
    """
    names = (
        "handler.exception_handler",
        "formatter.ExceptionFormatter",
        "settings.package_settings",
    )
    loaded = [*loaded_classes(f"drf_standardized_errors.{name}" for name in names)]
    if handler not in loaded:
        return False
    _, formatter, settings = loaded
    return settings.EXCEPTION_FORMATTER_CLASS is formatter


class StandardizedErrorBodies(ErrorBodies):
    """The bodies that the formatter of drf-standardized-errors builds."""

    def get_schemas(self, status: int, bodies: Iterable[str]) -> list[Schema]:
        names = [_get_name(status)]
        if FIELD_ERRORS in bodies:
            names.append(_VALIDATION_ERRORS)
        return [self.register(name, self._build_errors(name)) for name in names]

    def get_example(self, status: int, name: str) -> Schema:
        body = examples.error(name)
        code = body["error_code"]
        is_field = code in CODES[FIELD_ERRORS]
        ((field, texts),) = [
            (key, value) for key, value in body.items() if not key.startswith("error_")
        ]
        error = {
            # The formatter keeps the codes of the fields.
            "code": "required" if code == "invalid_parameter" else code,
            "detail": texts if isinstance(texts, str) else texts[0],
            "attr": field if is_field else None,
        }
        body_name = _VALIDATION_ERRORS if is_field else _get_name(status)
        return self.add_oauth_error({"type": _TYPES[body_name][0], "errors": [error]}, status)

    def _build_errors(self, name: str) -> Schema:
        error_type, description = _TYPES[name]
        attr = {"type": "string"}
        code: Schema = {"type": "string", "description": "Why the parameter is not valid."}
        if name != _VALIDATION_ERRORS:
            code = self.register_enum("ErrorCode", sorted(ERROR_CODES | DETAIL_CODES), CODE)
        error = build_object(
            "One error.",
            {
                "code": code,
                "detail": {"type": "string", "description": TEXT},
                "attr": append_meta(
                    attr, {"nullable": True, "description": "Name of the parameter, or null."}
                ),
            },
        )
        types = self.register_enum(f"{name}Type", [error_type], "Distinguishes the bodies.")
        return build_object(
            description, {"type": types, "errors": {"type": "array", "items": error}}
        )


def _get_name(status: int) -> str:
    return _SERVER_ERRORS if is_server_error(status) else _CLIENT_ERRORS
