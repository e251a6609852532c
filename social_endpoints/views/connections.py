"""The endpoints for the connections of the signed-in user: connect, list, disconnect."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, ProgrammingError, transaction
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from social_endpoints.internal.actions.complete import Callback
from social_endpoints.internal.actions.connect import connect, connect_with_tokens
from social_endpoints.internal.actions.disconnect import ORDER, connections_of, disconnect
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows.flow import CONNECT
from social_endpoints.internal.http.parameters import parameters
from social_endpoints.internal.http.serializers import ConnectBeginSerializer, ConnectionSerializer
from social_endpoints.internal.retries import retry_once
from social_endpoints.types import Connected, NativeTokens, Paused
from social_endpoints.views.base import AccountView, ConnectionChangeView
from social_endpoints.views.native import NativeView
from social_endpoints.views.redirect_flow import FlowView, RedirectFlowView


class ConnectView(ConnectionChangeView, FlowView):
    """Base view for endpoints that connect an identity to the signed-in user."""

    log_action = "connect"

    def get_connected_response(self, connected: Connected) -> Response:
        """Return the 201 with the connection. It is called inside the transaction."""
        serializer = ConnectionSerializer(connected.social, context={"view": self})
        return self.get_created_response(dict(serializer.data))


class ProviderConnectView(ConnectView, RedirectFlowView):
    """Begin and complete a connect of an identity to the signed-in user."""

    purpose = CONNECT
    begin_serializer_class = ConnectBeginSerializer

    def get_connecting_user(self) -> Any:
        """Return the signed-in user."""
        return self.request.user

    def complete(self, provider: Provider, callback: Callback) -> Response | Paused:
        """Return the response with the connection, or a paused connect."""
        return connect(
            provider=provider,
            callback=callback,
            user=self.request.user,
            responder=self.get_responder(self.get_connected_response),
        )


class ProviderConnectTokenView(ConnectView, NativeView):
    """Connect an identity to the signed-in user with a token that an SDK obtained."""

    def complete(self, provider: Provider, tokens: NativeTokens) -> Response | Paused:
        """Return the response with the connection, or a paused connect."""
        return connect_with_tokens(
            provider=provider,
            tokens=tokens,
            user=self.request.user,
            responder=self.get_responder(self.get_connected_response),
        )


class ConnectionListView(AccountView, ListAPIView[Any]):
    """List the connections of the signed-in user.

    The list is paginated by the project's ``DEFAULT_PAGINATION_CLASS`` or by the
    ``pagination_class`` of a subclass.
    """

    serializer_class = ConnectionSerializer
    filter_backends = ()

    @property
    def paginator(self) -> Any:
        """The paginator, or None. A ``CursorPagination`` gets the order of this list."""
        paginator = super().paginator
        if paginator is not None:
            paginator.ordering = ORDER  # type: ignore[attr-defined]  # of CursorPagination
        return paginator

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the list. Its queries run again if the database has closed their connection."""
        return retry_once(partial(super().list, request, *args, **kwargs))

    def get_queryset(self) -> Any:
        """Return social_django's rows of the user, in a stable order."""
        return connections_of(self.request.user)

    def paginate_queryset(self, queryset: Any) -> Any:
        """Return the requested page, or None if the list is not paginated.

        :raises NotFound: the page does not exist. DRF accepts limits that exceed the database's
            integers, and cursors that are not a time.
        """
        try:
            return super().paginate_queryset(queryset)
        except (ValidationError, DataError, IntegrityError, ProgrammingError) as error:
            # PostgreSQL accepts no query in a transaction after a failed one.
            if transaction.get_autocommit(queryset.db):
                queryset.exists()  # It fails if the parameters are not the cause.
            raise NotFound(getattr(self.paginator, "invalid_cursor_message", None)) from error


class ConnectionDetailView(ConnectionChangeView, FlowView):
    """Disconnect one identity from the signed-in user."""

    log_action = "disconnect"
    stage = "disconnect"

    def delete(self, request: Request, **kwargs: Any) -> Response:
        """Return a 204, or a 202 if a step of the disconnect pipeline redirects the browser."""
        paused = disconnect(
            user=request.user,
            connection_id=kwargs["id"],
            params=parameters(request, resumes=False),
            request=self.django_request,
        )
        if paused is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return self.get_paused_response(paused)
