"""The error responses and the headers of an operation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from drf_spectacular.plumbing import ComponentRegistry
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from social_endpoints.conf import settings
from social_endpoints.schema import examples
from social_endpoints.schema.components import Schema, register
from social_endpoints.schema.errors import CODES, DETAIL, ERROR, register_errors
from social_endpoints.schema.headers import retry_after, www_authenticate
from social_endpoints.schema.operations import Operation
from social_endpoints.views.base import ConnectionChangeView, IsProjectUser

_NOT_FOUND = {
    "socialDisconnect": "The user has no such connection.",
    "socialLogout": "The server cannot end this login.",
}
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class ErrorResponses:
    """Builds the error responses of one operation.

    :param view: the view, as drf-spectacular has prepared it.
    :param method: the method in upper case.
    :param security: the security requirements of the operation.
    """

    def __init__(
        self,
        operation: Operation,
        view: APIView,
        method: str,
        registry: ComponentRegistry,
        security: list[dict[str, Any]],
    ) -> None:
        self.operation = operation
        self.view = view
        self.method = method
        self.registry = registry
        self.security = security

    def get(self) -> dict[str, Schema]:
        """Return the responses by status."""
        return {str(status): response for status, response in self._iterate()}

    def _iterate(self) -> Iterator[tuple[int, Schema]]:
        operation = self.operation
        text = "The request is not valid, or the user, the browser or the provider made a mistake."
        bodies = operation.bad_request
        yield 400, self._response(text, bodies, operation.examples_400, retry=ERROR in bodies)
        yield from self._unauthenticated()
        if operation.not_found is not None:
            text = _NOT_FOUND.get(operation.id, "The provider does not support this.")
            yield 404, self._response(text, (DETAIL,), (operation.not_found,))
        if operation.reads_body:
            text = "The body is larger than 1,000,000 bytes."
            yield 413, self._response(text, (DETAIL,), ("body_too_large",))
            text = "The media type of the body is not supported."
            yield 415, self._response(text, (DETAIL,), ("unsupported_media_type",))
        if self._is_throttled():
            text = "The project limits the number of requests."
            yield 429, self._response(text, (DETAIL,), ("throttled",), retry=True)
        text = "The settings or the code of the project are wrong."
        yield 500, self._response(text, (ERROR,), ("missing_setting",))
        text = "The database or the cache of the project has failed. Try again."
        yield 503, self._response(text, (ERROR,), ("storage_unavailable",))

    def _is_throttled(self) -> bool:
        """Return whether a limit can apply: by ``THROTTLE_RATES`` or by a class of the view."""
        return not self._is_for_provider or bool(self.view.throttle_classes)

    @property
    def _is_for_provider(self) -> bool:
        return self.operation.id == "socialBackchannelLogout"

    def _unauthenticated(self) -> Iterator[tuple[int, Schema]]:
        """Yield the responses to a request whose user is missing or may not do this.

        DRF responds with a 401 if the first authentication class names a scheme for the header
        ``WWW-Authenticate``, otherwise with a 403. Cookies require a CSRF token in addition.
        """
        view: Any = self.view
        authenticators = view.get_authenticators()
        permissions = {type(each) for each in view.get_permissions()}
        refusals = set[str]()
        bodies = {DETAIL}
        if authenticators or permissions - {AllowAny}:
            scheme = self._authenticate_header(authenticators)
            if scheme:
                text = "The user is not signed in."
                response = self._response(text, (DETAIL,), ("not_authenticated",))
                yield 401, {**response, "headers": www_authenticate(scheme)}
            else:
                refusals.add("not_authenticated")
        if self.method not in _SAFE_METHODS and self._uses_cookie():
            refusals.add("permission_denied")
        if permissions - {AllowAny, IsProjectUser}:
            refusals.add("permission_denied")
        if isinstance(view, ConnectionChangeView) and settings.REAUTHENTICATION is not None:
            refusals.add("reauthentication_required")
            bodies.add(ERROR)
        if refusals:
            text = "The user is not signed in, or may not do this, or the CSRF token is missing."
            order = [body for body in CODES if body in bodies]
            yield 403, self._response(text, tuple(order), tuple(sorted(refusals)))

    def _authenticate_header(self, authenticators: list[Any]) -> str | None:
        with suppress(Exception):  # It may need a real request.
            return authenticators[0].authenticate_header(self.view.request) or None
        return None

    def _uses_cookie(self) -> bool:
        schemes = (
            self.registry[name, "securitySchemes"].schema or {}
            for requirement in self.security
            for name in requirement
        )
        return any(scheme.get("in") == "cookie" for scheme in schemes)

    def _response(
        self, text: str, bodies: tuple[str, ...], codes: tuple[str, ...], *, retry: bool = False
    ) -> Schema:
        response: Schema = {"description": text}
        if retry:
            response["headers"] = retry_after()
        if self.operation.is_for_browser:
            page = {"schema": {"type": "string"}, "example": examples.ERROR_PAGE}
            return {**response, "content": {"text/html": page}}
        references = register_errors(self.registry, bodies, is_for_provider=self._is_for_provider)
        schema = references[0] if len(references) == 1 else {"oneOf": references}
        content = {"schema": schema, "examples": self._examples(codes)}
        return {**response, "content": {"application/json": content}}

    def _examples(self, codes: tuple[str, ...]) -> Schema:
        bodies = {code: examples.error(code) for code in codes}
        if self._is_for_provider:
            bodies = {code: {**body, "error": "invalid_request"} for code, body in bodies.items()}
        return {code: {"value": body} for code, body in bodies.items()}


def register_method_not_allowed(registry: ComponentRegistry) -> None:
    """Add the response to a request with another method. Operations do not refer to it."""
    (reference,) = register_errors(registry, (DETAIL,), is_for_provider=False)
    value = examples.error("method_not_allowed")
    content = {"schema": reference, "examples": {"method_not_allowed": {"value": value}}}
    text = "The endpoint does not support this method. All endpoints can respond with it."
    response = {"description": text, "content": {"application/json": content}}
    register(registry, "SocialMethodNotAllowed", response, "responses")
