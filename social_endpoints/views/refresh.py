"""The endpoint that exchanges a refresh token for new tokens."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from rest_framework import renderers, status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from social_endpoints.exceptions import RefreshNotSupported, RefreshTokenInvalid
from social_endpoints.internal.actions.refresh_login import refresh_login
from social_endpoints.internal.errors.redaction import secret_texts
from social_endpoints.internal.http.parameters import parameters
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.views.base import EndpointView


class RefreshView(EndpointView):
    """Exchange a refresh token for new tokens.

    It ignores the ``Authorization`` header, because the access token has probably expired.
    """

    log_action = "login refresh"

    issued_body: Any = None

    def post(self, request: Request, **kwargs: Any) -> Response:
        """Return a 200 with the new tokens, or a 204 if they are in cookies."""
        parameters(request, resumes=False)  # Refuse a malformed request.
        self._serializer.check_refresh(request)
        return refresh_login(refresh=self.get_refresh_response, take_back=self.take_back)

    def get_refresh_response(self) -> Response:
        """Exchange the token and return the response. It is called inside the transaction."""
        serializer = self._serializer
        self.issued_body = serializer.refresh_login(self.request) or None
        renderers.JSONRenderer().render(self.issued_body)  # If this fails, nothing is committed.
        code = status.HTTP_204_NO_CONTENT if self.issued_body is None else status.HTTP_200_OK
        response = Response(self.issued_body, status=code)
        if serializer.sets_cookies:
            serializer.set_cookies(response)
        return response

    def handle_exception(self, exc: Exception) -> Any:
        """Return the error response. It deletes cookies with a token that was refused."""
        response = super().handle_exception(exc)
        if isinstance(exc, RefreshTokenInvalid) and exc.deletes_cookies:
            self._serializer.delete_cookies(response)
        return response

    def get_authenticate_header(self, request: Request) -> str:
        """Return the value of ``WWW-Authenticate`` for a 401."""
        return 'Bearer realm="api"'

    def get_secrets(self, error: APIException) -> list[str]:
        """Return the values that no log may contain, including the new tokens."""
        return [*super().get_secrets(error), *secret_texts(self.issued_body or {})]

    @cached_property
    def _serializer(self) -> LoginSerializer:
        """The token serializer, the same one if the refresh runs again after a collision."""
        serializer_class = self.get_token_serializer_class()
        if serializer_class.refresh_login is LoginSerializer.refresh_login:
            raise RefreshNotSupported
        return serializer_class(context={"request": self.request, "view": self})
