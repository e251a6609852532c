"""HTTP for the frontend that shows which identities a user has, and unlinks them."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, ProgrammingError
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from social_endpoints.internal.actions.disconnect import ORDER, connections_of, disconnect
from social_endpoints.internal.http.parameters import parameters
from social_endpoints.internal.http.serializers import ConnectionSerializer
from social_endpoints.views.account import AccountView
from social_endpoints.views.redirect_flow import FlowView

# What DRF's own paginators bind to PAGE_SIZE when they are imported.
_PAGE_SIZES = ("page_size", "default_limit")


class ConnectionListView(AccountView):
    """List the identities of the user who is logged in.

    A subclass may set ``pagination_class``.
    """

    @property
    def pagination_class(self) -> Any:
        """The project's ``DEFAULT_PAGINATION_CLASS``, as it is at this request; or None."""
        return api_settings.DEFAULT_PAGINATION_CLASS

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Answer with the connections, paginated as the project has it."""
        rows = connections_of(request.user)
        paginator = self.get_paginator()
        page = None if paginator is None else self.get_page(paginator, rows)
        context = {"request": request, "view": self}
        shown = rows if page is None else page
        connections = ConnectionSerializer(shown, many=True, context=context).data
        if paginator is None or page is None:
            return Response(connections)
        response: Response = paginator.get_paginated_response(connections)
        return response

    def get_page(self, paginator: Any, rows: Any) -> list[Any] | None:
        """Return the page that is asked for; None where the project sets no size.

        :raises NotFound: there is no such page. DRF lets through a limit that no database
            takes, and a cursor that stands for no moment.
        """
        try:
            page: list[Any] | None = paginator.paginate_queryset(rows, self.request, view=self)
        except (ValidationError, DataError, IntegrityError, ProgrammingError) as error:
            raise NotFound(getattr(paginator, "invalid_cursor_message", None)) from error
        return page

    def get_paginator(self) -> Any:
        """Return the paginator, over this list's own order; None where there is none."""
        if self.pagination_class is None:
            return None
        paginator = self.pagination_class()
        paginator.ordering = ORDER  # Of a CursorPagination.
        for name in _PAGE_SIZES:
            if _is_of_rest_framework(paginator, name):
                setattr(paginator, name, api_settings.PAGE_SIZE)
        return paginator


class ConnectionDetailView(AccountView, FlowView):
    """Unlink an identity of the user who is logged in."""

    def delete(self, request: Request, **kwargs: Any) -> Response:
        """Answer 204, or 202 where a step of the pipeline sends the browser elsewhere."""
        paused = disconnect(
            user=request.user,
            connection_id=kwargs["id"],
            data=parameters(request, resumes=False),
            request=request._request,
        )
        if paused is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return self.get_paused_response(paused)


def _is_of_rest_framework(paginator: Any, name: str) -> bool:
    owners = [each for each in type(paginator).__mro__ if name in vars(each)]
    return bool(owners) and owners[0].__module__ == "rest_framework.pagination"
