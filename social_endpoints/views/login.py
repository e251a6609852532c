"""The endpoints that sign a user in: by redirect, and by native sign-in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rest_framework.exceptions import APIException, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from social_endpoints.exceptions import log_failure
from social_endpoints.internal.actions.complete import Callback, complete
from social_endpoints.internal.actions.native import sign_in
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.errors.redaction import secret_texts
from social_endpoints.internal.flows.flow import LOGIN
from social_endpoints.internal.http.login_cookies import refuse_cookies
from social_endpoints.internal.http.parameters import native_tokens
from social_endpoints.internal.native.providers import find_native
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login, Paused
from social_endpoints.views.redirect_flow import FlowView, RedirectFlowView


class LoginView(FlowView):
    """Base view for endpoints that return the response of the token serializer."""

    log_action = "login"

    serializer: LoginSerializer | None = None

    def handle_exception(self, exc: Exception) -> Any:
        """Return the error response. Undo effects of the login outside the database."""
        response = super().handle_exception(exc)
        if self.serializer is not None:
            try:
                self.serializer.take_back(self.django_request)
            except Exception as error:  # noqa: BLE001 - the database may have failed
                log_failure("login not taken back", error)
        return response

    def get_secrets(self, error: APIException) -> list[str]:
        """Return the values that no log may contain, including the issued token."""
        issued = {} if self.serializer is None else self.serializer.data
        return [*super().get_secrets(error), *secret_texts(issued)]

    def get_login_response(self, login: Login) -> Response:
        """Return the 201 of a completed login. It is called inside the login's transaction."""
        context = {"request": self.request, "view": self}
        serializer = self.get_token_serializer_class()(login, context=context)
        response = self.get_created_response(dict(serializer.data))
        self.serializer = serializer
        serializer.log_in(self.django_request, login)
        serializer.set_cookies(response)
        return response

    def refuse_cookies(self) -> AbstractContextManager[Callable[[Any], None]]:
        """Return a context with a function that refuses a response that sets a cookie.

        It accepts every response if another site cannot have sent this request: the flow came in a
        cookie, or the serializer declares its cookies, so that the flow had to come in one.
        """
        declares = self.get_token_serializer_class().sets_cookies
        if declares or not self.transport.is_posted:
            return nullcontext(lambda response: None)
        return refuse_cookies(self.django_request)


class ProviderAuthView(LoginView, RedirectFlowView):
    """Begin and complete a login with a provider."""

    purpose = LOGIN

    def complete(self, provider: Provider, callback: Callback) -> Response | Paused:
        """Return the response of the token serializer, or a paused login."""
        with self.refuse_cookies() as check_response:
            outcome = complete(
                provider=provider,
                callback=callback,
                request=self.django_request,
                build_response=self.get_login_response,
                check_response=check_response,
            )
            # A paused login is not checked yet, nor what ran after the transaction.
            check_response(outcome)
        return outcome


class ProviderTokenView(LoginView):
    """Sign in with a token that an SDK obtained from the provider."""

    log_via = "native"

    def post(self, request: Request, provider: str, **kwargs: Any) -> Response:
        """Return the response of the token serializer, or that of a paused login."""
        found = find_native(provider)
        self.transport = self.get_transport()
        self.require_json()
        tokens = native_tokens(request)
        with self.refuse_cookies() as check_response:
            outcome = sign_in(
                provider=found,
                tokens=tokens,
                request=self.django_request,
                build_response=self.get_login_response,
                check_response=check_response,
            )
            check_response(outcome)
        return self.get_paused_response(outcome) if isinstance(outcome, Paused) else outcome

    def require_json(self) -> None:
        """Require a JSON body if the token serializer stores the login in a cookie.

        Otherwise another site could post an attacker's token and sign the user in as the
        attacker. A form cannot send JSON, and a script of another origin can do so only where
        CORS allows it (Fetch standard, "CORS-preflight request").

        :raises UnsupportedMediaType: the body has another media type.
        """
        media_type = self.django_request.content_type
        if self.get_token_serializer_class().sets_cookies and media_type != "application/json":
            raise UnsupportedMediaType(media_type or "")
