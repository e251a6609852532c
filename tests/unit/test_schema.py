"""The OpenAPI schema, as drf-spectacular generates it."""

from __future__ import annotations

import json
from importlib.util import find_spec
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import include, path
from drf_spectacular.management.commands import spectacular
from rest_framework.pagination import LimitOffsetPagination

from social_endpoints.internal.actions.providers import CAPABILITIES
from social_endpoints.internal.backends.registry import PROTOCOLS
from social_endpoints.pipeline import FIELD_TYPES
from tests.support.account_views import route_account_views
from tests.support.configuration import Configure, configure_endpoints
from tests.support.token_urls import OurAuthView
from tests.support.urlconf import ENDPOINTS, urlconf

PATH = "/auth/o/{provider}/"

BODIES = {
    "TokenSerializer": {"token"},
    "SessionSerializer": {"user"},
    "JWTSerializer": {"access", "refresh", "user"},
    "JWTCookieSerializer": {"user"},
    "KnoxTokenSerializer": {"token", "expiry"},
}
INSTALLED = [
    name
    for name in BODIES
    if find_spec(
        "rest_framework_simplejwt" if "JWT" in name else "knox" if "Knox" in name else "re"
    )
]


@pytest.fixture(autouse=True)
def _spectacular(settings: Any) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
    settings.DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": "tests.support.token_serializers.ObtainedText"}


def schema() -> dict[str, Any]:
    """Generate and validate the schema; what drf-spectacular warns of is an error."""
    output = StringIO()
    command = spectacular.Command(stdout=output)
    call_command(command, "--fail-on-warn", "--validate", "--format=openapi-json")
    return json.loads(output.getvalue())  # type: ignore[no-any-return]


def answer_with(settings: Any, dotted_path: str) -> None:
    """Choose the token serializer."""
    configure_endpoints(settings, TOKEN_SERIALIZER=dotted_path)


def properties(
    document: dict[str, Any], method: str, status: str, path: str = PATH
) -> dict[str, Any]:
    """Return the properties of an answer's body."""
    answer = document["paths"][path][method]["responses"][status]
    found = answer["content"]["application/json"]["schema"]
    if "$ref" in found:
        found = document["components"]["schemas"][found["$ref"].rpartition("/")[2]]
    return found.get("properties", {})  # type: ignore[no-any-return]


def test_begin() -> None:
    document = schema()

    operation = document["paths"][PATH]["get"]
    (redirect_uri,) = [one for one in operation["parameters"] if one["in"] == "query"]
    assert redirect_uri["name"] == "redirect_uri"
    assert redirect_uri["required"] is True
    assert redirect_uri["schema"]["type"] == "string"
    assert set(operation["responses"]) == {"200", "400", "404"}
    assert set(properties(document, "get", "200")) == {"authorization_url", "flow"}


def test_native_sign_in(settings: Any) -> None:
    answer_with(settings, "social_endpoints.tokens.TokenSerializer")
    document = schema()
    path = f"{PATH}token/"
    operation = document["paths"][path]["post"]

    assert set(operation["responses"]) == {"201", "202", "400", "404"}
    assert set(properties(document, "post", "201", path)) == {"token"}
    assert operation["security"] == [{}]
    asked = document["components"]["schemas"]["NativeTokens"]["properties"]
    assert set(asked) == {"id_token", "access_token", "nonce", "user"}


def test_connect() -> None:
    document = schema()
    path = f"{PATH}connect/"

    begin, complete = document["paths"][path]["get"], document["paths"][path]["post"]
    assert set(begin["responses"]) == {"200", "400", "404"}
    assert set(complete["responses"]) == {"201", "202", "400", "404"}
    assert set(properties(document, "get", "200", path)) == {"authorization_url", "flow"}
    assert set(properties(document, "post", "201", path)) == CONNECTION
    assert {} not in complete["security"]
    assert document["paths"][PATH]["post"]["security"] == [{}]


CONNECTION = {"id", "provider", "title", "uid", "created", "last_used"}


def test_connections(settings: Any) -> None:
    document = schema()
    listed = document["paths"]["/auth/connections/"]["get"]["responses"]["200"]
    unlink = document["paths"]["/auth/connections/{id}/"]["delete"]

    array = listed["content"]["application/json"]["schema"]
    assert array == {"type": "array", "items": {"$ref": "#/components/schemas/Connection"}}
    connection = document["components"]["schemas"]["Connection"]["properties"]
    assert set(connection) == CONNECTION
    assert connection["last_used"]["format"] == "date-time"
    assert set(unlink["responses"]) == {"202", "204", "400", "404"}


def test_connections_of_a_project_that_paginates(settings: Any) -> None:
    route_account_views(settings, pagination=LimitOffsetPagination)

    assert {"count", "next", "previous", "results"} == set(
        properties(schema(), "get", "200", "/auth/connections/")
    )


def test_complete() -> None:
    document = schema()

    operation = document["paths"][PATH]["post"]
    assert set(operation["responses"]) == {"201", "202", "400", "404"}
    assert set(properties(document, "post", "202")) == {
        "partial_token",
        "redirect_to",
        "fields",
        "flow",
    }
    assert properties(document, "post", "202")["partial_token"]["nullable"] is True
    assert set(operation["requestBody"]["content"]) == {
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    }


