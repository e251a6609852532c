"""What the endpoints have in common that are for users who are logged in."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from rest_framework import permissions
from rest_framework.settings import api_settings

from social_endpoints.internal.backends.loading import storage
from social_endpoints.views.base import EndpointView


class IsUser(permissions.IsAuthenticated):
    """Whoever is logged in, but for a row of another model than that of the users.

    Its key may be that of somebody among them. Who stands in a token alone has theirs.
    """

    def has_permission(self, request: Any, view: Any) -> bool:
        """Say whether it is such a user."""
        if not super().has_permission(request, view):
            return False
        is_row = isinstance(request.user, Model)
        return not is_row or isinstance(request.user, storage().user.user_model())


class AccountView(EndpointView):
    """The base of the views for users who are logged in, however the project does that.

    With a session, the authentication of DRF enforces CSRF protection.
    """

    authentication_classes: Any = None
    """Those of a subclass; None for the project's ``DEFAULT_AUTHENTICATION_CLASSES``."""

    permission_classes: Any = (IsUser,)

    def get_authenticators(self) -> list[Any]:
        """Return the authentications, as the settings name them now."""
        classes = self.authentication_classes
        if classes is None:
            classes = api_settings.DEFAULT_AUTHENTICATION_CLASSES
        return [authentication() for authentication in classes]
