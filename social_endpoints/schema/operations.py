"""The operations in the OpenAPI document: one entry for each view and method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework.serializers import Serializer

from social_endpoints.internal.http.serializers import (
    BegunSerializer,
    CallbackSerializer,
    ConnectionSerializer,
    LogoutSerializer,
    LogoutTokenSerializer,
    LogoutURLSerializer,
    NativeTokensSerializer,
    PausedSerializer,
    ProviderLogoutSerializer,
    ProviderSerializer,
    RefreshedSerializer,
    RefreshSerializer,
)
from social_endpoints.schema import examples
from social_endpoints.schema.components import Schema, connection_id
from social_endpoints.schema.errors import DETAIL, ERROR, FIELD_ERRORS
from social_endpoints.schema.token_body import find_token_serializer, get_token_response
from social_endpoints.tokens.base import LoginSerializer, loaded_classes
from social_endpoints.users import UserSerializer

_LOGIN = "Social login"
_CONNECTIONS = "Social connections"
_PROVIDERS = "Social providers"

_JWT = "social_endpoints.tokens.jwt.JWTSerializer"
_JWT_COOKIE = "social_endpoints.tokens.jwt.JWTCookieSerializer"


def _no_parameters(view: Any) -> list[Any]:
    return []


@dataclass(frozen=True, kw_only=True)
class Operation:
    """The description of one method of a view.

    :ivar id: the operation id. Generated clients use it as the name of a method.
    :ivar responses: the responses below 400, or functions that return them, or None if the project
        has no such response. They are called with the view when the document is generated.
    :ivar parameters: called like these functions.
    :ivar bad_request: the bodies that a 400 can have.
    :ivar examples_400: names of examples.
    :ivar not_found: name of the example of the 404, or None if there is no 404.
    :ivar reads_body: whether the view parses the body. It then responds with 413 and 415.
    :ivar is_for_browser: whether errors are HTML pages.
    """

    id: str
    tag: str
    summary: str
    description: str
    responses: Mapping[int, Any]
    parameters: Callable[[Any], list[Any]] = _no_parameters
    request: type[Serializer[Any]] | Schema | None = None
    request_example: Callable[[], Schema] | Schema | None = None
    bad_request: tuple[str, ...] = (ERROR, FIELD_ERRORS, DETAIL)
    examples_400: tuple[str, ...] = ("malformed_request",)
    not_found: str | None = "provider_not_supported"
    reads_body: bool = False
    is_for_browser: bool = False

    def get_responses(self, view: Any) -> dict[int, Any]:
        """Return the responses below 400."""
        responses = {
            status: response(view) if callable(response) else response
            for status, response in self.responses.items()
        }
        return {status: response for status, response in responses.items() if response is not None}

    def get_request_example(self) -> Schema | None:
        """Return the example of the request body."""
        return self.request_example() if callable(self.request_example) else self.request_example


def _provider_parameters(view: Any) -> list[Any]:
    text = "Name of the provider, as in the list of providers."
    return [OpenApiParameter("provider", str, "path", description=text)]


def _begin_parameters(view: Any) -> list[Any]:
    texts = {
        "openid_identifier": "OpenID of the user. Only for OpenID 2.0.",
        "idp": "Name of the identity provider. Only for SAML, if there are several.",
        "shop": "Name of the shop. Only for Shopify.",
    }
    optional = [OpenApiParameter(name, str, description=text) for name, text in texts.items()]
    return [*_provider_parameters(view), view.begin_serializer_class, *optional]


def _logout_parameters(view: Any) -> list[Any]:
    return [*_provider_parameters(view), ProviderLogoutSerializer]


def _connection_parameters(view: Any) -> list[Any]:
    return [OpenApiParameter("id", connection_id(), "path", description="Id of the connection.")]


def _etag_parameters(view: Any) -> list[Any]:
    text = "The `ETag` of the list that the client has. Browsers send it automatically."
    return [OpenApiParameter("If-None-Match", str, "header", description=text)]


def _begun(view: Any) -> OpenApiResponse:
    text = "Send the user to `authorization_url`."
    return _response(BegunSerializer, text, examples.authorization())


def _paused(view: Any) -> OpenApiResponse:
    text = "The login has paused, because the project asks the user for something. Post "
    text += "`partial_token` and the requested fields to resume it."
    return _response(PausedSerializer, text, examples.paused())


def _paused_disconnect(view: Any) -> OpenApiResponse:
    text = "Nothing has changed. Send the user to `redirect_to` first."
    return _response(PausedSerializer, text, examples.paused_disconnect())


def _connected(view: Any) -> OpenApiResponse:
    return _response(ConnectionSerializer, "The connection.", examples.connection())


def _connections(view: Any) -> OpenApiResponse:
    serializer = view.get_serializer_class()
    text = "The connections."
    if serializer is not ConnectionSerializer:  # A subclass of the view has its own.
        return OpenApiResponse(serializer(many=True), text)
    return _response(serializer(many=True), text, examples.connection())


def _current_user(view: Any) -> OpenApiResponse:
    serializer, text = view.get_serializer_class(), "The signed-in user."
    if serializer is not UserSerializer:
        return OpenApiResponse(serializer, text)
    return _response(serializer, text, examples.user())


def _new_tokens(view: Any) -> OpenApiResponse | None:
    """Return the 200 of a refresh. The default document describes that of ``JWTSerializer``."""
    method = find_token_serializer(view).refresh_login
    if any(method is each.refresh_login for each in loaded_classes([_JWT_COOKIE])):
        return None
    text = "The new tokens."
    if method in _known_methods():
        return _response(RefreshedSerializer, text, examples.REFRESHED)
    return OpenApiResponse({"type": "object", "additionalProperties": {}}, text)


def _known_methods() -> list[Any]:
    return [LoginSerializer.refresh_login, *(each.refresh_login for each in loaded_classes([_JWT]))]


def _new_cookies(view: Any) -> OpenApiResponse | None:
    if not find_token_serializer(view).sets_cookies:
        return None
    return OpenApiResponse(description="The new tokens are in cookies.")


def _response(body: Any, text: str, example: Any) -> OpenApiResponse:
    return OpenApiResponse(body, text, [OpenApiExample("Response", example)])


_ONE_USE = "A flow completes once, so send this request once."

OPERATIONS: dict[str, dict[str, Operation]] = {
    "ProviderListView": {
        "get": Operation(
            id="socialProviders",
            tag=_LOGIN,
            summary="List the providers",
            description="Returns the configured providers in the order of the project's settings, "
            "for drawing the buttons. Caches may store the list, but must revalidate it.",
            parameters=_etag_parameters,
            responses={
                200: _response(ProviderSerializer(many=True), "The providers.", examples.PROVIDER),
                304: OpenApiResponse(description="The list has not changed since `If-None-Match`."),
            },
            bad_request=(DETAIL,),
            not_found=None,
        )
    },
    "ProviderAuthView": {
        "get": Operation(
            id="socialBegin",
            tag=_LOGIN,
            summary="Begin a login",
            description="Returns the URL of the provider to send the user to. Afterwards, the "
            "provider sends the user to `redirect_uri`. That page completes the login.",
            parameters=_begin_parameters,
            responses={200: _begun},
            examples_400=("redirect_uri_not_allowed", "connection_failed", "malformed_request"),
        ),
        "post": Operation(
            id="socialComplete",
            tag=_LOGIN,
            summary="Complete a login",
            description="Signs the user in. Post all parameters that the provider added to the "
            f"URL of the callback page, and the `flow`. {_ONE_USE}",
            parameters=_provider_parameters,
            request=CallbackSerializer,
            request_example=examples.callback,
            responses={201: get_token_response, 202: _paused},
            examples_400=("state_mismatch", "invalid_parameter", "parse_error"),
            reads_body=True,
        ),
    },
    "ProviderTokenView": {
        "post": Operation(
            id="socialSignInWithToken",
            tag=_LOGIN,
            summary="Sign in with a token of an SDK",
            description="Signs the user in with a token that an SDK of the provider has given to "
            "the app. The project decides which providers are accepted.",
            parameters=_provider_parameters,
            request=NativeTokensSerializer,
            request_example=examples.NATIVE_TOKENS,
            responses={201: get_token_response, 202: _paused},
            examples_400=("invalid_signature", "nonce_not_hashed", "parse_error"),
            not_found="native_sign_in_disabled",
            reads_body=True,
        )
    },
    "ProviderConnectView": {
        "get": Operation(
            id="socialConnect",
            tag=_CONNECTIONS,
            summary="Begin a connect",
            description="Returns the URL of the provider to send the user to, in order to connect "
            "one more identity to the signed-in user, or to ask for more access with `scope`.",
            parameters=_begin_parameters,
            responses={200: _begun},
            examples_400=(
                "redirect_uri_not_allowed",
                "scope_not_allowed",
                "connection_failed",
                "malformed_request",
            ),
        ),
        "post": Operation(
            id="socialCompleteConnect",
            tag=_CONNECTIONS,
            summary="Complete a connect",
            description="Connects the identity to the signed-in user. Post all parameters that "
            f"the provider added to the URL of the callback page, and the `flow`. {_ONE_USE}",
            parameters=_provider_parameters,
            request=CallbackSerializer,
            request_example=examples.callback,
            responses={201: _connected, 202: _paused},
            examples_400=("identity_in_use", "invalid_parameter", "parse_error"),
            reads_body=True,
        ),
    },
    "ProviderConnectTokenView": {
        "post": Operation(
            id="socialConnectWithToken",
            tag=_CONNECTIONS,
            summary="Connect with a token of an SDK",
            description="Connects an identity to the signed-in user, with a token that an SDK of "
            "the provider has given to the app.",
            parameters=_provider_parameters,
            request=NativeTokensSerializer,
            request_example=examples.NATIVE_TOKENS,
            responses={201: _connected, 202: _paused},
            examples_400=("identity_in_use", "nonce_not_hashed", "parse_error"),
            not_found="native_sign_in_disabled",
            reads_body=True,
        )
    },
    "ProviderLogoutView": {
        "get": Operation(
            id="socialProviderLogout",
            tag=_LOGIN,
            summary="Sign out at the provider",
            description="Returns the URL of the provider that ends the user's session there. It "
            "does not end the login of this request.",
            parameters=_logout_parameters,
            responses={
                200: _response(
                    LogoutURLSerializer, "Send the user to `logout_url`.", examples.LOGOUT_URL
                )
            },
            examples_400=("post_logout_redirect_uri_not_allowed", "malformed_request"),
            not_found="logout_not_supported",
        )
    },
    "ProviderBackchannelLogoutView": {
        "post": Operation(
            id="socialBackchannelLogout",
            tag=_PROVIDERS,
            summary="Back-channel logout",
            description="A provider sends this request when a user has signed out there (OpenID "
            "Connect Back-Channel Logout 1.0). Clients do not use it.",
            parameters=_provider_parameters,
            request=LogoutTokenSerializer,
            request_example=examples.LOGOUT_TOKEN,
            responses={
                200: _response({"type": "object", "maxProperties": 0}, "The logins have ended.", {})
            },
            examples_400=("invalid_signature", "parse_error"),
            not_found="backchannel_logout_disabled",
            reads_body=True,
        )
    },
    "ProviderCallbackView": {
        method: Operation(
            id=operation_id,
            tag=_PROVIDERS,
            summary="Receive the response of a provider",
            description="For providers that post their response, such as Apple and SAML. The "
            "browser sends it here, and is redirected to the page at which the login began, with "
            "a one-time `code` and the `state`. Clients do not use this endpoint.",
            parameters=_provider_parameters,
            request=request,
            request_example=examples.CALLBACK_FORM,
            responses={303: OpenApiResponse(description="A redirect to the frontend.")},
            reads_body=True,
            is_for_browser=True,
        )
        for method, operation_id, request in (
            ("get", "socialCallback", None),
            (
                "post",
                "socialCallbackPost",
                {
                    "application/x-www-form-urlencoded": {
                        "type": "object",
                        "additionalProperties": {"type": "string"},
                    }
                },
            ),
        )
    },
    "LogoutView": {
        "post": Operation(
            id="socialLogout",
            tag=_LOGIN,
            summary="Sign out",
            description="Ends the login of this request, and no other login of the user.",
            request=LogoutSerializer,
            request_example=examples.LOGOUT,
            responses={204: OpenApiResponse(description="The login has ended.")},
            bad_request=(FIELD_ERRORS, DETAIL),
            examples_400=("refresh_missing", "parse_error"),
            not_found="login_not_ended",
            reads_body=True,
        )
    },
    "CurrentUserView": {
        "get": Operation(
            id="socialCurrentUser",
            tag=_LOGIN,
            summary="Who am I",
            description="Returns the signed-in user. A 401 means that the user is not signed in.",
            responses={200: _current_user},
            bad_request=(DETAIL,),
            not_found=None,
        )
    },
    "RefreshView": {
        "post": Operation(
            id="socialRefresh",
            tag=_LOGIN,
            summary="Get a new access token",
            description="Exchanges the refresh token of a login for a new access token. The "
            "refresh token is in the body or in its cookie. A 401 means that the user must sign in "
            "again.",
            request=RefreshSerializer,
            request_example=examples.REFRESH,
            responses={200: _new_tokens, 204: _new_cookies},
            bad_request=(FIELD_ERRORS, DETAIL),
            examples_400=("refresh_missing", "parse_error"),
            not_found="refresh_not_supported",
            reads_body=True,
        )
    },
    "ConnectionListView": {
        "get": Operation(
            id="socialConnections",
            tag=_CONNECTIONS,
            summary="List the connections",
            description="Returns the identities that are connected to the signed-in user, oldest "
            "first.",
            responses={200: _connections},
            bad_request=(DETAIL,),
            not_found=None,
        )
    },
    "ConnectionDetailView": {
        "delete": Operation(
            id="socialDisconnect",
            tag=_CONNECTIONS,
            summary="Disconnect an identity",
            description="Disconnects an identity from the signed-in user. The last way to sign in "
            "cannot be removed.",
            parameters=_connection_parameters,
            responses={
                202: _paused_disconnect,
                204: OpenApiResponse(description="The identity is disconnected."),
            },
            examples_400=("disconnect_disallowed", "parse_error"),
            not_found="not_found",
            reads_body=True,
        )
    },
}
