"""The endpoint that returns the signed-in user."""

from __future__ import annotations

from functools import partial
from typing import Any

from rest_framework import renderers
from rest_framework.request import Request
from rest_framework.response import Response

from social_endpoints.internal.retries import retry_once
from social_endpoints.users import get_user_serializer_class
from social_endpoints.views.base import AccountView


class CurrentUserView(AccountView):
    """Return the signed-in user, or a 401."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return the user. Queries run again if the database has closed their connection."""
        return Response(retry_once(partial(self.get_user_body, request.user)))

    def get_user_body(self, user: Any) -> Any:
        """Return the response body."""
        context = {"request": self.request, "view": self}
        body = self.get_serializer_class()(user, context=context).data
        # A project's body may not be JSON. Here, the response to that has the error body.
        renderers.JSONRenderer().render(body)
        return body

    def get_serializer_class(self) -> Any:
        """Return the class that the setting ``USER_SERIALIZER`` names."""
        return get_user_serializer_class()

    def get_authenticate_header(self, request: Request) -> str:
        """Return the value of ``WWW-Authenticate``.

        ``SessionAuthentication`` has none, so DRF would respond with a 403. A page must be able to
        distinguish a user who is not signed in from one who may not do this.
        """
        return super().get_authenticate_header(request) or "Session"
