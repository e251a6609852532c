"""The endpoint that ends the login of its request."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from social_endpoints.exceptions import LoginNotEnded
from social_endpoints.internal.actions.log_out import log_out
from social_endpoints.internal.http.parameters import parameters
from social_endpoints.tokens.base import SHIPPED, LoginSerializer, loaded_classes
from social_endpoints.views.base import AccountView


class LogoutView(AccountView):
    """End the login of the request, and no other login of the user."""

    log_action = "logout"

    def get_authenticators(self) -> list[Any]:
        """Return the authenticators of the project, and those of the token serializer."""
        paths: tuple[str, ...] = ()
        with suppress(ImproperlyConfigured):  # post() reports it.
            paths = self.get_token_serializer_class().logout_authentication_classes
        return [*super().get_authenticators(), *(import_string(path)() for path in paths)]

    def post(self, request: Request, **kwargs: Any) -> Response:
        """Return a 204. The login has ended, and its cookies are deleted."""
        parameters(request, resumes=False)  # Refuse a malformed request.
        return log_out(end=self.get_logout_response, take_back=self.take_back)

    def get_logout_response(self) -> Response:
        """End the login and return the response. It is called inside the transaction.

        :raises LoginNotEnded: the token serializer does not override ``log_out()``.
        """
        serializer = self._serializer
        serializer.log_out(self.request)
        response = Response(status=status.HTTP_204_NO_CONTENT)
        serializer.delete_cookies(response)
        return response

    @cached_property
    def _serializer(self) -> LoginSerializer:
        """The token serializer, the same one if the logout runs again after a collision."""
        serializer_class = self.get_logout_serializer_class()
        if serializer_class.log_out is LoginSerializer.log_out:
            raise LoginNotEnded
        return serializer_class(context={"request": self.request, "view": self})

    def get_logout_serializer_class(self) -> type[LoginSerializer]:
        """Return the token serializer whose token has authenticated the request.

        If the authentication class is unknown, the configured serializer is used. It is also used
        if it overrides ``log_out()`` without declaring its authentication classes.
        """
        configured = self.get_token_serializer_class()
        own = configured.authentication_classes
        if not own and configured.log_out is not LoginSerializer.log_out:
            return configured
        own_classes = tuple(loaded_classes(own))
        shipped = {each: SHIPPED[path] for path in SHIPPED for each in loaded_classes([path])}
        for base in type(self.request.successful_authenticator).__mro__:
            if base in own_classes:
                return configured
            if base in shipped:
                serializer: type[LoginSerializer] = import_string(
                    f"social_endpoints.tokens.{shipped[base]}"
                )
                return serializer
        return configured
