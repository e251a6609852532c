"""The operations, their requests and their successful responses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import include, path
from rest_framework import serializers
from rest_framework.authentication import TokenAuthentication

from social_endpoints.internal.actions.providers import CAPABILITIES
from social_endpoints.internal.backends.registry import PROTOCOLS
from social_endpoints.pipeline import FIELD_TYPES
from social_endpoints.tokens import LoginSerializer
from social_endpoints.views import LogoutView
from tests.support.account_views import Pages, route_account_views
from tests.support.accounts import CONNECTION_FIELDS
from tests.support.configuration import Configure
from tests.support.openapi import Document, content, generate, resolve
from tests.support.token_serializers import SHIPPED
from tests.support.token_urls import ProjectAuthView
from tests.support.urlconf import ENDPOINTS, urlconf

AUTH = "/auth/o/{provider}/"
CONNECT = f"{AUTH}connect/"
CONNECT_TOKEN = f"{CONNECT}token/"
TOKEN = f"{AUTH}token/"
LOGOUT = f"{AUTH}logout/"
BACKCHANNEL = f"{LOGOUT}backchannel/"
CALLBACK = f"{AUTH}callback/"
CONNECTIONS = "/auth/connections/"
CONNECTION = f"{CONNECTIONS}{{id}}/"

BEGUN = {"authorization_url", "flow"}
LOGOUT_URL = {"logout_url", "state"}
PAUSED = {"partial_token", "redirect_to", "fields", "provider", "flow"}

# The statuses of every operation, of one that reads a body, and of one for a signed-in user.
ALWAYS = {400, 429, 500, 503}
BODY = ALWAYS | {413, 415}
ACCOUNT = {401}

TOKEN_BODIES = {
    "TokenSerializer": {"token"},
    "SessionSerializer": {"user"},
    "JWTSerializer": {"access", "refresh", "user"},
    "JWTCookieSerializer": {"user"},
    "KnoxTokenSerializer": {"token", "expiry"},
    "DjoserSerializer": set(),
}


def properties(document: dict[str, Any], path: str, method: str, status: int) -> dict[str, Any]:
    response = document["paths"][path][method]["responses"][str(status)]
    schema = resolve(document, response["content"]["application/json"]["schema"])
    return schema.get("properties", {})


@pytest.mark.parametrize(
    ("path", "method", "operation_id", "bodies", "errors"),
    [
        ("/auth/o/", "get", "socialProviders", {200: None, 304: None}, ALWAYS),
        (AUTH, "get", "socialBegin", {200: BEGUN}, ALWAYS | {404}),
        (AUTH, "post", "socialComplete", {201: {"token"}, 202: PAUSED}, BODY | {404}),
        (TOKEN, "post", "socialSignInWithToken", {201: {"token"}, 202: PAUSED}, BODY | {404}),
        (CONNECT, "get", "socialConnect", {200: BEGUN}, ALWAYS | ACCOUNT | {404}),
        (
            CONNECT,
            "post",
            "socialCompleteConnect",
            {201: CONNECTION_FIELDS, 202: PAUSED},
            BODY | ACCOUNT | {404},
        ),
        (
            CONNECT_TOKEN,
            "post",
            "socialConnectWithToken",
            {201: CONNECTION_FIELDS, 202: PAUSED},
            BODY | ACCOUNT | {404},
        ),
        (LOGOUT, "get", "socialProviderLogout", {200: LOGOUT_URL}, ALWAYS | ACCOUNT | {404}),
        (
            BACKCHANNEL,
            "post",
            "socialBackchannelLogout",
            {200: set()},
            BODY - {429} | {404},
        ),
        (CALLBACK, "get", "socialCallback", {303: None}, BODY | {404}),
        (CALLBACK, "post", "socialCallbackPost", {303: None}, BODY | {404}),
        ("/auth/logout/", "post", "socialLogout", {204: None}, BODY | ACCOUNT | {404}),
        (CONNECTIONS, "get", "socialConnections", {200: None}, ALWAYS | ACCOUNT),
        (
            CONNECTION,
            "delete",
            "socialDisconnect",
            {202: PAUSED, 204: None},
            BODY | ACCOUNT | {404},
        ),
    ],
)
def test_operation_has_its_id_texts_statuses_and_bodies(
    path: str,
    method: str,
    operation_id: str,
    bodies: dict[int, set[str] | None],
    errors: set[int],
    document: Document,
) -> None:
    operation = document["paths"][path][method]
    assert operation["operationId"] == operation_id
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    assert set(operation["responses"]) == {str(status) for status in {*bodies, *errors}}
    for status, body in bodies.items():
        if body is not None:
            assert set(properties(document, path, method, status)) == body


def test_public_endpoints_need_no_authentication(document: Document) -> None:
    paths = document["paths"]
    public = [paths["/auth/o/"]["get"], paths[AUTH]["get"], paths[AUTH]["post"]]
    public += [paths[TOKEN]["post"], paths[BACKCHANNEL]["post"]]
    assert [operation.get("security", [{}]) for operation in public] == [[{}]] * 5
    own = [paths[each]["get"] for each in (CONNECT, CONNECTIONS, LOGOUT)]
    posted = (CONNECT, CONNECT_TOKEN, "/auth/logout/")
    for operation in (*own, *(paths[each]["post"] for each in posted)):
        assert {} not in operation["security"]


def test_scope_of_a_connect_may_be_empty(document: Document) -> None:
    parameters = document["paths"][CONNECT]["get"]["parameters"]

    (scope,) = (each for each in parameters if each["name"] == "scope")

    assert (scope["schema"], scope.get("required")) == ({"type": "string"}, None)


def test_begin_requires_a_redirect_uri_and_complete_accepts_json_forms_and_tokens(
    document: Document,
) -> None:
    paths = document["paths"]
    for url, others in ((AUTH, set()), (CONNECT, {"scope"})):
        query = {
            one["name"]: one for one in paths[url]["get"]["parameters"] if one["in"] == "query"
        }
        redirect_uri = query.pop("redirect_uri")
        assert query.keys() == {"openid_identifier", "idp", "shop"} | others
        assert not any(one.get("required") for one in query.values())
        assert redirect_uri["required"] is True
        assert redirect_uri["schema"]["type"] == "string"
    assert set(paths[AUTH]["post"]["requestBody"]["content"]) == {
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    }
    for url in (TOKEN, CONNECT_TOKEN):
        native = paths[url]["post"]["requestBody"]["content"]["application/json"]
        asked = resolve(document, native["schema"])["properties"]
        assert set(asked) == {"id_token", "access_token", "nonce", "user"}


def test_paused_login_describes_the_form(document: Document) -> None:
    paused = properties(document, AUTH, "post", 202)
    fields = paused["fields"]
    assert paused["partial_token"]["nullable"] is True
    assert (fields["type"], fields["nullable"]) == ("array", True)
    field = resolve(document, fields["items"])
    assert field["required"] == ["choices", "help_text", "label", "name", "required", "type"]
    assert resolve(document, field["properties"]["type"])["enum"] == list(FIELD_TYPES)
    assert field["properties"]["choices"]["nullable"] is True


# --- Lists ----------------------------------------------------------------------------


def test_list_of_providers_is_an_array(document: Document) -> None:
    operation = document["paths"]["/auth/o/"]["get"]
    assert [each["name"] for each in operation["parameters"]] == ["If-None-Match"]
    body = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert body["type"] == "array"
    provider = resolve(document, body["items"])
    assert provider["required"] == sorted(provider["properties"])
    nullable = {name for name, one in provider["properties"].items() if one.get("nullable")}
    assert nullable == {"icon", "begin_url"}
    for name, values in (("protocol", PROTOCOLS), ("capabilities", CAPABILITIES)):
        schema = provider["properties"][name]
        assert resolve(document, schema.get("items", schema))["enum"] == list(values)


def test_list_of_connections_is_an_array(document: Document) -> None:
    response = document["paths"][CONNECTIONS]["get"]["responses"]["200"]
    body = response["content"]["application/json"]["schema"]
    assert body == {"type": "array", "items": {"$ref": "#/components/schemas/SocialConnection"}}
    connection = resolve(document, body["items"])["properties"]
    assert set(connection) == CONNECTION_FIELDS
    assert connection["last_used"]["format"] == "date-time"
    assert connection["scopes"]["items"] == {"type": "string"}
    assert connection["needs_reconnect"]["type"] == "boolean"


def test_paginated_list_of_connections_is_a_page(settings: Any) -> None:
    route_account_views(settings, pagination=Pages)

    document = generate()

    page = properties(document, CONNECTIONS, "get", 200)
    assert set(page) == {"count", "next", "previous", "results"}
    assert "404" in document["paths"][CONNECTIONS]["get"]["responses"]


# --- The body of the token serializer -------------------------------------------------


@pytest.fixture(params=SHIPPED)
def serializer(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def token_body(configure: Configure) -> Callable[..., Any]:
    def get_properties(module: str, serializer: str, **entries: Any) -> dict[str, Any]:
        configure(TOKEN_SERIALIZER=f"{module}.{serializer}", **entries)
        return properties(generate(), AUTH, "post", 201)

    return get_properties


@pytest.mark.parametrize("names", [set(), {"is_new_user", "new_association"}], ids=str)
def test_token_body_of_shipped_serializer(
    names: set[str], serializer: str, token_body: Callable[..., Any]
) -> None:
    body = token_body("social_endpoints.tokens", serializer, TOKEN_FIELDS=sorted(names))

    assert set(body) == TOKEN_BODIES[serializer] | names
    assert {body[name]["type"] for name in names} <= {"boolean"}


def test_token_body_of_subclass(serializer: str, token_body: Callable[..., Any]) -> None:
    body = token_body("tests.support.with_profile", serializer)

    assert set(body) == TOKEN_BODIES[serializer] | {"profile", "is_new_user"}
    assert body["is_new_user"]["type"] == "boolean"


@pytest.mark.parametrize("names", [[], ["is_new_user"]], ids=str)
def test_token_body_of_djoser_is_any_object(names: list[str], configure: Configure) -> None:
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.DjoserSerializer", TOKEN_FIELDS=names)

    response = generate()["paths"][AUTH]["post"]["responses"]["201"]

    schema = response["content"]["application/json"]["schema"]
    assert schema["type"] == "object"
    assert schema["additionalProperties"] == {}
    assert schema.get("required", []) == names


# --- Serializers of a project ---------------------------------------------------------


class StaffSerializer(serializers.Serializer[Any]):
    is_staff = serializers.BooleanField()


def test_user_serializer_of_a_project_is_described_without_an_example_of_ours(
    configure: Configure,
) -> None:
    configure(USER_SERIALIZER=f"{__name__}.StaffSerializer")

    document = generate()

    described = content(document["paths"]["/auth/me/"]["get"], 200)
    assert described.keys() == {"schema"}
    assert set(resolve(document, described["schema"])["properties"]) == {"is_staff"}


class DeviceSerializer(LoginSerializer):
    """Issues refresh tokens of a project."""

    def refresh_login(self, request: Any) -> Any:
        raise NotImplementedError


def test_refresh_by_a_project_returns_any_object(configure: Configure) -> None:
    configure(TOKEN_SERIALIZER=f"{__name__}.DeviceSerializer")

    described = content(generate()["paths"]["/auth/refresh/"]["post"], 200)

    assert described == {"schema": {"type": "object", "additionalProperties": {}}}


# --- Views of a project ---------------------------------------------------------------


class HostAuthentication(TokenAuthentication):
    """An authentication class of a project that needs a real request."""

    def authenticate_header(self, request: Any) -> str:
        return f'Token realm="{request.META["HTTP_HOST"]}"'


def test_failing_authenticate_header_is_treated_as_missing(settings: Any) -> None:
    view = LogoutView.as_view(authentication_classes=[HostAuthentication])
    settings.ROOT_URLCONF = urlconf(path("sign-out/", view))

    described = generate()["paths"]["/sign-out/"]["post"]["responses"]

    assert "401" not in described
    assert "The user is not signed in." in described["403"]["description"]


@pytest.mark.parametrize(
    "pattern",
    [
        path("second/o/<str:provider>/", ProjectAuthView.as_view()),
        path("second/", include("social_endpoints.urls")),
    ],
    ids=["subclass", "include"],
)
def test_second_route_has_the_same_responses(pattern: Any, settings: Any) -> None:
    settings.ROOT_URLCONF = urlconf(ENDPOINTS, pattern)

    paths = generate()["paths"]

    assert paths["/second/o/{provider}/"]["post"]["responses"] == paths[AUTH]["post"]["responses"]


class CompleteOnlyView(ProjectAuthView):
    http_method_names = ["post"]


def test_subclass_with_fewer_methods_has_fewer_operations(settings: Any) -> None:
    settings.ROOT_URLCONF = urlconf(path("o/<str:provider>/", CompleteOnlyView.as_view()))

    assert generate()["paths"]["/o/{provider}/"].keys() == {"post"}


@pytest.mark.needs("rest_framework_simplejwt")
def test_jwt_cookie_authentication_is_an_api_key_in_a_cookie(
    settings: Any, configure: Configure
) -> None:
    from social_endpoints.tokens.jwt import JWTCookieAuthentication

    view = ProjectAuthView.as_view(authentication_classes=[JWTCookieAuthentication])
    settings.ROOT_URLCONF = urlconf(path("project/<str:provider>/", view))
    configure(JWT_ACCESS_COOKIE="project-cookie")

    document = generate()

    security = document["paths"]["/project/{provider}/"]["post"]["security"]
    ((name,),) = [list(one) for one in security if one]
    scheme = document["components"]["securitySchemes"][name]
    expected = {"type": "apiKey", "in": "cookie", "name": "project-cookie"}
    assert scheme.items() >= expected.items()


@pytest.mark.needs("rest_framework_simplejwt")
def test_user_can_sign_out_with_either_cookie(settings: Any, configure: Configure) -> None:
    from social_endpoints.tokens.jwt import JWTCookieAuthentication

    view = LogoutView.as_view(authentication_classes=[JWTCookieAuthentication])
    settings.ROOT_URLCONF = urlconf(path("sign-out/", view))
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.JWTCookieSerializer")

    document = generate()

    security = document["paths"]["/sign-out/"]["post"]["security"]
    schemes = document["components"]["securitySchemes"]
    names = [schemes[name]["name"] for one in security for name in one]
    assert names == ["access_token", "refresh_token"]
