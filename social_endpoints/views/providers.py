"""HTTP for the frontend that draws its buttons: the list of providers."""

from __future__ import annotations

from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.urls import NoReverseMatch, ResolverMatch, reverse
from django.utils.cache import get_conditional_response, patch_cache_control, set_response_etag
from rest_framework.request import Request
from rest_framework.response import Response

from social_endpoints.internal.actions.providers import list_providers
from social_endpoints.internal.http.serializers import ProviderSerializer
from social_endpoints.types import ListedProvider
from social_endpoints.views.base import EndpointView


class ProviderListView(EndpointView):
    """List the configured providers.

    A cache may keep the answer, and has to ask each time whether it is still the same.
    So there is no need for a ``Vary``: whatever the titles depend on, the tag is that of
    the answer to this very request.
    """

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Answer with the providers, in the order of ``AUTHENTICATION_BACKENDS``."""
        listed = list_providers(request=request._request)
        serializer = ProviderSerializer([self.get_entry(each) for each in listed], many=True)
        response = Response(serializer.data)
        response.add_post_render_callback(self.answer_conditionally)
        return response

    def get_entry(self, listed: ListedProvider) -> dict[str, Any]:
        """Return what the list says of a provider."""
        absolute = self.request.build_absolute_uri
        can_begin = "redirect" in listed.capabilities
        return {
            "name": listed.name,
            "title": listed.title,
            "icon": absolute(listed.icon) if listed.icon else None,
            "protocol": listed.protocol,
            "begin_url": absolute(self.get_begin_path(listed.name)) if can_begin else None,
            "capabilities": listed.capabilities,
        }

    def get_begin_path(self, provider: str) -> str:
        """Return the path at which a login with a provider begins.

        :raises ImproperlyConfigured: the project has not routed it.
        """
        match = cast("ResolverMatch", self.request.resolver_match)  # There is a view: this.
        name = ":".join([*match.namespaces, "provider-auth"])
        try:
            return reverse(name, kwargs={**match.kwargs, "provider": provider})
        except NoReverseMatch as error:
            raise ImproperlyConfigured(f"There is no URL named {name!r}.") from error

    def answer_conditionally(self, response: HttpResponse) -> HttpResponse:
        """Return the rendered answer with its tag, or a 304 to who has it already."""
        set_response_etag(response)
        answer = get_conditional_response(
            self.request._request, etag=response.headers["ETag"], response=response
        )
        return cast("HttpResponse", answer)  # It is None without a response alone.

    def set_cache_headers(self, response: Any) -> None:
        """Let caches keep the list, if they ask each time; an error they must not keep."""
        if response.status_code == 200 and self.request.method in {"GET", "HEAD"}:
            # The age is for Django's cache middleware, whose older releases know nothing else.
            patch_cache_control(response, no_cache=True, max_age=0)
        else:
            super().set_cache_headers(response)
