"""The endpoints for signing out at the provider, and for logouts that the provider reports."""

from __future__ import annotations

from typing import Any

from django.utils.log import log_response
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from social_endpoints.exceptions import EndpointError
from social_endpoints.internal.actions.backchannel_logout import (
    LOGOUT_TOKEN,
    find_backchannel_provider,
    is_provider_failure,
    log_out_by_provider,
)
from social_endpoints.internal.actions.provider_logout import (
    begin_provider_logout,
    load_logout_backend,
)
from social_endpoints.internal.backends.registry import find
from social_endpoints.internal.http.parameters import parameters, query_parameters, require
from social_endpoints.internal.http.serializers import (
    LogoutURLSerializer,
    ProviderLogoutSerializer,
)
from social_endpoints.views.base import AccountView, EndpointView


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


class ProviderBackchannelLogoutView(EndpointView):
    """End the logins of a user whom the provider has signed out. The provider calls it.

    ``THROTTLE_RATES`` does not apply, because a provider sends the logouts of all users from a few
    addresses. Set ``throttle_classes`` in a subclass to throttle it.
    """

    log_action = "backchannel logout"
    throttle_classes: tuple[type[BaseThrottle], ...] = ()

    def get_throttles(self) -> list[Any]:
        """Return the throttles of this view only."""
        return [throttle() for throttle in self.throttle_classes]

    def post(self, request: Request, provider: str, **kwargs: Any) -> Response:
        """Return a 200, also if the user is unknown."""
        found = find_backchannel_provider(provider)
        serializer = self.get_token_serializer_class()()
        params = parameters(request, resumes=False)
        require(params, [LOGOUT_TOKEN])
        log_out_by_provider(
            provider=found,
            logout_token=params[LOGOUT_TOKEN],
            request=self.django_request,
            revoke=serializer.revoke,
        )
        return Response({})

    def get_error_response(self, error: APIException, metadata: dict[str, Any]) -> Any:
        """Return the response with ``error`` (OpenID Connect Back-Channel Logout section 2.8).

        A 503 means that the provider should send the token again.
        """
        response = super().get_error_response(error, metadata)
        if isinstance(error, EndpointError) and is_provider_failure(error):
            response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
            self._log_as_warning(response)
        body = getattr(response, "data", None)  # A handler may return a response of Django.
        if isinstance(body, dict):
            response.data = {**body, "error": _error_code(response.status_code)}
        return response

    def _log_as_warning(self, response: Response) -> None:
        """Log the response in place of Django, which logs each 503 as an error."""
        request = self.django_request
        log_response(
            "%s: %s",
            response.reason_phrase,
            request.path,
            response=response,
            request=request,
            level="warning",
        )


def _error_code(status_code: int) -> str:
    """Return the code of RFC 6749 for a status (sections 5.2 and 4.1.2.1)."""
    if status_code == status.HTTP_503_SERVICE_UNAVAILABLE:
        return "temporarily_unavailable"
    return "server_error" if status.is_server_error(status_code) else "invalid_request"
