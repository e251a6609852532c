"""The response of the token serializer in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.plumbing import ComponentRegistry
from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from social_endpoints.conf import get_names, import_setting
from social_endpoints.schema import examples
from social_endpoints.schema.components import Schema, find_component


def get_token_response() -> OpenApiResponse:
    """Return the 201 of a login."""
    serializer = import_setting("TOKEN_SERIALIZER")
    example = examples.token_body(serializer)
    return OpenApiResponse(
        _get_body(serializer),
        "The user is signed in.",
        [OpenApiExample("Token", example)] if example else [],
    )


def describe_token_body(response: Schema, registry: ComponentRegistry) -> None:
    """Replace a description that a subclass inherits, because our docstrings are not Markdown.

    :param response: the 201.
    """
    (content,) = response["content"].values()
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    if not name:
        return
    component = registry[name, "schemas"]
    documented = next(each for each in type(component.object).__mro__ if each.__doc__)
    shipped = find_component(documented)
    if shipped is not None and component.schema is not None:
        component.schema["description"] = shipped.description


def _get_body(serializer: Any) -> Any:
    """Return the token serializer, or an object with any fields if it declares none.

    ``DjoserSerializer`` declares none, and ``TOKEN_FIELDS`` adds optional ones.
    """
    names = list(serializer().fields)
    if names and not set(names) <= set(get_names("TOKEN_FIELDS")):
        return serializer
    return {
        "type": "object",
        "properties": {name: {"type": "boolean", "readOnly": True} for name in names},
        **({"required": names} if names else {}),
        "additionalProperties": {},
    }
