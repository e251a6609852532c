"""The OpenAPI document of the endpoints: extensions of drf-spectacular."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiViewExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)

from social_endpoints.conf import get_names, import_setting, settings
from social_endpoints.internal.http.serializers import (
    BackchannelErrorSerializer,
    BeginSerializer,
    BegunSerializer,
    CallbackSerializer,
    ConnectBeginSerializer,
    ConnectionSerializer,
    ErrorSerializer,
    LogoutSerializer,
    LogoutTokenSerializer,
    LogoutURLSerializer,
    NativeTokensSerializer,
    PausedSerializer,
    ProviderLogoutSerializer,
    ProviderSerializer,
)

_TOKEN_BODY = object()  # replaced with get_token_body() when the document is generated
_PROVIDER = OpenApiParameter("provider", str, "path", description="Name of the provider.")
_ERROR = OpenApiResponse(ErrorSerializer, "A field error or the error body.")
_NO_PROVIDER = OpenApiResponse(description="The provider is not configured.")
_NO_NATIVE = OpenApiResponse(description="The provider has no native sign-in.")
_NO_CONNECTION = OpenApiResponse(description="The user has no such connection.")
_NO_LOGOUT = OpenApiResponse(description="The provider has no logout endpoint.")
_NO_BACKCHANNEL = OpenApiResponse(description="The provider has no back-channel logout.")
_SIGNED_OUT = OpenApiResponse(OpenApiTypes.OBJECT, "The logins have ended; an empty object.")
_BAD_TOKEN = OpenApiResponse(BackchannelErrorSerializer, "The logout token is not valid.")
_RETRY = OpenApiResponse(
    BackchannelErrorSerializer, "The keys, the database or the cache are unavailable."
)
_NOT_ENDED = OpenApiResponse(description="The server cannot end this login.")
_NOT_MODIFIED = OpenApiResponse(description="The list has not changed since `If-None-Match`.")
_BEGIN = {
    "parameters": [_PROVIDER, BeginSerializer],
    "responses": {200: BegunSerializer, 400: _ERROR, 404: _NO_PROVIDER},
}


def _complete(request: Any, body: Any, not_found: OpenApiResponse = _NO_PROVIDER) -> Any:
    responses = {201: body, 202: PausedSerializer, 400: _ERROR, 404: not_found}
    return {"parameters": [_PROVIDER], "request": request, "responses": responses}


# Arguments of extend_schema() by view and method.
OPERATIONS: dict[str, dict[str, dict[str, Any]]] = {
    "ProviderListView": {
        "get": {
            "description": "List the configured providers.",
            "responses": {200: ProviderSerializer(many=True), 304: _NOT_MODIFIED},
        },
    },
    "ProviderAuthView": {
        "get": {"description": "Begin a login: returns the provider's URL.", **_BEGIN},
        "post": {
            "description": "Complete a login: returns the project's token.",
            **_complete(CallbackSerializer, _TOKEN_BODY),
        },
    },
    "ProviderTokenView": {
        "post": {
            "description": "Sign in with a token that an SDK obtained from the provider.",
            **_complete(NativeTokensSerializer, _TOKEN_BODY, _NO_NATIVE),
        },
    },
    "ProviderConnectView": {
        "get": {
            "description": "Begin a connect: returns the provider's URL.",
            **_BEGIN,
            "parameters": [_PROVIDER, ConnectBeginSerializer],
        },
        "post": {
            "description": "Connect an identity to the signed-in user.",
            **_complete(CallbackSerializer, ConnectionSerializer),
        },
    },
    "ProviderConnectTokenView": {
        "post": {
            "description": "Connect an identity with a token that an SDK obtained.",
            **_complete(NativeTokensSerializer, ConnectionSerializer, _NO_NATIVE),
        },
    },
    "ProviderLogoutView": {
        "get": {
            "description": "Sign out at the provider: returns the provider's URL.",
            "parameters": [_PROVIDER, ProviderLogoutSerializer],
            "responses": {200: LogoutURLSerializer, 400: _ERROR, 404: _NO_LOGOUT},
        },
    },
    "ProviderBackchannelLogoutView": {
        "post": {
            "description": "For the provider: end the logins of a user (back-channel logout).",
            "parameters": [_PROVIDER],
            "request": LogoutTokenSerializer,
            "responses": {200: _SIGNED_OUT, 400: _BAD_TOKEN, 404: _NO_BACKCHANNEL, 503: _RETRY},
        },
    },
    "LogoutView": {
        "post": {
            "description": "End the login of this request.",
            "request": LogoutSerializer,
            "responses": {204: None, 400: _ERROR, 404: _NOT_ENDED},
        },
    },
    "ConnectionListView": {
        "get": {
            "description": "List the connections of the signed-in user.",
            "responses": {200: ConnectionSerializer(many=True)},
        },
    },
    "ConnectionDetailView": {
        "delete": {
            "description": "Disconnect an identity from the signed-in user.",
            "parameters": [OpenApiParameter("id", str, "path")],
            "responses": {202: PausedSerializer, 204: None, 400: _ERROR, 404: _NO_CONNECTION},
        },
    },
}


def get_token_body() -> Any:
    """Return the token serializer, or an object with any fields if it declares none.

    ``DjoserSerializer`` declares none, and ``TOKEN_FIELDS`` adds optional ones.
    """
    serializer = import_setting("TOKEN_SERIALIZER")
    names = list(serializer().fields)
    if not names:
        return OpenApiTypes.OBJECT
    if not set(names) <= set(get_names("TOKEN_FIELDS")):
        return serializer
    return {
        "type": "object",
        "properties": {name: {"type": "boolean", "readOnly": True} for name in names},
        "required": names,
        "additionalProperties": {},
    }


def register_view(name: str, operations: dict[str, dict[str, Any]]) -> None:
    """Define the extension of one view. Its definition registers it with drf-spectacular."""

    class Extension(OpenApiViewExtension):  # type: ignore[no-untyped-call]  # untyped upstream
        target_class = f"social_endpoints.views.{name}"
        match_subclasses = True

        def view_replacement(self) -> Any:
            described = type(name, (self.target,), {})
            # A project may restrict http_method_names.
            methods = operations.keys() & self.target.http_method_names
            schemas = {method: _describe(**operations[method]) for method in methods}
            return extend_schema_view(**schemas)(described)


def _describe(*, responses: dict[int, Any], **arguments: Any) -> Any:
    if responses.get(201) is _TOKEN_BODY:
        responses = {**responses, 201: get_token_body()}
    return extend_schema(responses=responses, **arguments)


for _name, _operations in OPERATIONS.items():
    register_view(_name, _operations)


# drf-spectacular registers a subclass in a method without annotations.
class JWTCookieScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # see above
    """Describes ``JWTCookieAuthentication``: the access token is sent in a cookie."""

    target_class = "social_endpoints.tokens.jwt.JWTCookieAuthentication"
    name = "jwtCookie"
    match_subclasses = True
    optional = True  # The extra may not be installed.

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.JWT_ACCESS_COOKIE}


class RefreshCookieScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # see above
    """Describes ``RefreshCookieAuthentication``, by which a user can sign out."""

    target_class = "social_endpoints.tokens.jwt.RefreshCookieAuthentication"
    name = "jwtRefreshCookie"
    priority = JWTCookieScheme.priority + 1  # The other one matches subclasses.
    optional = True  # The extra may not be installed.

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.JWT_REFRESH_COOKIE}
