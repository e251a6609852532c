"""Compare all responses that the tests receive with the OpenAPI document of their settings."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from threading import Lock
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, override_settings
from django.urls import Resolver404
from drf_spectacular.generators import SchemaGenerator
from jsonschema import ValidationError

from social_endpoints.schema.auto_schema import is_shipped
from tests.support.openapi import Document, validate

AUTO_SCHEMA = "drf_spectacular.openapi.AutoSchema"
# The headers that a client acts on. An operation has to document those that it sends.
HEADERS = ("ETag", "Location", "Retry-After", "WWW-Authenticate")
# The settings that change the document.
NAMES = ("AUTHENTICATION_BACKENDS", "DJOSER", "REST_FRAMEWORK", "SOCIAL_ENDPOINTS")

# Middleware sets these cookies, also for other packages.
OF_MIDDLEWARE = ("csrftoken", "sessionid")

lock = Lock()


def current_document() -> Document:
    """Return the document of the current settings, which is generated once for each set of them."""
    values = tuple(repr(getattr(settings, name, None)) for name in NAMES)
    with lock:  # Tests of races send requests in threads.
        return _generate(settings.ROOT_URLCONF, values)


@cache
def _generate(urlconf: Any, values: tuple[str, ...]) -> Document:
    framework = {"DEFAULT_SCHEMA_CLASS": AUTO_SCHEMA, **getattr(settings, "REST_FRAMEWORK", {})}
    with override_settings(REST_FRAMEWORK=framework):
        document: Document = _with_null(SchemaGenerator().get_schema(request=None, public=True))
    return document


def _with_null(schema: Any) -> Any:
    """Return a schema of OpenAPI 3.0 as one of JSON Schema, which has no ``nullable``.

    A document of OpenAPI 3.1 is not enough: the classes for pages in DRF always use ``nullable``.
    """
    if isinstance(schema, list):
        return [_with_null(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: _with_null(value) for name, value in schema.items()}
    if schema.pop("nullable", False) is True:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


def checked(request: Callable[..., Any]) -> Callable[..., Any]:
    """Return a ``Client.request`` that compares each response with the document."""

    @wraps(request)
    def checked_request(client: Client, **arguments: Any) -> Any:
        response = request(client, **arguments)
        # It is resolved when it is used, and the test may have replaced the URLs.
        with suppress(Resolver404):
            match = response.resolver_match
            if match is not None and _is_shipped(match.func):
                check_current(response)
        return response

    return checked_request


def _is_shipped(view: Any) -> bool:
    """Return whether a view is one of ours, or extends one."""
    return any(is_shipped(each) for each in getattr(view, "cls", object).__mro__)


def check_current(response: Any) -> None:
    """Fail unless the document of the current settings describes the response."""
    try:
        document = current_document()
    except (ImproperlyConfigured, ImportError):
        return  # Without a token serializer, for example, there is no document.
    check(document, response)


def check(document: Document, response: Any) -> None:
    """Fail unless a document describes the response of an endpoint."""
    method = response.request["REQUEST_METHOD"].lower()
    if method == "options":
        return
    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", response.resolver_match.route)
    place = f"{method.upper()} {path} {response.status_code}"
    described = find_response(document, path, method, response.status_code)
    assert described is not None, f"{place} is not in the document"
    sent = {name for name in HEADERS if response.has_header(name)}
    if any(cookie.value for name, cookie in response.cookies.items() if name not in OF_MIDDLEWARE):
        sent.add("Set-Cookie")
    unknown = sent - described.get("headers", {}).keys()
    assert not unknown, f"{place}: {unknown} is not in the document"
    if method != "head":
        check_body(document, described.get("content", {}), response, place)


def find_response(document: Document, path: str, method: str, status: int) -> Any:
    """Return the description of a response, or None."""
    if status == 405:  # No operation has it. A component describes it.
        return document["components"]["responses"]["SocialMethodNotAllowed"]
    operation = document["paths"].get(path, {}).get("get" if method == "head" else method)
    return operation and operation["responses"].get(str(status))


def check_body(document: Document, content: Any, response: Any, place: str) -> None:
    assert bool(response.content) is bool(content), f"{place}: {response.content!r}"
    if not content:
        return
    media_type = response.headers["Content-Type"].partition(";")[0]
    assert media_type in content, f"{place}: {media_type} is not in the document"
    if media_type == "application/json":
        try:
            validate(document, content[media_type]["schema"], response.json())
        except ValidationError as error:
            raise AssertionError(f"{place}: {response.json()}") from error
