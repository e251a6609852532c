"""The endpoints that sign a user in: by redirect, and by native sign-in."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from social_endpoints.internal.actions.complete import Callback, complete
from social_endpoints.internal.actions.native import sign_in
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.errors.redaction import secret_texts
from social_endpoints.internal.flows.flow import LOGIN
from social_endpoints.internal.http.login_cookies import LoginCookieGuard, remove_cookies
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login, NativeTokens, Paused
from social_endpoints.views.base import undo
from social_endpoints.views.native import NativeView
from social_endpoints.views.redirect_flow import FlowView, RedirectFlowView


class LoginView(FlowView):
    """Base view for endpoints that return the response of the token serializer."""

    log_action = "login"

    serializer: LoginSerializer | None = None
    has_begun_login = False
    """Whether the request may have had effects that :meth:`take_back` must undo."""
    is_logging_in = False
    """Whether ``log_in()`` of the serializer has begun and was not taken back."""

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Record the cookies before the view changes them."""
        self.cookie_guard = LoginCookieGuard(request)
        return super().initialize_request(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Any:
        """Return the error response, and undo effects of the login."""
        response = super().handle_exception(exc)
        if self.has_begun_login:
            self.take_back(is_rolled_back=False)
        return response

    def take_back(self, *, is_rolled_back: bool = True) -> None:
        """Undo effects of a failed login outside the database. A failure is logged.

        It is called after each rollback, because the login may run again.
        """
        if self.is_logging_in and self.serializer is not None:
            self.is_logging_in = False
            undo(partial(self.serializer.take_back, self.django_request))
        super().take_back(is_rolled_back=is_rolled_back)

    def get_secrets(self, error: APIException) -> list[str]:
        """Return the values that no log may contain, including the issued token."""
        issued = {} if self.serializer is None else self.serializer.data
        return [*super().get_secrets(error), *secret_texts(issued)]

    def get_login_response(self, login: Login) -> Response:
        """Return the 201 of a completed login. It is called inside the login's transaction."""
        context = {"request": self.request, "view": self}
        serializer = self.get_token_serializer_class()(login, context=context)
        response = self.get_created_response(dict(serializer.data))
        self.serializer, self.is_logging_in = serializer, True
        if serializer.sets_cookies:
            self.session.load()
        serializer.log_in(self.django_request, login)
        user = getattr(self.django_request, "user", None)  # login() of Django has set it.
        self.session.is_sign_in = getattr(user, "is_authenticated", False)
        serializer.set_cookies(response)
        return response

    def check_response(self, outcome: Any) -> None:
        """Refuse undeclared cookies and store the session. Called last in the transaction."""
        if not isinstance(outcome, Paused):
            self.refuse_cookies(outcome)
        super().check_response(outcome)

    def refuse_cookies(self, response: Any) -> None:
        """Refuse a response that sets a cookie, if another site can have sent this request.

        :raises ImproperlyConfigured: the response sets a cookie.
        """
        if self.may_be_cross_site():
            self.cookie_guard.refuse(response, self.transport.is_flow)

    def may_be_cross_site(self) -> bool:
        """Return whether another site may have sent this request, which has no flow cookie.

        If the token serializer declares its cookies, such requests were refused before.
        """
        return (
            not self.get_token_serializer_class().sets_cookies
            and not self.transport.has_flow_cookie
        )

    def get_checked_response(self, response: Any) -> Any:
        """Refuse cookies that a subclass or a receiver has set after the transaction."""
        if not self.has_begun_login or not self.may_be_cross_site():
            return response
        try:
            if response.status_code < status.HTTP_400_BAD_REQUEST:
                self.refuse_cookies(response)
        except ImproperlyConfigured as error:
            response = self.handle_exception(error)
            self.response = response = self.finalize_response(self.request, response)
        if response.status_code >= status.HTTP_400_BAD_REQUEST:
            remove_cookies(response, self.transport.is_flow)
        return response


class ProviderAuthView(LoginView, RedirectFlowView):
    """Begin and complete a login with a provider."""

    purpose = LOGIN

    def complete(self, provider: Provider, callback: Callback) -> Response | Paused:
        """Return the response of the token serializer, or a paused login."""
        self.has_begun_login = True
        return complete(
            provider=provider,
            callback=callback,
            responder=self.get_responder(self.get_login_response),
        )


class ProviderTokenView(LoginView, NativeView):
    """Sign in with a token that an SDK obtained from the provider."""

    def complete(self, provider: Provider, tokens: NativeTokens) -> Response | Paused:
        """Return the response of the token serializer, or a paused login."""
        self.has_begun_login = True
        return sign_in(
            provider=provider, tokens=tokens, responder=self.get_responder(self.get_login_response)
        )
