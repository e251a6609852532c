"""What all endpoints have in common."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework import permissions, renderers
from rest_framework.response import Response
from rest_framework.views import APIView

from social_endpoints.conf import settings
from social_endpoints.exceptions import EndpointError, configuration_error
from social_endpoints.internal.http.negotiation import JSONNegotiation
from social_endpoints.internal.http.parsers import FormParser, JSONParser, MultiPartParser
from social_endpoints.internal.http.throttling import THROTTLES


class EndpointView(APIView):
    """The base of the views.

    They look at no ``Authorization`` header and no session: an expired token, or an
    admin who is logged in in another tab, must not turn a login into a 401 or 403.
    """

    authentication_classes = ()
    permission_classes = (permissions.AllowAny,)
    parser_classes = (JSONParser, FormParser, MultiPartParser)
    renderer_classes = (renderers.JSONRenderer,)
    content_negotiation_class = JSONNegotiation

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view, outside of ``ATOMIC_REQUESTS``.

        A login asks a provider over the network; its transaction opens after that.
        """
        view = super().as_view(**initkwargs)
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    @method_decorator(sensitive_post_parameters())
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer, with the parameters hidden from Django's error reports."""
        if request.encoding not in {None, "utf-8"}:
            # Django would decode the query string with whatever codec the client names.
            request.encoding = "utf-8"
        return super().dispatch(request, *args, **kwargs)

    def get_throttles(self) -> list[Any]:
        """Return the project's throttles and ours."""
        ours = [throttle() for throttle in THROTTLES] if settings.THROTTLE_RATES else []
        return [*super().get_throttles(), *ours]

    def handle_exception(self, exc: Exception) -> Response:
        """Answer an exception: as the project does, and a refusal with the error body."""
        if isinstance(exc, ImproperlyConfigured):
            exc = configuration_error(exc)
        response = super().handle_exception(exc)
        if isinstance(exc, EndpointError):
            # An exception handler of the project's may have a shape of its own.
            if isinstance(response.data, dict) and "detail" in response.data:
                del response.data["detail"]
                response.data.update(exc.body)
            if exc.retry_after:
                response["Retry-After"] = exc.retry_after
        return response

    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        """Say to the caches what they may do with the answer."""
        response = super().finalize_response(*args, **kwargs)
        self.set_cache_headers(response)
        return response

    def set_cache_headers(self, response: Any) -> None:
        """Say to the caches that they must not keep the answer."""
        add_never_cache_headers(response)
