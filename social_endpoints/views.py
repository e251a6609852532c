"""HTTP: read the request, call one action, answer."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework import permissions, renderers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from social_endpoints.actions.begin import begin
from social_endpoints.actions.complete import complete
from social_endpoints.carriers import Carrier
from social_endpoints.conf import imported
from social_endpoints.exceptions import Refused, misconfigured
from social_endpoints.flow import Flow
from social_endpoints.negotiation import JSONNegotiation
from social_endpoints.parameters import (
    FLOW,
    PARTIAL_TOKEN,
    parameters,
    query_parameters,
    require,
)
from social_endpoints.parsers import FormParser, JSONParser, MultiPartParser
from social_endpoints.providers.callback import missing_parameters, returned_state
from social_endpoints.providers.registry import find
from social_endpoints.serializers import BeginSerializer
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login, Paused


class EndpointView(APIView):
    """What all endpoints have in common.

    They look at no ``Authorization`` header and no session: an expired token, or an
    admin who is logged in in another tab, must not turn a login into a 401 or 403.
    """

    authentication_classes = ()
    permission_classes = (permissions.AllowAny,)
    parser_classes = (JSONParser, FormParser, MultiPartParser)
    renderer_classes = (renderers.JSONRenderer,)
    content_negotiation_class = JSONNegotiation

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view, outside of ``ATOMIC_REQUESTS``.

        A login asks a provider over the network; its transaction opens after that.
        """
        view = super().as_view(**initkwargs)
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    @method_decorator(sensitive_post_parameters())
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer, with the parameters hidden from Django's error reports."""
        if request.encoding not in {None, "utf-8"}:
            # Django would decode the query string with whatever codec the client names.
            request.encoding = "utf-8"
        return super().dispatch(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """Answer an exception: as the project does, and a refusal with the error body."""
        if isinstance(exc, ImproperlyConfigured):
            exc = misconfigured(exc)
        response = super().handle_exception(exc)
        if isinstance(exc, Refused):
            # An exception handler of the project's may have a shape of its own.
            if isinstance(response.data, dict) and "detail" in response.data:
                del response.data["detail"]
                response.data.update(exc.body)
            if exc.retry_after:
                response["Retry-After"] = exc.retry_after
        return response

    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        """Forbid every cache to keep the answer."""
        response = super().finalize_response(*args, **kwargs)
        add_never_cache_headers(response)
        return response


class ProviderAuthView(EndpointView):
    """Begin and complete a login with a provider.

    A project may subclass it and route it itself.
    """

    carrier: Carrier
    flow: Flow | None = None
    serializer: LoginSerializer | None = None

    def get(self, request: Request, provider: str) -> Response:
        """Begin: answer with the provider's authorization URL."""
        found = find(provider)
        asked = query_parameters(request)
        context = {"request": request._request, "provider": provider}
        query = BeginSerializer(data=request.query_params, context=context)
        query.is_valid(raise_exception=True)
        self.carrier = self.get_carrier()
        begun = begin(
            provider=found,
            redirect_uri=query.validated_data["redirect_uri"],
            query=asked,
            request=request._request,
        )
        response = Response({"authorization_url": begun.authorization_url})
        self.carrier.hand_out(begun.flow, response)
        return response

    def post(self, request: Request, provider: str) -> Response:
        """Complete: answer with the project's token, or with what a paused pipeline asks."""
        found = find(provider)
        data = parameters(request)
        posted, partial_token = data.pop(FLOW, None), data.pop(PARTIAL_TOKEN, None) or None
        if partial_token is None:
            require(data, missing_parameters(found, data))
        self.carrier = self.get_carrier()
        self.flow = self.carrier.find(
            posted, partial_token or returned_state(found, data), provider=provider
        )
        outcome = complete(
            provider=found,
            data=data,
            partial_token=partial_token,
            flow=self.flow,
            flow_sent=self.carrier.was_sent,
            request=request._request,
            answer=self.get_login_response,
        )
        if isinstance(outcome, Paused):
            outcome = self.get_paused_response(outcome)
        self.carrier.drop(outcome)
        return outcome

    def handle_exception(self, exc: Exception) -> Response:
        """Answer an exception, and clear away what its login has left with the browser."""
        response = super().handle_exception(exc)
        if self.serializer is not None:
            self.serializer.take_back(self.request._request)
        if self.flow is not None and self.flow.spent:
            self.carrier.drop(response)
        return response

    def get_token_serializer_class(self) -> type[LoginSerializer]:
        """Return the class of the serializer that answers a completed login.

        :raises ImproperlyConfigured: it is none, or an app that it needs is missing.
        """
        serializer_class: type[LoginSerializer] = imported("TOKEN_SERIALIZER", LoginSerializer)
        for app in serializer_class.required_apps:
            if not apps.is_installed(app):
                raise ImproperlyConfigured(f"{serializer_class.__name__} needs the app {app!r}.")
        return serializer_class

    def get_carrier(self) -> Carrier:
        """Return what carries the flows of this request."""
        sets_cookies = self.get_token_serializer_class().sets_cookies
        return Carrier(self.request._request, sets_cookies=sets_cookies)

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

    def get_paused_response(self, paused: Paused) -> Response:
        """Return the 202 of a login that waits for the user to answer something."""
        body = {
            "partial_token": paused.partial_token,
            "redirect_to": paused.redirect_to,
            "fields": paused.fields,
        }
        response = Response(body, status=status.HTTP_202_ACCEPTED)
        if paused.flow is not None:
            self.carrier.hand_out(paused.flow, response)
        return response
