"""The error responses in the OpenAPI document, which depend on the project's settings."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from django.urls import path
from django.utils.module_loading import import_string
from rest_framework import permissions
from rest_framework.views import exception_handler

from social_endpoints.exceptions import ERROR_CODES
from social_endpoints.views import (
    ConnectionDetailView,
    ConnectionListView,
    ProviderAuthView,
    ProviderConnectView,
)
from tests.support.authentication import SESSION, TOKEN
from tests.support.configuration import Configure
from tests.support.openapi import (
    Document,
    alternatives,
    content,
    generate,
    operations,
    resolve,
    spectacular,
)
from tests.support.urlconf import urlconf

JWT = "rest_framework_simplejwt.authentication.JWTAuthentication"
JWT_COOKIE = "social_endpoints.tokens.JWTCookieAuthentication"
STANDARDIZED = "drf_standardized_errors.handler.exception_handler"
ALWAYS = {"error_code", "error_recovery", "error_id"}
PAGES = {"socialCallback", "socialCallbackPost"}


def error_bodies(document: Document) -> dict[str, Any]:
    """Return all error bodies by their names, except the HTML pages."""
    found = {}
    for _, _, operation in operations(document):
        if operation["operationId"] in PAGES:
            continue
        for status in (int(each) for each in operation["responses"] if each >= "400"):
            found |= alternatives(document, content(operation, status)["schema"])
    return found


# --- Our bodies -----------------------------------------------------------------------


def test_each_error_body_has_the_keys_that_every_error_has(document: Document) -> None:
    bodies = error_bodies(document)

    assert {"SocialError", "SocialFieldErrors", "SocialErrorDetail"} < bodies.keys()
    for body in bodies.values():
        assert set(body["required"]) >= ALWAYS
        assert ALWAYS | {"error_source", "error_stage"} >= {
            name for name in body["properties"] if name.startswith("error_")
        }


def test_error_codes_of_the_bodies_are_disjoint_and_complete(document: Document) -> None:
    names = ("SocialErrorCode", "SocialFieldErrorCode", "SocialErrorDetailCode")
    codes = [set(document["components"]["schemas"][name]["enum"]) for name in names]

    assert all(one.isdisjoint(other) for one, other in combinations(codes, 2))
    assert set().union(*codes) == ERROR_CODES | {"token_not_valid"}


def test_no_operation_has_a_405_but_a_component_describes_it(document: Document) -> None:
    assert not any("405" in operation["responses"] for _, _, operation in operations(document))
    assert document["components"]["responses"].keys() == {"SocialMethodNotAllowed"}
    content = document["components"]["responses"]["SocialMethodNotAllowed"]["content"]
    assert content.keys() == {"application/json", "text/html"}


def test_errors_of_the_callback_are_pages(document: Document) -> None:
    for method in ("get", "post"):
        responses = document["paths"]["/auth/o/{provider}/callback/"][method]["responses"]
        errors = {
            status: each["content"].keys()
            for status, each in responses.items()
            if "content" in each
        }
        assert errors.keys() == {"400", "404", "413", "415", "429", "500", "503"}
        assert all(media_types == {"text/html"} for media_types in errors.values())


def test_messages_of_an_error_have_the_name_of_the_projects_setting(settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NON_FIELD_ERRORS_KEY": "messages"}

    schemas = generate()["components"]["schemas"]

    assert "messages" in schemas["SocialError"]["required"]
    assert "non_field_errors" not in schemas["SocialError"]["properties"]


def test_errors_that_can_be_repeated_have_the_header(document: Document) -> None:
    with_header = {
        (operation["operationId"], status)
        for _, _, operation in operations(document)
        for status, response in operation["responses"].items()
        if "Retry-After" in response.get("headers", {})
    }

    assert {("socialComplete", "400"), ("socialComplete", "429")} < with_header
    assert ("socialConnections", "400") not in with_header
    assert {each for each in with_header if each[1] not in {"400", "429"}} == {
        ("socialBackchannelLogout", "503")
    }


# --- Authentication -------------------------------------------------------------------


def statuses(document: Document, url: str, method: str) -> set[int]:
    responses = document["paths"][url][method]["responses"]
    return {int(status) for status in responses} & {401, 403}


def route(settings: Any, *classes: str, permission: Any = None) -> Document:
    attributes: dict[str, Any] = {
        "authentication_classes": [import_string(each) for each in classes]
    }
    if permission is not None:
        attributes["permission_classes"] = [permission]
    settings.ROOT_URLCONF = urlconf(
        path("list/", ConnectionListView.as_view(**attributes)),
        path("list/<str:id>/", ConnectionDetailView.as_view(**attributes)),
        path("<str:provider>/", ProviderConnectView.as_view(**attributes)),
    )
    return generate()


@pytest.mark.needs("rest_framework_simplejwt")
@pytest.mark.parametrize(
    ("classes", "safe", "unsafe"),
    [
        ([TOKEN], {401}, {401}),
        ([JWT], {401}, {401}),
        ([SESSION], {403}, {403}),
        ([SESSION, TOKEN], {403}, {403}),
        ([TOKEN, SESSION], {401}, {401, 403}),
        ([JWT_COOKIE], {401}, {401, 403}),
        ([], {403}, {403}),
    ],
    ids=str,
)
def test_status_of_a_request_without_user_depends_on_the_authentication(
    classes: list[str], safe: set[int], unsafe: set[int], settings: Any
) -> None:
    document = route(settings, *classes)

    assert statuses(document, "/list/", "get") == safe
    assert statuses(document, "/{provider}/", "get") == safe
    assert statuses(document, "/{provider}/", "post") == unsafe
    assert statuses(document, "/list/{id}/", "delete") == unsafe


def test_401_has_the_scheme_of_the_authentication(settings: Any) -> None:
    response = route(settings, TOKEN)["paths"]["/list/"]["get"]["responses"]["401"]

    assert response["headers"]["WWW-Authenticate"]["example"] == "Token"


def test_additional_permission_can_respond_with_403(settings: Any) -> None:
    document = route(settings, TOKEN, permission=permissions.IsAdminUser)

    assert statuses(document, "/list/", "get") == {401, 403}


def test_required_recent_login_is_an_error_body_of_the_403(
    settings: Any, configure: Configure
) -> None:
    configure(REAUTHENTICATION="tests.support.pipeline.ask_name")

    document = route(settings, TOKEN)

    operation = document["paths"]["/list/{id}/"]["delete"]
    bodies = alternatives(document, content(operation, 403)["schema"])
    assert bodies.keys() == {"SocialErrorDetail", "SocialError"}
    assert statuses(document, "/list/", "get") == {401}


@pytest.mark.parametrize(("location", "expected"), [("header", {401}), ("cookie", {401, 403})])
def test_scheme_in_the_settings_of_the_project_counts(
    location: str, expected: set[int], settings: Any
) -> None:
    scheme = {"type": "apiKey", "in": location, "name": "own"}

    with spectacular(
        SECURITY=[{"own": []}], APPEND_COMPONENTS={"securitySchemes": {"own": scheme}}
    ):
        document = route(settings, TOKEN)

    assert statuses(document, "/list/{id}/", "delete") == expected


def test_project_can_authenticate_a_login(settings: Any) -> None:
    view = ProviderAuthView.as_view(authentication_classes=[import_string(TOKEN)])
    settings.ROOT_URLCONF = urlconf(path("<str:provider>/", view))

    assert statuses(generate(), "/{provider}/", "post") == {401}


# --- Exception handlers of a project --------------------------------------------------


def adding_status(exc: Exception, context: Any) -> Any:
    response = exception_handler(exc, context)
    if response is not None and isinstance(response.data, dict):
        response.data["status_code"] = response.status_code
    return response


def own_shape(exc: Exception, context: Any) -> Any:
    response = exception_handler(exc, context)
    if response is not None:
        response.data = {"problem": str(exc)}
    return response


def failing(exc: Exception, context: Any) -> Any:
    raise RuntimeError


def use_handler(settings: Any, handler: str, **more: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "EXCEPTION_HANDLER": handler, **more}


def test_handler_that_adds_a_key_has_our_bodies(settings: Any) -> None:
    use_handler(settings, f"{__name__}.adding_status")

    assert {"SocialError", "SocialFieldErrors", "SocialErrorDetail"} < error_bodies(
        generate()
    ).keys()


def all_schemas(document: Document) -> list[dict[str, Any]]:
    return [
        content(operation, int(status))["schema"]
        for _, _, operation in operations(document)
        for status in operation["responses"]
        if status >= "400" and operation["operationId"] not in PAGES
    ]


@pytest.mark.parametrize("name", ["own_shape", "failing"])
def test_bodies_of_a_handler_with_another_shape_are_not_described(name: str, settings: Any) -> None:
    use_handler(settings, f"{__name__}.{name}")

    schemas = all_schemas(generate())

    assert schemas
    assert all(schema == {} for schema in schemas)


@pytest.mark.needs("drf_standardized_errors")
@pytest.mark.parametrize(
    "schema_class",
    ["drf_spectacular.openapi.AutoSchema", "drf_standardized_errors.openapi.AutoSchema"],
)
def test_bodies_of_standardized_errors_have_their_shape(schema_class: str, settings: Any) -> None:
    use_handler(settings, STANDARDIZED, DEFAULT_SCHEMA_CLASS=schema_class)

    document = generate()

    bodies = error_bodies(document)
    assert bodies.keys() == {
        *("SocialClientErrors", "SocialValidationErrors", "SocialServerErrors"),
        *("SocialBackchannelClientErrors", "SocialBackchannelValidationErrors"),
        "SocialBackchannelServerErrors",
    }
    for body in bodies.values():
        assert {"type", "errors"} <= set(body["required"])
        assert set(body["properties"]["errors"]["items"]["required"]) == {"attr", "code", "detail"}
    schemas = document["components"]["schemas"]
    client_error = schemas["SocialClientErrors"]["properties"]["errors"]["items"]["properties"]
    assert "state_mismatch" in resolve(document, client_error["code"])["enum"]


@pytest.mark.needs("drf_standardized_errors")
def test_bodies_of_another_formatter_of_standardized_errors_are_not_described(
    settings: Any,
) -> None:
    settings.DRF_STANDARDIZED_ERRORS = {"EXCEPTION_FORMATTER_CLASS": "builtins.object"}
    use_handler(settings, STANDARDIZED)

    assert all(schema == {} for schema in all_schemas(generate()))
