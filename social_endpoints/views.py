"""HTTP for the frontend: read the request, call one action, answer."""

from __future__ import annotations

from typing import Any, cast

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, ResolverMatch, reverse
from rest_framework import renderers, status
from rest_framework.request import Request
from rest_framework.response import Response

from social_endpoints.actions.begin import begin
from social_endpoints.actions.complete import complete
from social_endpoints.carriers import Carrier
from social_endpoints.conf import imported
from social_endpoints.endpoint import EndpointView
from social_endpoints.flow import Flow
from social_endpoints.parameters import (
    FLOW,
    PARTIAL_TOKEN,
    parameters,
    query_parameters,
    require,
)
from social_endpoints.providers.callback import missing_parameters
from social_endpoints.providers.correlation import returned_key
from social_endpoints.providers.registry import find
from social_endpoints.serializers import BeginSerializer
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Login, Paused


class ProviderAuthView(EndpointView):
    """Begin and complete a login with a provider.

    A project may subclass it and route it itself, and may include the URLs below a
    path with parameters of its own.
    """

    carrier: Carrier
    flow: Flow | None = None
    serializer: LoginSerializer | None = None

    def get(self, request: Request, provider: str, **kwargs: Any) -> Response:
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
            handoff_uri=self.get_handoff_uri,
            query=asked,
            request=request._request,
        )
        response = Response({"authorization_url": begun.authorization_url})
        self.carrier.hand_out(begun.flow, response)
        return response

    def post(self, request: Request, provider: str, **kwargs: Any) -> Response:
        """Complete: answer with the project's token, or with what a paused pipeline asks."""
        found = find(provider)
        data = parameters(request)
        posted, partial_token = data.pop(FLOW, None), data.pop(PARTIAL_TOKEN, None) or None
        if partial_token is None:
            require(data, missing_parameters(found, data))
        self.carrier = self.get_carrier()
        self.flow = self.carrier.find(
            posted, partial_token or returned_key(found, data), provider=provider
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

    def get_handoff_uri(self) -> str:
        """Return the path to which a provider posts its answer, if it posts it.

        :raises ImproperlyConfigured: the project has not routed it.
        """
        match = cast("ResolverMatch", self.request.resolver_match)  # There is a view: this.
        name = ":".join([*match.namespaces, "provider-callback"])
        try:
            return reverse(name, kwargs=match.kwargs)
        except NoReverseMatch as error:
            raise ImproperlyConfigured(f"There is no URL named {name!r}.") from error

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
