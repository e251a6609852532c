"""HTTP for the frontend that signs a user in: read the request, call one action, answer."""

from __future__ import annotations

from typing import Any

from rest_framework import renderers, status
from rest_framework.response import Response

from social_endpoints.actions.complete import complete
from social_endpoints.flow import LOGIN
from social_endpoints.providers.registry import Provider
from social_endpoints.redirection import FlowView, RedirectionView
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login, Paused


class LoginView(FlowView):
    """The base of the views that answer with the project's token."""

    serializer: LoginSerializer | None = None

    def handle_exception(self, exc: Exception) -> Response:
        """Answer an exception, and take back what its login has done outside of the database."""
        response = super().handle_exception(exc)
        if self.serializer is not None:
            self.serializer.take_back(self.request._request)
        return response

    def get_login_response(self, login: Login) -> Response:
        """Return the 201 of a completed login. Runs in the login's transaction."""
        context = {"request": self.request, "view": self}
        serializer = self.get_token_serializer_class()(login, context=context)
        response = Response(dict(serializer.data), status=status.HTTP_201_CREATED)
        # What JSON cannot carry must fail here, and not once the login is committed.
        renderers.JSONRenderer().render(response.data)
        self.serializer = serializer
        serializer.log_in(self.request._request, login)
        serializer.set_cookies(response)
        return response


class ProviderAuthView(LoginView, RedirectionView):
    """Begin and complete a login with a provider.

    A project may subclass it and route it itself, and may include the URLs below a
    path with parameters of its own.
    """

    purpose = LOGIN

    def complete(
        self, provider: Provider, data: dict[str, Any], partial_token: str | None
    ) -> Response | Paused:
        """Answer with the project's token, or with what a paused pipeline asks."""
        return complete(
            provider=provider,
            data=data,
            partial_token=partial_token,
            flow=self.flow,
            flow_sent=self.carrier.was_sent,
            request=self.request._request,
            answer=self.get_login_response,
        )
