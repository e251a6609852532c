"""What the endpoints share that send the user to a provider and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, ResolverMatch, reverse
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from social_endpoints.conf import import_setting
from social_endpoints.internal.actions.begin import begin
from social_endpoints.internal.actions.callback import Callback
from social_endpoints.internal.backends.callback import missing_parameters
from social_endpoints.internal.backends.correlation import returned_key
from social_endpoints.internal.backends.registry import Provider, find
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.http.flow_transport import FlowTransport
from social_endpoints.internal.http.parameters import (
    FLOW,
    PARTIAL_TOKEN,
    parameters,
    query_parameters,
    require,
)
from social_endpoints.internal.http.serializers import BeginSerializer
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.types import Paused
from social_endpoints.views.base import EndpointView


class FlowView(EndpointView):
    """The base of the views that hand a flow to the browser."""

    transport: FlowTransport
    flow: Flow | None = None

    def handle_exception(self, exc: Exception) -> Response:
        """Answer an exception, and clear away the flow that has been used up."""
        response = super().handle_exception(exc)
        if self.flow is not None and self.flow.spent:
            self.transport.drop(response)
        return response

    def get_token_serializer_class(self) -> type[LoginSerializer]:
        """Return the class of the serializer that answers a completed login.

        :raises ImproperlyConfigured: it is none, or an app that it needs is missing.
        """
        serializer: type[LoginSerializer] = import_setting("TOKEN_SERIALIZER", LoginSerializer)
        for app in serializer.required_apps:
            if not apps.is_installed(app):
                raise ImproperlyConfigured(f"{serializer.__name__} needs the app {app!r}.")
        return serializer

    def get_transport(self) -> FlowTransport:
        """Return what carries the flows of this request."""
        sets_cookies = self.get_token_serializer_class().sets_cookies
        return FlowTransport(self.request._request, sets_cookies=sets_cookies)

    def get_paused_response(self, paused: Paused) -> Response:
        """Return the 202 of what waits for the user to answer something."""
        body = {
            "partial_token": paused.partial_token,
            "redirect_to": paused.redirect_to,
            "fields": paused.fields,
        }
        response = Response(body, status=status.HTTP_202_ACCEPTED)
        if paused.flow is not None:
            self.transport.issue(paused.flow, response)
        return response


class RedirectionView(FlowView):
    """Begin with GET, complete with POST; for subclasses that say what for."""

    purpose: ClassVar[str]

    complete: Callable[[Provider, Callback], Response | Paused]
    """Completes with what was brought back, and returns the answer or the pause."""

    def get(self, request: Request, provider: str, **kwargs: Any) -> Response:
        """Begin: answer with the provider's authorization URL."""
        found = find(provider)
        asked = query_parameters(request)
        context = {"request": request._request, "provider": provider}
        query = BeginSerializer(data=request.query_params, context=context)
        query.is_valid(raise_exception=True)
        self.transport = self.get_transport()
        begun = begin(
            provider=found,
            redirect_uri=query.validated_data["redirect_uri"],
            handoff_uri=self.get_handoff_uri,
            query=asked,
            request=request._request,
            user=self.get_owner(),
        )
        response = Response({"authorization_url": begun.authorization_url})
        self.transport.issue(begun.flow, response)
        return response

    def post(self, request: Request, provider: str, **kwargs: Any) -> Response:
        """Complete, or continue what has paused."""
        found = find(provider)
        data = parameters(request)
        posted, partial_token = data.pop(FLOW, None), data.pop(PARTIAL_TOKEN, None) or None
        if partial_token is None:
            require(data, missing_parameters(found, data))
        self.transport = self.get_transport()
        self.flow = self.transport.find(
            posted,
            partial_token or returned_key(found, data),
            provider=provider,
            purpose=self.purpose,
        )
        callback = Callback(data, partial_token, self.flow, self.transport.flow_sent)
        outcome = self.complete(found, callback)
        if isinstance(outcome, Paused):
            outcome = self.get_paused_response(outcome)
        self.transport.drop(outcome)
        return outcome

    def get_owner(self) -> Any:
        """Return to whom the identity will be linked; None for a login."""
        return None

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
