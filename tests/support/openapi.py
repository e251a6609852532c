"""The OpenAPI document that drf-spectacular generates, and its use to validate bodies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any, TypeAlias

from django.core.management import call_command
from drf_spectacular.settings import spectacular_settings
from jsonschema import Draft202012Validator, FormatChecker

Document: TypeAlias = dict[str, Any]


def generate(*, validates: bool = False, version: str = "") -> Document:
    """Generate the document. Warnings are errors.

    :param validates: whether to validate it, which takes longer than its generation.
    :param version: the API version, if the project has several.
    """
    output = StringIO()
    arguments = ["--fail-on-warn", "--format=openapi-json", *(["--validate"] if validates else [])]
    arguments += [f"--api-version={version}"] if version else []
    call_command("spectacular", *arguments, stdout=output)
    document: Document = json.loads(output.getvalue())
    return document


@contextmanager
def spectacular(**settings: Any) -> Iterator[None]:
    """Change settings of drf-spectacular, which reads them only once."""
    spectacular_settings.apply_patches(settings)
    try:
        yield
    finally:
        spectacular_settings.clear_patches()


def resolve(document: Document, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that a reference refers to."""
    if "$ref" not in schema:
        return schema
    component: dict[str, Any] = document["components"]["schemas"][_name(schema)]
    return component


def alternatives(document: Document, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the components that a body can have, by their names."""
    return {_name(each): resolve(document, each) for each in schema.get("oneOf", [schema])}


def operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and description of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def content(operation: dict[str, Any], status: int) -> dict[str, Any]:
    """Return the description of a response's body."""
    (media_type,) = operation["responses"][str(status)]["content"].values()
    body: dict[str, Any] = media_type
    return body


def validate(document: Document, schema: dict[str, Any], body: Any) -> None:
    """Validate a body.

    :param document: of OpenAPI 3.1, whose schemas are JSON Schemas.
    """
    root = {**schema, "components": document["components"]}
    Draft202012Validator(root, format_checker=FormatChecker()).validate(body)


def _name(reference: dict[str, Any]) -> str:
    return str(reference.get("$ref", "")).rpartition("/")[2]
