"""The base views for endpoints that use a flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from rest_framework import renderers, status
from rest_framework.request import Request
from rest_framework.response import Response

from social_endpoints.exceptions import EndpointError, UsePost
from social_endpoints.internal.actions.begin import begin
from social_endpoints.internal.actions.complete import Callback
from social_endpoints.internal.actions.outcome import Responder
from social_endpoints.internal.backends.callback import missing_parameters
from social_endpoints.internal.backends.correlation import returned_id
from social_endpoints.internal.backends.registry import Provider, find
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.internal.http.flow_transport import FlowTransport
from social_endpoints.internal.http.parameters import (
    FLOW,
    PARTIAL_TOKEN,
    parameters,
    query_parameters,
    require_begin,
    require_callback,
)
from social_endpoints.internal.http.serializers import BeginSerializer
from social_endpoints.types import Paused
from social_endpoints.views.base import EndpointView


class FlowView(EndpointView):
    """Base view for endpoints that issue or accept a flow."""

    transport: FlowTransport
    flow: Flow | None = None

    def handle_exception(self, exc: Exception) -> Any:
        """Return the error response. It deletes the cookie of a flow that cannot complete again."""
        response = super().handle_exception(exc)
        if self.flow is not None and self.flow.is_claimed:
            self.transport.drop(response)
        return response

    def get_transport(self) -> FlowTransport:
        """Return the transport for the flows of this request."""
        sets_cookies = self.get_token_serializer_class().sets_cookies
        return FlowTransport(self.django_request, sets_cookies=sets_cookies)

    def get_created_response(self, body: Any) -> Response:
        """Return a 201 with this body.

        It is called inside a transaction, so a body that JSON cannot represent must fail here
        and not after the commit.
        """
        renderers.JSONRenderer().render(body)
        return Response(body, status=status.HTTP_201_CREATED)

    def check_response(self, outcome: Any) -> None:
        """Render a paused response and store the session, because both can fail.

        It is called last in the transaction.

        :param outcome: the response, or a paused login.
        """
        if isinstance(outcome, Paused):
            renderers.JSONRenderer().render(outcome.fields)
            if outcome.partial_token is None:  # The transaction is rolled back.
                return
        self.session.save()

    def get_responder(self, build: Callable[[Any], Response]) -> Responder[Response]:
        """Return the response of this view to a login or a connect.

        :param build: called with the login or the connection, inside the transaction.
        """
        return Responder(self.django_request, build, self.check_response, self.take_back)

    def get_paused_response(self, paused: Paused) -> Response:
        """Return the 202 of a paused login, with the fresh flow that resumes it."""
        names = ("partial_token", "redirect_to", "fields", "provider")
        body = {name: getattr(paused, name) for name in names}
        response = Response(body, status=status.HTTP_202_ACCEPTED)
        if paused.flow is not None:
            redirect_uri = self.flow.redirect_uri if self.flow else ""
            self.transport.issue(paused.flow, response, redirect_uri=redirect_uri)
        return response


class RedirectFlowView(FlowView):
    """Base view that begins with GET and completes with POST."""

    log_via = "redirect"

    purpose: ClassVar[str]
    """Purpose of the flow: ``LOGIN`` or ``CONNECT``."""

    begin_serializer_class: ClassVar[type[BeginSerializer]] = BeginSerializer
    """Validates the query parameters of begin."""

    complete: Callable[[Provider, Callback], Response | Paused]
    """Method of the subclass that completes the flow. It returns the 201 or a paused login."""

    def get(self, request: Request, provider: str, **kwargs: Any) -> Response:
        """Begin: return the provider's authorization URL and the flow."""
        found = find(provider)
        query_params = query_parameters(request)
        if not query_params and self.get_transport().has_cookie:
            raise EndpointError(UsePost(stage="callback"))  # The body was lost in a redirect.
        require_begin(query_params)
        context = {"django_request": self.django_request, "provider": provider}
        query = self.begin_serializer_class(data=query_params, context=context)
        query.is_valid(raise_exception=True)
        self.transport = self.get_transport()
        redirect_uri = query.validated_data["redirect_uri"]
        begun = begin(
            provider=found,
            redirect_uri=redirect_uri,
            handoff_uri=self.get_handoff_path,
            query=query_params,
            request=self.django_request,
            user=self.get_connecting_user(),
            scopes=query.validated_data.get("scope", ()),
        )
        response = Response({"authorization_url": begun.authorization_url})
        self.transport.issue(begun.flow, response, redirect_uri=redirect_uri)
        return response

    def post(self, request: Request, provider: str, **kwargs: Any) -> Response:
        """Complete, or resume a paused login."""
        found = find(provider)
        params = parameters(request)
        posted_flow = params.pop(FLOW, None)
        partial_token = params.pop(PARTIAL_TOKEN, None) or None
        if partial_token is None:
            require_callback(params, missing_parameters(found, params))
        self.transport = self.get_transport()
        self.flow = self.transport.find(
            posted_flow,
            partial_token or returned_id(found, params),
            provider=provider,
            purpose=self.purpose,
        )
        callback = Callback(params, partial_token, self.flow, self.transport.missing_flow)
        outcome = self.complete(found, callback)
        if isinstance(outcome, Paused):
            outcome = self.get_paused_response(outcome)
        self.transport.drop(outcome)
        return outcome

    def get_connecting_user(self) -> Any:
        """Return the user to connect the identity to, or None for a login."""
        return None

    def get_handoff_path(self) -> str:
        """Return the path of the handoff, for providers that POST their response.

        :raises ImproperlyConfigured: the project does not route the handoff.
        """
        return self.get_endpoint_path("provider-callback")
