"""The endpoint for signing out at the provider."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from social_endpoints.internal.actions.provider_logout import (
    begin_provider_logout,
    load_logout_backend,
)
from social_endpoints.internal.backends.registry import find
from social_endpoints.internal.http.parameters import query_parameters
from social_endpoints.internal.http.serializers import (
    LogoutURLSerializer,
    ProviderLogoutSerializer,
)
from social_endpoints.views.base import AccountView


class ProviderLogoutView(AccountView):
    """Return the URL of the provider that ends the user's session there."""

    log_action = "provider logout"

    def get(self, request: Request, provider: str, **kwargs: object) -> Response:
        """Return the URL and the state. This does not end the login of the request."""
        backend = load_logout_backend(find(provider), self.django_request)
        context = {"django_request": self.django_request, "provider": provider}
        query = ProviderLogoutSerializer(data=query_parameters(request), context=context)
        query.is_valid(raise_exception=True)
        logout_request = begin_provider_logout(
            backend=backend,
            post_logout_redirect_uri=query.validated_data["post_logout_redirect_uri"],
            user=request.user,
        )
        return Response(LogoutURLSerializer(logout_request).data)