def test_fields_that_a_pause_asks_for() -> None:
    document = schema()

    fields = properties(document, "post", "202")["fields"]
    assert (fields["type"], fields["nullable"]) == ("array", True)
    components = document["components"]["schemas"]
    field = components[fields["items"]["$ref"].rpartition("/")[2]]
    assert field["required"] == ["choices", "help_text", "label", "name", "required", "type"]
    kinds = components[field["properties"]["type"]["$ref"].rpartition("/")[2]]
    assert kinds["enum"] == FIELD_TYPES
    assert field["properties"]["choices"]["nullable"] is True


@pytest.mark.parametrize("method", ["get", "post"])
def test_error_body(method: str) -> None:
    assert set(properties(schema(), method, "400")) == {
        "non_field_errors",
        "error_code",
        "error_source",
        "error_stage",
        "error_recovery",
    }


def test_list_of_providers(settings: Any) -> None:
    settings.REST_FRAMEWORK |= {
        "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
        "PAGE_SIZE": 10,
    }
    document = schema()

    operation = document["paths"]["/auth/o/"]["get"]
    assert operation.get("parameters", []) == []
    assert set(operation["responses"]) == {"200", "304"}
    body = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert body["type"] == "array"
    components = document["components"]["schemas"]
    provider = components[body["items"]["$ref"].rpartition("/")[2]]
    assert provider["required"] == sorted(provider["properties"])
    assert {name for name, one in provider["properties"].items() if one.get("nullable")} == {
        "icon",
        "begin_url",
    }
    for name, values in (("protocol", PROTOCOLS), ("capabilities", CAPABILITIES)):
        one = provider["properties"][name]
        reference = one.get("items", one)["$ref"].rpartition("/")[2]
        assert components[reference]["enum"] == list(values)


@pytest.mark.parametrize("serializer", [*INSTALLED, "DjoserSerializer"])
def test_token_body_has_the_fields_that_the_setting_adds(serializer: str, settings: Any) -> None:
    answer_with(settings, f"social_endpoints.tokens.{serializer}")
    settings.SOCIAL_ENDPOINTS["TOKEN_FIELDS"] = ["is_new_user", "new_association"]

    body = properties(schema(), "post", "201")

    assert set(body) == BODIES.get(serializer, set()) | {"is_new_user", "new_association"}
    assert body["is_new_user"]["type"] == body["new_association"]["type"] == "boolean"


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_endpoint_wants_to_know_who_asks(method: str) -> None:
    operation = schema()["paths"][PATH][method]

    assert operation.get("security", [{}]) == [{}]


@pytest.mark.parametrize("serializer", INSTALLED)
def test_token_body_is_that_of_the_serializer(serializer: str, settings: Any) -> None:
    answer_with(settings, f"social_endpoints.tokens.{serializer}")

    assert set(properties(schema(), "post", "201")) == BODIES[serializer]


@pytest.mark.parametrize("serializer", INSTALLED)
def test_token_body_has_the_fields_of_a_subclass(serializer: str, settings: Any) -> None:
    answer_with(settings, f"tests.support.with_profile.{serializer}")

    body = properties(schema(), "post", "201")

    assert set(body) == BODIES[serializer] | {"profile", "is_new_user"}
    assert body["is_new_user"]["type"] == "boolean"


def test_token_body_of_djoser_is_an_object_of_unknown_content(settings: Any) -> None:
    answer_with(settings, "social_endpoints.tokens.DjoserSerializer")

    answer = schema()["paths"][PATH]["post"]["responses"]["201"]

    assert answer["content"]["application/json"]["schema"]["type"] == "object"


@pytest.mark.parametrize(
    "pattern",
    [
        path("second/o/<str:provider>/", OurAuthView.as_view()),
        path("second/", include("social_endpoints.urls")),
    ],
    ids=["subclass", "include"],
)
def test_endpoint_that_the_project_has_twice(pattern: Any, settings: Any) -> None:
    settings.ROOT_URLCONF = urlconf(ENDPOINTS, pattern)

    paths = schema()["paths"]

    assert paths["/second/o/{provider}/"]["post"]["responses"] == paths[PATH]["post"]["responses"]


@pytest.mark.needs("rest_framework_simplejwt")
def test_view_behind_jwt_cookies_is_described(settings: Any, configure: Configure) -> None:
    """A project with our authentication class has a schema without warnings, too."""
    from social_endpoints.tokens import jwt_cookies as tokens

    view = OurAuthView.as_view(authentication_classes=[tokens.JWTCookieAuthentication])
    settings.ROOT_URLCONF = urlconf(path("mine/<str:provider>/", view))
    configure(JWT_ACCESS_COOKIE="our-cookie")

    document = schema()

    ((name,),) = [
        list(one) for one in document["paths"]["/mine/{provider}/"]["post"]["security"] if one
    ]
    scheme = document["components"]["securitySchemes"][name]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "cookie", "our-cookie")
