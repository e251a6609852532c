"""The components of the OpenAPI document: names, enums, and the effect of a project's settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import models
from django.urls import include, path
from django.utils import translation
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, versioning
from rest_framework.views import APIView

from social_endpoints.tokens import LoginSerializer, TokenSerializer
from social_endpoints.views import ProviderAuthView, ProviderTokenView
from tests.support.configuration import Configure
from tests.support.languages import MARKED_LANGUAGE, add_catalogue, mark
from tests.support.openapi import Document, content, generate, operations, resolve, spectacular
from tests.support.urlconf import ENDPOINTS, urlconf

AUTH = "/auth/o/{provider}/"
CAMEL_CASE = "drf_spectacular.contrib.djangorestframework_camel_case.camelize_serializer_fields"
ENUMS = "drf_spectacular.hooks.postprocess_schema_enums"


class ErrorSerializer(serializers.Serializer[Any]):
    error_code = serializers.ChoiceField(choices=["own", "other"])
    error_recovery = serializers.ChoiceField(choices=["none"])


class ProviderSerializer(serializers.Serializer[Any]):
    protocol = serializers.ChoiceField(choices=["http", "ftp"])
    type = serializers.ChoiceField(choices=["big", "small"])
    capabilities = serializers.ListField(child=serializers.ChoiceField(choices=["own"]))


class OwnTokenSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["bearer"])

    class Meta:
        ref_name = "Token"


class ConnectionSerializer(serializers.Serializer[Any]):
    protocol = serializers.ChoiceField(choices=["tcp"])


class WithoutDocstring(TokenSerializer):
    is_new_user = serializers.BooleanField()


class OwnLoginSerializer(LoginSerializer):
    secret = serializers.CharField()


def project_view() -> Any:
    """Return a view whose components have the names that ours would have without a prefix."""

    class ProjectView(APIView):
        # The decorator reads DRF's settings.
        @extend_schema(
            operation_id="project",
            request=ErrorSerializer,
            responses={
                200: ProviderSerializer,
                201: OwnTokenSerializer,
                202: ConnectionSerializer,
            },
        )
        def post(self, request: Any) -> None:
            """Do nothing."""

    return ProjectView.as_view()


def components(document: Document) -> set[str]:
    return set(document["components"]["schemas"])


# --- Names ----------------------------------------------------------------------------


def test_all_components_have_a_name_of_this_package(document: Document) -> None:
    assert all(name.startswith("Social") for name in components(document))


def test_components_of_a_project_keep_their_names(document: Document, settings: Any) -> None:
    settings.ROOT_URLCONF = urlconf(ENDPOINTS, path("project/", project_view()))

    both = generate()

    schemas, own = both["components"]["schemas"], document["components"]["schemas"]
    assert components(both) - components(document) == {
        *("Error", "Provider", "Token", "Connection"),
        *("ErrorCodeEnum", "ErrorRecoveryEnum", "CapabilitiesEnum", "ConnectionProtocolEnum"),
        *("ProviderProtocolEnum", "ProviderTypeEnum", "TokenTypeEnum"),
    }
    assert {name: schemas[name] for name in own} == own


@pytest.mark.parametrize("name", ["WithoutDocstring", "OwnLoginSerializer"])
def test_token_serializer_of_a_project_keeps_its_name_but_inherits_no_docstring(
    name: str, configure: Configure
) -> None:
    configure(TOKEN_SERIALIZER=f"{__name__}.{name}")

    document = generate()

    schema = content(document["paths"][AUTH]["post"], 201)["schema"]
    assert schema["$ref"].endswith("/" + name.removesuffix("Serializer"))
    assert "``" not in resolve(document, schema)["description"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        (path("v2/", include("social_endpoints.urls")), {"socialBeginV2", "socialCallbackPostV2"}),
        (
            path("v2/auth/", include(("social_endpoints.urls", "app"), namespace="second")),
            {"socialBeginV2", "socialConnectionsV2"},
        ),
        (path("own/<str:provider>/", ProviderAuthView.as_view()), {"socialBeginOwn"}),
    ],
    ids=["include", "namespace", "view"],
)
def test_second_route_has_other_operation_ids(pattern: Any, names: set[str], settings: Any) -> None:
    settings.ROOT_URLCONF = urlconf(ENDPOINTS, pattern)

    ids = [operation["operationId"] for _, _, operation in operations(generate())]

    assert len(ids) == len(set(ids))
    assert names | {"socialBegin", "socialCallbackPost", "socialConnections"} <= set(ids)


def test_routes_that_differ_in_no_word_have_numbered_operation_ids(settings: Any) -> None:
    view = ProviderAuthView.as_view()
    routes = ("<str:provider>/", "<str:provider>", "<str:provider>//")
    settings.ROOT_URLCONF = urlconf(*(path(route, view) for route in routes))

    ids = {operation["operationId"] for _, _, operation in operations(generate())}

    assert {each for each in ids if "Begin" in each} == {
        "socialBegin",
        "socialBegin2",
        "socialBegin3",
    }


def test_description_by_a_project_wins(settings: Any) -> None:
    class ProjectView(ProviderAuthView):
        @extend_schema(operation_id="project", responses={202: ProviderSerializer}, tags=["own"])
        def get(self, *args: Any, **kwargs: Any) -> Any:
            """Begin in another way."""

    view = extend_schema(summary="Own summary")(ProjectView).as_view()
    settings.ROOT_URLCONF = urlconf(path("<str:provider>/", view))

    document = generate()

    begin, complete = (document["paths"]["/{provider}/"][each] for each in ("get", "post"))
    assert (begin["operationId"], begin["tags"]) == ("project", ["own"])
    assert content(begin, 202)["schema"] == {"$ref": "#/components/schemas/Provider"}
    assert content(begin, 404)["schema"] == {"$ref": "#/components/schemas/SocialErrorDetail"}
    assert begin["summary"] == complete["summary"] == "Own summary"
    assert complete["operationId"] == "socialComplete"


@pytest.mark.parametrize(
    "responses",
    [ProviderSerializer, {200: ProviderSerializer}, {201: None}, {201: {"type": "object"}}],
    ids=["serializer", "status", "no body", "schema"],
)
@pytest.mark.parametrize("view", [ProviderAuthView, ProviderTokenView])
def test_project_can_describe_other_responses_of_a_login(
    responses: Any, view: Any, settings: Any
) -> None:
    decorate = extend_schema_view(post=extend_schema(responses=responses))
    own = decorate(type("OwnView", (view,), {}))
    settings.ROOT_URLCONF = urlconf(path("<str:provider>/", own.as_view()))

    described = generate()["paths"]["/{provider}/"]["post"]["responses"]

    expected = responses if isinstance(responses, dict) else {200: responses}
    assert {int(status) for status in described if status < "400"} == expected.keys()
    assert "404" in described


def test_request_of_a_project_has_no_example_of_ours(settings: Any) -> None:
    decorate = extend_schema_view(post=extend_schema(request=ProviderSerializer))
    own = decorate(type("OwnView", (ProviderAuthView,), {}))
    settings.ROOT_URLCONF = urlconf(path("<str:provider>/", own.as_view()))

    body = generate()["paths"]["/{provider}/"]["post"]["requestBody"]["content"]

    assert all("examples" not in media_type for media_type in body.values())


class OwnMethodView(ProviderAuthView):
    serializer_class = ProviderSerializer

    def put(self, *args: Any, **kwargs: Any) -> Any:
        """Do something else."""


def test_method_that_a_project_adds_is_described_by_the_project(settings: Any) -> None:
    settings.ROOT_URLCONF = urlconf(ENDPOINTS, path("own/<str:provider>/", OwnMethodView.as_view()))

    operation = generate()["paths"]["/own/{provider}/"]["put"]

    assert operation["operationId"] == "own_update"
    assert operation["description"] == "Do something else."
    assert operation["tags"] == ["own"]
    assert operation["responses"].keys() == {"200"}
    assert content(operation, 200)["schema"] == {"$ref": "#/components/schemas/Provider"}


class TaggingSchema(AutoSchema):
    """Another class than ``DEFAULT_SCHEMA_CLASS``."""

    def get_external_docs(self) -> str:
        return "https://docs.example.com/"


@pytest.mark.parametrize(
    "default", ["drf_spectacular.openapi.AutoSchema", f"{__name__}.OtherSchema"]
)
def test_schema_class_of_a_view_is_used(default: str, settings: Any) -> None:
    class ProjectView(ProviderAuthView):
        schema = TaggingSchema()

    settings.REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": default}
    settings.ROOT_URLCONF = urlconf(path("<str:provider>/", ProjectView.as_view()))

    operation = generate()["paths"]["/{provider}/"]["get"]

    assert operation["externalDocs"] == {"url": "https://docs.example.com/"}
    assert operation["operationId"] == "socialBegin"


class OtherSchema(AutoSchema):
    pass


# --- Settings -------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@pytest.mark.parametrize("splits", [False, True], ids=["joined", "split"])
def test_document_is_valid_in_each_version(version: str, splits: bool, settings: Any) -> None:
    settings.ROOT_URLCONF = urlconf(
        ENDPOINTS, path("v2/", include("social_endpoints.urls")), path("own/", project_view())
    )

    with spectacular(OAS_VERSION=version, COMPONENT_SPLIT_REQUEST=splits):
        document = generate(validates=True)

    assert document["openapi"] == version
    assert ("SocialCallbackRequest" in components(document)) is splits


def test_document_of_each_version_contains_routes_without_a_version(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(APIView, "versioning_class", versioning.NamespaceVersioning)
    versioned = path("v2/", include(("social_endpoints.urls", "app"), namespace="v2"))
    settings.ROOT_URLCONF = urlconf(ENDPOINTS, versioned)

    paths = [generate(version=version)["paths"].keys() for version in ("v1", "v2")]

    assert [{"/auth/o/", "/v2/o/"} & each for each in paths] == [
        {"/auth/o/"},
        {"/auth/o/", "/v2/o/"},
    ]


@pytest.mark.needs("djangorestframework_camel_case")
def test_hook_for_camel_case_does_not_rename_properties(configure: Configure) -> None:
    # The views do not use the renderer of the project.
    configure(TOKEN_SERIALIZER="tests.support.with_profile.TokenSerializer")

    with spectacular(POSTPROCESSING_HOOKS=[ENUMS, CAMEL_CASE]):
        document = generate()

    for component in ("SocialError", "SocialAuthorization", "SocialPaused", "TokenWithProfile"):
        names = document["components"]["schemas"][component]["allOf"][0]["properties"]
        assert any("_" in name for name in names)
        assert not any(re.search("[A-Z]", name) for name in names)


@pytest.mark.parametrize(
    ("entries", "begun", "has_cookie"),
    [
        ({}, {"authorization_url", "flow"}, True),
        ({"FLOW_TRANSPORT": "cookie"}, {"authorization_url"}, True),
        ({"FLOW_TRANSPORT": "body"}, {"authorization_url", "flow"}, False),
        (
            {"TOKEN_SERIALIZER": "social_endpoints.tokens.SessionSerializer"},
            {"authorization_url"},
            True,
        ),
    ],
    ids=str,
)
def test_flow_is_described_as_it_travels(
    entries: dict[str, str], begun: set[str], has_cookie: bool, configure: Configure
) -> None:
    configure(**entries)

    document = generate()

    schemas = document["components"]["schemas"]
    assert set(schemas["SocialAuthorization"]["required"]) == begun
    assert ("flow" in schemas["SocialPaused"]["properties"]) is ("flow" in begun)
    assert ("flow" in schemas["SocialCallback"]["properties"]) is ("flow" in begun)
    response = document["paths"][AUTH]["get"]["responses"]["200"]
    assert ("Set-Cookie" in response.get("headers", {})) is has_cookie


@pytest.mark.needs("rest_framework_simplejwt")
@pytest.mark.parametrize("name", ["SessionSerializer", "JWTCookieSerializer"])
def test_serializer_with_cookies_describes_them_and_has_no_token(
    name: str, configure: Configure
) -> None:
    configure(TOKEN_SERIALIZER=f"social_endpoints.tokens.{name}", JWT_ACCESS_COOKIE="own")

    document = generate()

    complete = document["paths"][AUTH]["post"]
    assert set(resolve(document, content(complete, 201)["schema"])["properties"]) == {"user"}
    cookie = {"SessionSerializer": "sessionid", "JWTCookieSerializer": "own"}[name]
    for operation, status in (
        (complete, "201"),
        (document["paths"][f"{AUTH}token/"]["post"], "201"),
        (document["paths"]["/auth/logout/"]["post"], "204"),
    ):
        header = operation["responses"][status]["headers"]["Set-Cookie"]
        assert header["example"].startswith(f"{cookie}=")


def test_token_is_posted_as_json_only_if_the_login_is_in_a_cookie(configure: Configure) -> None:
    configure(TOKEN_SERIALIZER="social_endpoints.tokens.SessionSerializer")

    paths = generate()["paths"]

    for url in (f"{AUTH}token/", f"{AUTH}connect/token/"):
        assert paths[url]["post"]["requestBody"]["content"].keys() == {"application/json"}
    assert len(paths[AUTH]["post"]["requestBody"]["content"]) == 3


# --- Texts ----------------------------------------------------------------------------


def test_descriptions_are_markdown(document: Document) -> None:
    texts = [*_texts(document)]

    assert len(texts) > 100
    assert [text for text in texts if "``" in text or re.search(r":\w+:`", text)] == []


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (
            value[name] for name in ("description", "summary") if isinstance(value.get(name), str)
        )
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, (dict, list)):
            yield from _texts(each)


# --- The id of a connection -----------------------------------------------------------


class InheritedKey:
    """The key of a model that inherits from another one with a table."""

    is_relation = True
    target_field = models.BigAutoField()


class CompositeKey:
    """The key of a model with ``CompositePrimaryKey``."""

    columns = ("tenant_id", "id")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (models.BigAutoField(), {"type": "integer"}),
        (CompositeKey(), {"type": "array", "items": {}}),
        (InheritedKey(), {"type": "integer"}),
        (models.UUIDField(), {"type": "string", "format": "uuid"}),
        (models.CharField(), {"type": "string"}),
        (None, {"type": "integer"}),
    ],
    ids=["integer", "composite", "inherited", "uuid", "text", "no model"],
)
def test_id_of_a_connection_has_the_type_of_the_models_key(
    key: Any, expected: dict[str, str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta = None if key is None else SimpleNamespace(pk=key)
    monkeypatch.setattr(OwnStorage, "user", SimpleNamespace(_meta=meta), raising=False)
    settings.SOCIAL_AUTH_STORAGE = f"{__name__}.OwnStorage"

    document = generate()

    in_list = document["components"]["schemas"]["SocialConnection"]["properties"]["id"]
    (in_path,) = document["paths"]["/auth/connections/{id}/"]["delete"]["parameters"]
    assert in_list == {**expected, "readOnly": True}
    assert in_path["schema"] == expected


class OwnStorage:
    """A storage of the project, whose class for connections is set by the tests."""


def test_document_is_the_same_in_each_language(
    document: Document, settings: Any, tmp_path: Path
) -> None:
    add_catalogue(tmp_path, MARKED_LANGUAGE, mark)
    settings.LOCALE_PATHS = [str(tmp_path)]

    for language in ("de", MARKED_LANGUAGE):
        with translation.override(language), spectacular(OAS_VERSION="3.0.3"):
            assert generate() == document
