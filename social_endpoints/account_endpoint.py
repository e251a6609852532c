"""What the endpoints have in common that are for users who are logged in."""

from __future__ import annotations

from typing import Any

from rest_framework import permissions
from rest_framework.settings import api_settings

from social_endpoints.endpoint import EndpointView


class AccountView(EndpointView):
    """The base of the views for users who are logged in, however the project does that.

    With a session, the authentication of DRF enforces CSRF protection.
    """

    authentication_classes: Any = None
    """Those of a subclass; None for the project's ``DEFAULT_AUTHENTICATION_CLASSES``."""

    permission_classes: Any = (permissions.IsAuthenticated,)

    def get_authenticators(self) -> list[Any]:
        """Return the authentications, as the settings name them now."""
        classes = self.authentication_classes
        if classes is None:
            classes = api_settings.DEFAULT_AUTHENTICATION_CLASSES
        return [authentication() for authentication in classes]
