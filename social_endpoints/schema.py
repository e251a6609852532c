"""The OpenAPI schema of the endpoints, for drf-spectacular."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.utils import OpenApiResponse, extend_schema

from social_endpoints.conf import imported
from social_endpoints.serializers import (
    BeginSerializer,
    BegunSerializer,
    CallbackSerializer,
    ErrorSerializer,
    PausedSerializer,
)

_REFUSED = OpenApiResponse(ErrorSerializer, "Refused: a field error, or the error body.")
_UNKNOWN = OpenApiResponse(description="No such provider is configured.")


class ProviderAuthViewExtension(OpenApiViewExtension):  # type: ignore[no-untyped-call]  # theirs
    """Describes begin and complete, with the body of the chosen token serializer."""

    target_class = "social_endpoints.views.ProviderAuthView"
    match_subclasses = True

    def view_replacement(self) -> Any:
        """Return the view with its methods described."""

        class Described(self.target):  # type: ignore[name-defined, misc]  # known at run time
            @extend_schema(
                operation_id="provider_auth_begin",
                parameters=[BeginSerializer],
                responses={200: BegunSerializer, 400: _REFUSED, 404: _UNKNOWN},
            )
            def get(self, *args: Any, **kwargs: Any) -> Any:
                """Begin a login: answers with where to send the user."""

            @extend_schema(
                operation_id="provider_auth_complete",
                request=CallbackSerializer,
                responses={
                    201: imported("TOKEN_SERIALIZER"),
                    202: PausedSerializer,
                    400: _REFUSED,
                    404: _UNKNOWN,
                },
            )
            def post(self, *args: Any, **kwargs: Any) -> Any:
                """Complete a login: answers with the project's token."""

        return Described
