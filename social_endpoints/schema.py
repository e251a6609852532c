"""The OpenAPI schema of the endpoints, for drf-spectacular."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiViewExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from social_endpoints.conf import import_setting, settings
from social_endpoints.internal.http.serializers import (
    BeginSerializer,
    BegunSerializer,
    CallbackSerializer,
    ConnectionSerializer,
    ErrorSerializer,
    NativeTokensSerializer,
    PausedSerializer,
    ProviderSerializer,
)

_PROVIDER = OpenApiParameter("provider", str, "path", description="Name of the backend.")
_REFUSED = OpenApiResponse(ErrorSerializer, "Refused: a field error, or the error body.")
_UNKNOWN = OpenApiResponse(description="No such provider is configured.")
_BEGIN: Any = {
    "parameters": [_PROVIDER, BeginSerializer],
    "responses": {200: BegunSerializer, 400: _REFUSED, 404: _UNKNOWN},
}


class ProviderAuthViewExtension(OpenApiViewExtension):  # type: ignore[no-untyped-call]  # theirs
    """Describes begin and complete, with the body of the chosen token serializer."""

    target_class = "social_endpoints.views.ProviderAuthView"
    match_subclasses = True

    def view_replacement(self) -> Any:
        """Return the view with its methods described."""

        class Described(self.target):  # type: ignore[name-defined, misc]  # known at run time
            @extend_schema(**_BEGIN)
            def get(self, *args: Any, **kwargs: Any) -> Any:
                """Begin a login: answers with where to send the user."""

            @extend_schema(
                parameters=[_PROVIDER],
                request=CallbackSerializer,
                responses={
                    201: _login_body(),
                    202: PausedSerializer,
                    400: _REFUSED,
                    404: _UNKNOWN,
                },
            )
            def post(self, *args: Any, **kwargs: Any) -> Any:
                """Complete a login: answers with the project's token."""

        return Described


class ProviderTokenViewExtension(OpenApiViewExtension):  # type: ignore[no-untyped-call]  # theirs
    """Describes native sign-in, with the body of the chosen token serializer."""

    target_class = "social_endpoints.views.ProviderTokenView"
    match_subclasses = True

    def view_replacement(self) -> Any:
        """Return the view with its method described."""

        class Described(self.target):  # type: ignore[name-defined, misc]  # known at run time
            @extend_schema(
                parameters=[_PROVIDER],
                request=NativeTokensSerializer,
                responses={
                    201: _login_body(),
                    202: PausedSerializer,
                    400: _REFUSED,
                    404: OpenApiResponse(description="No such provider takes part."),
                },
            )
            def post(self, *args: Any, **kwargs: Any) -> Any:
                """Sign in with a token that a native SDK holds."""

        return Described


class ProviderConnectViewExtension(OpenApiViewExtension):  # type: ignore[no-untyped-call]  # theirs
    """Describes begin and complete of a link."""

    target_class = "social_endpoints.views.ProviderConnectView"
    match_subclasses = True

    def view_replacement(self) -> Any:
        """Return the view with its methods described."""

        class Described(self.target):  # type: ignore[name-defined, misc]  # known at run time
            @extend_schema(**_BEGIN)
            def get(self, *args: Any, **kwargs: Any) -> Any:
                """Begin to link an identity: answers with where to send the user."""

            @extend_schema(
                parameters=[_PROVIDER],
                request=CallbackSerializer,
                responses={
                    201: ConnectionSerializer,
                    202: PausedSerializer,
                    400: _REFUSED,
                    404: _UNKNOWN,
                },
            )
            def post(self, *args: Any, **kwargs: Any) -> Any:
                """Link an identity to the user who is logged in."""

        return Described


class ConnectionListViewExtension(OpenApiViewExtension):  # type: ignore[no-untyped-call]  # theirs
    """Describes the list of connections."""

    target_class = "social_endpoints.views.ConnectionListView"
    match_subclasses = True

    def view_replacement(self) -> Any:
        """Return the view with its method described."""

        class Described(self.target):  # type: ignore[name-defined, misc]  # known at run time
            @extend_schema(responses={200: ConnectionSerializer(many=True)})
            def get(self, *args: Any, **kwargs: Any) -> Any:
                """List the identities that are linked to the user who is logged in."""

        return Described


class ConnectionDetailViewExtension(OpenApiViewExtension):  # type: ignore[no-untyped-call]  # theirs
    """Describes the unlinking of an identity."""

    target_class = "social_endpoints.views.ConnectionDetailView"
    match_subclasses = True

    def view_replacement(self) -> Any:
        """Return the view with its method described."""

        class Described(self.target):  # type: ignore[name-defined, misc]  # known at run time
            @extend_schema(
                parameters=[OpenApiParameter("id", str, "path")],
                responses={
                    202: PausedSerializer,
                    204: None,
                    400: _REFUSED,
                    404: OpenApiResponse(description="The user has no such connection."),
                },
            )
            def delete(self, *args: Any, **kwargs: Any) -> Any:
                """Unlink an identity from the user who is logged in."""

        return Described


class ProviderListViewExtension(OpenApiViewExtension):  # type: ignore[no-untyped-call]  # theirs
    """Describes the list of providers."""

    target_class = "social_endpoints.views.ProviderListView"
    match_subclasses = True

    def view_replacement(self) -> Any:
        """Return the view with its method described."""

        class Described(self.target):  # type: ignore[name-defined, misc]  # known at run time
            @extend_schema(
                responses={
                    200: ProviderSerializer(many=True),
                    304: OpenApiResponse(description="It is what ``If-None-Match`` says."),
                },
            )
            def get(self, *args: Any, **kwargs: Any) -> Any:
                """List the configured providers."""

        return Described


class JWTCookieScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # theirs
    """Describes how a request carries the access token of ``JWTCookieSerializer``."""

    target_class = "social_endpoints.tokens.jwt_cookies.JWTCookieAuthentication"
    name = "jwtCookie"
    match_subclasses = True
    optional = True  # The extra may not be installed.

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the security scheme."""
        return {"type": "apiKey", "in": "cookie", "name": settings.JWT_ACCESS_COOKIE}


def _login_body() -> Any:
    serializer = import_setting("TOKEN_SERIALIZER")
    # What a token strategy of djoser answers with, it alone knows.
    return serializer if serializer().fields else OpenApiTypes.OBJECT
