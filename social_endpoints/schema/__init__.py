"""The OpenAPI document of the endpoints: extensions of drf-spectacular.

This module registers them. The others are imported when a document is generated.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiViewExtension,
)
from rest_framework.settings import api_settings

from social_endpoints.conf import settings
from social_endpoints.schema.components import COMPONENTS, Component, Schema, keep_names


class EndpointExtension(OpenApiViewExtension):  # type: ignore[no-untyped-call]  # untyped upstream
    """Describes our views, and their subclasses in a project."""

    target_class = "social_endpoints.views.base.EndpointView"
    match_subclasses = True

    def view_replacement(self) -> Any:
        # Imported here, because views read the settings of DRF when they are imported. At that
        # time, all apps must be ready.
        from social_endpoints.schema.auto_schema import get_view

        default: Any = api_settings.DEFAULT_SCHEMA_CLASS  # The stubs have the setting's type.
        return get_view(self.target, default)


def register_serializer(path: str, component: Component) -> None:
    """Define the extension of one serializer. It does not match a project's subclasses."""

    class Extension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # see above
        target_class = path
        optional = True  # Some token serializers need an extra, which may not be installed.

        def get_name(self, auto_schema: Any, direction: Any) -> str:
            return component.name

        def map_serializer(self, auto_schema: Any, direction: Any) -> Schema:
            schema: Schema = super().map_serializer(auto_schema, direction)
            schema["description"] = component.description
            if component.finish is not None:
                component.finish(schema, auto_schema.registry)
            return keep_names(schema)


for _path, _component in COMPONENTS.items():
    register_serializer(_path, _component)


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
