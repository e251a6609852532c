"""The error responses of an operation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from drf_spectacular.settings import spectacular_settings
from rest_framework.permissions import SAFE_METHODS, AllowAny
from rest_framework.views import APIView

from social_endpoints.conf import settings
from social_endpoints.internal.http.parsers import MAX_BODY
from social_endpoints.schema import examples
from social_endpoints.schema.components import Schema, register
from social_endpoints.schema.error_shapes import find_error_bodies
from social_endpoints.schema.errors import DETAIL, ERROR, ErrorBodies
from social_endpoints.schema.headers import retry_after, www_authenticate
from social_endpoints.schema.operations import Operation
from social_endpoints.schema.token_body import find_token_serializer
from social_endpoints.views.base import ConnectionChangeView, IsProjectUser

_NOT_FOUND = {
    "backchannel_logout_disabled": "The project does not accept logouts of this provider.",
    "login_not_ended": "The server cannot end this login.",
    "logout_not_supported": "The provider has no endpoint to sign the user out.",
    "native_sign_in_disabled": "The project does not accept tokens of an SDK of this provider.",
    "not_found": "The user has no such connection.",
    "provider_not_supported": "The provider is not configured, or has no redirect login.",
    "refresh_not_supported": "The logins of the project have no refresh token.",
}
_FORBIDDEN = {
    "not_authenticated": "The user is not signed in.",
    "permission_denied": "The user may not do this, or the CSRF token is missing.",
    "reauthentication_required": "The user has to sign in again first.",
}


class ErrorResponses:
    """Builds the error responses of one operation.

    :param view: the view, as drf-spectacular has prepared it.
    :param security: the security requirements of the operation.
    """

    def __init__(
        self,
        operation: Operation,
        view: APIView,
        registry: ComponentRegistry,
        security: list[dict[str, Any]],
    ) -> None:
        self.operation = operation
        self.view = view
        self.registry = registry
        self.security = security
        self.bodies = find_error_bodies(view, registry, is_for_provider=self._is_for_provider)

    def get(self, method: str) -> dict[str, Schema]:
        """Return the responses by status.

        :param method: the method in upper case.
        """
        responses = [*self._get_common(), *self._get_unauthenticated(method)]
        return {str(status): response for status, response in responses}

    def _get_common(self) -> Iterator[tuple[int, Schema]]:
        operation = self.operation
        text = "The request is not valid, or the user, the browser or the provider made a mistake."
        yield self._build(400, text, operation.bad_request, *operation.examples_400)
        if operation.not_found is not None:
            text = _NOT_FOUND[operation.not_found]
            yield self._build(404, text, (DETAIL,), operation.not_found)
        elif getattr(self.view, "pagination_class", None) is not None:
            yield self._build(404, "There is no such page.", (DETAIL,), "not_found")
        if operation.reads_body:
            text = f"The body is larger than {MAX_BODY:,} bytes."
            yield self._build(413, text, (DETAIL,), "body_too_large")
            text = "The media type of the body is not supported."
            yield self._build(415, text, (DETAIL,), "unsupported_media_type")
        if self._is_throttled():
            text = "The project limits the number of requests."
            yield self._build(429, text, (DETAIL,), "throttled")
        text = "The settings or the code of the project are wrong."
        yield self._build(500, text, (ERROR,), "missing_setting")
        text = "The database or the cache of the project has failed. Try again."
        if self._is_for_provider:
            text = "The keys of the provider, the database or the cache are unavailable. Try again."
        yield self._build(503, text, (ERROR,), "storage_unavailable")

    def _is_throttled(self) -> bool:
        """Return whether a limit can apply: by ``THROTTLE_RATES`` or by a class of the view."""
        return not self._is_for_provider or bool(self.view.throttle_classes)

    @property
    def _is_for_provider(self) -> bool:
        return self.operation.id == "socialBackchannelLogout"

    def _get_unauthenticated(self, method: str) -> Iterator[tuple[int, Schema]]:
        """Yield the responses to a request whose user is missing or may not do this.

        DRF responds with a 401 if the first authentication class names a scheme for the header
        ``WWW-Authenticate``, otherwise with a 403. Cookies require a CSRF token in addition.
        """
        view: Any = self.view
        if self.operation.id == "socialRefresh":
            yield from self._get_refused_tokens()
            return
        authenticators = view.get_authenticators()
        permissions = {type(each) for each in view.get_permissions()} - {AllowAny}
        codes, bodies = set[str](), [DETAIL]
        if authenticators or permissions:
            scheme = self._authenticate_header()
            if scheme:
                text = "The user is not signed in."
                status, response = self._build(401, text, (DETAIL,), "not_authenticated")
                yield status, {**response, "headers": www_authenticate(scheme)}
            else:
                codes.add("not_authenticated")
        if permissions - {IsProjectUser} or (method not in SAFE_METHODS and self._uses_cookie()):
            codes.add("permission_denied")
        if isinstance(view, ConnectionChangeView) and settings.REAUTHENTICATION is not None:
            codes.add("reauthentication_required")
            bodies.append(ERROR)
        if codes:
            text = " ".join(_FORBIDDEN[code] for code in sorted(codes))
            yield self._build(403, text, tuple(bodies), *sorted(codes))

    def _get_refused_tokens(self) -> Iterator[tuple[int, Schema]]:
        text = "The refresh token is not accepted. The user must sign in again."
        status, response = self._build(401, text, (DETAIL,), "refresh_token_invalid")
        yield status, {**response, "headers": www_authenticate(self._authenticate_header() or "")}
        if find_token_serializer(self.view).sets_cookies:
            text = _FORBIDDEN["permission_denied"]
            yield self._build(403, text, (DETAIL,), "permission_denied")

    def _authenticate_header(self) -> str | None:
        with suppress(Exception):  # It may need a real request.
            return self.view.get_authenticate_header(self.view.request) or None
        return None

    def _uses_cookie(self) -> bool:
        schemes = (self._security_scheme(name) for each in self.security for name in each)
        return any(scheme.get("in") == "cookie" for scheme in schemes)

    def _security_scheme(self, name: str) -> Schema:
        with suppress(KeyError):
            return self.registry[name, ResolvedComponent.SECURITY_SCHEMA].schema or {}
        # The project defines it in its settings.
        own = spectacular_settings.APPEND_COMPONENTS.get(ResolvedComponent.SECURITY_SCHEMA, {})
        return dict(own.get(name, {}))

    def _build(
        self, status: int, text: str, bodies: tuple[str, ...], *codes: str
    ) -> tuple[int, Schema]:
        response: Schema = {"description": text}
        # The header of a provider that has failed is passed on.
        failure = 503 if self._is_for_provider else 400
        if status == 429 or (status == failure and ERROR in bodies):
            response["headers"] = retry_after()
        if self.operation.is_for_browser:
            page = {"schema": {"type": "string"}, "example": examples.ERROR_PAGE}
            return status, {**response, "content": {"text/html": page}}
        media_type = build_media_type(self.bodies, status, bodies, *codes)
        return status, {**response, "content": {"application/json": media_type}}


def build_media_type(
    error_bodies: ErrorBodies, status: int, bodies: tuple[str, ...], *codes: str
) -> Schema:
    """Return the possible bodies of a response, with an example for each code."""
    schemas = error_bodies.get_schemas(status, bodies)
    if not schemas:
        return {"schema": {}}
    examples_by_code = {code: {"value": error_bodies.get_example(status, code)} for code in codes}
    schema = schemas[0] if len(schemas) == 1 else {"oneOf": schemas}
    return {"schema": schema, "examples": examples_by_code}


def register_method_not_allowed(view: APIView, registry: ComponentRegistry) -> None:
    """Add the response to a request with another method. Operations do not refer to it."""
    error_bodies = find_error_bodies(view, registry)
    media_type = build_media_type(error_bodies, 405, (DETAIL,), "method_not_allowed")
    text = "The endpoint does not support this method. All endpoints can send this response. "
    text += "The callback sends a page."
    page = {"schema": {"type": "string"}, "example": examples.ERROR_PAGE}
    content = {"application/json": media_type, "text/html": page}
    response = {"description": text, "content": content}
    register(registry, "SocialMethodNotAllowed", response, ResolvedComponent.RESPONSE)
