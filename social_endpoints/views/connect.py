"""HTTP for the frontend that links one more identity to the user who is logged in."""

from __future__ import annotations

from typing import Any

from rest_framework import renderers, status
from rest_framework.response import Response

from social_endpoints.internal.actions.callback import Callback
from social_endpoints.internal.actions.connect import connect
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows.flow import CONNECT
from social_endpoints.internal.http.serializers import ConnectionSerializer
from social_endpoints.types import Connected, Paused
from social_endpoints.views.account import AccountView
from social_endpoints.views.redirect_flow import RedirectionView


class ProviderConnectView(AccountView, RedirectionView):
    """Begin and complete the linking of an identity at a provider.

    A project may subclass it and route it itself.
    """

    purpose = CONNECT

    def get_owner(self) -> Any:
        """Return the user who is logged in."""
        return self.request.user

    def complete(self, provider: Provider, callback: Callback) -> Response | Paused:
        """Answer with the connection, or with what a paused pipeline asks."""
        return connect(
            provider=provider,
            callback=callback,
            user=self.request.user,
            request=self.request._request,
            answer=self.get_connected_response,
        )

    def get_connected_response(self, connected: Connected) -> Response:
        """Return the 201 of what is linked. Runs in its transaction."""
        context = {"request": self.request, "view": self}
        serializer = ConnectionSerializer(connected.social, context=context)
        response = Response(dict(serializer.data), status=status.HTTP_201_CREATED)
        # What JSON cannot carry must fail here, and not once it is committed.
        renderers.JSONRenderer().render(response.data)
        return response
