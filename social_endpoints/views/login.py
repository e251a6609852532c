"""HTTP for the frontend that signs a user in: read the request, call one action, answer."""

from __future__ import annotations

from typing import Any

from rest_framework import renderers, status
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from social_endpoints.internal.actions.callback import Callback
from social_endpoints.internal.actions.complete import complete
from social_endpoints.internal.actions.native import sign_in
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows.flow import LOGIN
from social_endpoints.internal.http.parameters import native_tokens
from social_endpoints.internal.native.providers import find_native
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login, Paused
from social_endpoints.views.redirect_flow import FlowView, RedirectionView


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

    def complete(self, provider: Provider, callback: Callback) -> Response | Paused:
        """Answer with the project's token, or with what a paused pipeline asks."""
        return complete(
            provider=provider,
            callback=callback,
            request=self.request._request,
            answer=self.get_login_response,
        )


class ProviderTokenView(LoginView):
    """Sign in with a token that a native SDK already holds.

    A project may subclass it and route it itself.
    """

    def post(self, request: Request, provider: str, **kwargs: Any) -> Response:
        """Answer with the project's token, or with what a paused pipeline asks."""
        found = find_native(provider)
        self.transport = self.get_transport()
        self.require_own_page()
        outcome = sign_in(
            provider=found,
            tokens=native_tokens(request),
            request=request._request,
            answer=self.get_login_response,
        )
        return self.get_paused_response(outcome) if isinstance(outcome, Paused) else outcome

    def require_own_page(self) -> None:
        """Refuse what another site can post, where a login is kept in a cookie.

        An attacker's token would sign the browser's user in as the attacker. No form can
        send JSON, and a script only where CORS allows it (Fetch, "CORS-preflight request").

        :raises UnsupportedMediaType: the body is no JSON.
        """
        media_type = self.request._request.content_type
        if self.get_token_serializer_class().sets_cookies and media_type != "application/json":
            raise UnsupportedMediaType(media_type or "")
