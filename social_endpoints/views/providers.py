"""The list of providers, from which a page draws its sign-in buttons."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control, set_response_etag
from rest_framework.request import Request
from rest_framework.response import Response

from social_endpoints.internal.actions.providers import list_providers
from social_endpoints.internal.http.serializers import ProviderSerializer
from social_endpoints.types import ListedProvider
from social_endpoints.views.base import EndpointView


class ProviderListView(EndpointView):
    """List the configured providers.

    Caches may store the response but must revalidate it for every request. No ``Vary`` header
    is needed, because the ETag is computed from the response to the current request.
    """

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return the providers in the order of ``AUTHENTICATION_BACKENDS``."""
        providers = list_providers(request=self.django_request)
        serializer = ProviderSerializer([self.get_entry(each) for each in providers], many=True)
        response = Response(serializer.data)
        response.add_post_render_callback(self.get_conditional_response)
        return response

    def get_entry(self, provider: ListedProvider) -> dict[str, Any]:
        """Return the entry of one provider."""
        absolute = self.request.build_absolute_uri
        begin_url = None
        if "redirect" in provider.capabilities:
            begin_url = absolute(self.get_endpoint_path("provider-auth", provider=provider.name))
        return {
            "name": provider.name,
            "title": provider.title,
            "icon": absolute(provider.icon) if provider.icon else None,
            "protocol": provider.protocol,
            "begin_url": begin_url,
            "capabilities": provider.capabilities,
        }

    def get_conditional_response(self, response: HttpResponse) -> HttpResponse:
        """Return the rendered response with an ETag, or a 304 if the client already has it."""
        set_response_etag(response)
        conditional = get_conditional_response(
            self.django_request, etag=response.headers["ETag"], response=response
        )
        return cast("HttpResponse", conditional)  # None only if called without a response.

    def set_cache_headers(self, response: Any) -> None:
        """Allow caches to store and revalidate the list. Forbid them to store an error."""
        if response.status_code == 200 and self.request.method in {"GET", "HEAD"}:
            # max-age=0 is for older releases of Django's cache middleware, which ignore no-cache.
            patch_cache_control(response, no_cache=True, max_age=0)
        else:
            super().set_cache_headers(response)
