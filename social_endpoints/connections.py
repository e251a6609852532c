"""HTTP for the frontend that shows which identities a user has, and unlinks them."""

from __future__ import annotations

from typing import Any

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from social_endpoints.account_endpoint import AccountView
from social_endpoints.actions.connections import connections_of, disconnect
from social_endpoints.redirection import FlowView
from social_endpoints.serializers import ConnectionSerializer


class ConnectionListView(AccountView):
    """List the identities of the user who is logged in."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Answer with the connections, paginated as the project has it."""
        rows = connections_of(request.user)
        paginator = self.get_paginator()
        page = paginator and paginator.paginate_queryset(rows, request, view=self)
        context = {"request": request, "view": self}
        shown = rows if page is None else page
        connections = ConnectionSerializer(shown, many=True, context=context).data
        if page is None:
            return Response(connections)
        response: Response = paginator.get_paginated_response(connections)
        return response

    def get_paginator(self) -> Any:
        """Return the project's paginator, or None where it has none."""
        pagination_class: Any = api_settings.DEFAULT_PAGINATION_CLASS
        return pagination_class and pagination_class()


class ConnectionDetailView(AccountView, FlowView):
    """Unlink an identity of the user who is logged in."""

    def delete(self, request: Request, **kwargs: Any) -> Response:
        """Answer 204, or 202 where a step of the pipeline sends the browser elsewhere."""
        paused = disconnect(user=request.user, connection_id=kwargs["id"], request=request._request)
        if paused is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return self.get_paused_response(paused)
