"""The response of the token serializer in the OpenAPI document."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from social_endpoints.conf import get_names, import_setting
from social_endpoints.schema import examples
from social_endpoints.schema.components import Schema, find_component, keep_names
from social_endpoints.tokens.base import LoginSerializer


def find_token_serializer(view: Any) -> type[LoginSerializer]:
    """Return the token serializer of a view. A subclass may choose one by the request."""
    with suppress(Exception):  # There is only a simulated request.
        serializer: type[LoginSerializer] = view.get_token_serializer_class()
        return serializer
    configured: type[LoginSerializer] = import_setting("TOKEN_SERIALIZER")
    return configured


def get_token_response(view: Any) -> OpenApiResponse:
    """Return the 201 of a login."""
    serializer = find_token_serializer(view)
    example = examples.token_body(serializer)
    return OpenApiResponse(
        _get_body(serializer),
        "The user is signed in.",
        [OpenApiExample("Token", example)] if example else [],
    )


def finish_token_body(response: Schema, registry: ComponentRegistry) -> None:
    """Correct the component of a project's serializer.

    A subclass inherits our docstring, which is not Markdown.

    :param response: the 201. A project can describe one without a body, or other statuses.
    """
    schemas = [media_type["schema"] for media_type in response.get("content", {}).values()]
    for name in {schema.get("$ref", "").rpartition("/")[2] for schema in schemas} - {""}:
        component = registry[name, ResolvedComponent.SCHEMA]
        documented = next(each for each in type(component.object).__mro__ if each.__doc__)
        shipped = find_component(documented)
        if component.schema is None or "properties" not in component.schema:
            continue
        if shipped is not None:
            component.schema["description"] = shipped.description
        component.schema = keep_names(component.schema)


def _get_body(serializer: Any) -> Any:
    """Return the token serializer, or an object with any fields if it declares none.

    ``DjoserSerializer`` declares none, and ``TOKEN_FIELDS`` adds optional ones.
    """
    names = list(serializer().fields)
    if names and not set(names) <= set(get_names("TOKEN_FIELDS")):
        return serializer
    return {
        "type": "object",
        "properties": {name: {"type": _type(name), "readOnly": True} for name in names},
        **({"required": names} if names else {}),
        "additionalProperties": {},
    }


def _type(name: str) -> str:
    return "object" if name == "profile" else "boolean"
