"""HTTP for a browser that a provider has sent here itself: the hand-off."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.encoding import iri_to_uri
from django.utils.html import format_html
from django.utils.translation import get_language, gettext
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from social_endpoints.exceptions import EndpointError
from social_endpoints.internal.actions.handoff import hand_off
from social_endpoints.internal.backends.registry import find
from social_endpoints.internal.flows.handoff_cache import MAX_LENGTH
from social_endpoints.internal.http.parameters import FLOW, PARTIAL_TOKEN, parameters
from social_endpoints.internal.http.parsers import BodyTooLarge
from social_endpoints.views.base import EndpointView

# The page has no script, no style and no image, and the URL that it has may hold a state.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ProviderCallbackView(EndpointView):
    """Take what a provider has posted, and send the browser on to the frontend.

    It signs nobody in. A project may subclass it and route it itself.
    """

    schema = None  # It is for providers and browsers: no client calls it.

    def get(self, request: Request, provider: str, **kwargs: Any) -> HttpResponseBase:
        """Hand off an answer that the provider has put into the URL: an error, say."""
        return self.hand_off(request, provider)

    def post(self, request: Request, provider: str, **kwargs: Any) -> HttpResponseBase:
        """Hand off an answer that the provider has posted."""
        return self.hand_off(request, provider)

    def hand_off(self, request: Request, provider: str) -> HttpResponseBase:
        """Answer with a redirect to the redirect URI that the login began with."""
        found = find(provider)
        data = parameters(request, resumes=False)
        for name in (FLOW, PARTIAL_TOKEN):  # No provider sends ours.
            data.pop(name, None)
        if sum(len(name) + len(text) for name, text in data.items()) > MAX_LENGTH:
            raise BodyTooLarge
        # 303 (RFC 9110 section 15.4.4): the browser goes on with a GET. After a 307 or 308
        # it would post the answer once more. Not HttpResponseRedirect, which refuses the
        # private-use schemes of native apps (RFC 8252 section 7.1).
        location = iri_to_uri(hand_off(provider=found, data=data))
        return HttpResponse(status=303, headers={**_HEADERS, "Location": location})

    def handle_exception(self, exc: Exception) -> Any:
        """Answer an exception with a small page that the user can read."""
        response = super().handle_exception(exc)
        headers = dict(_HEADERS)
        if "Retry-After" in response:
            headers["Retry-After"] = response["Retry-After"]
        page = self.get_refused_page(exc)
        return HttpResponse(page, status=response.status_code, headers=headers)

    def get_refused_page(self, exc: Exception) -> str:
        """Return the HTML of the page that says that the login cannot go on."""
        text = gettext("The answer of the provider cannot be read.")
        if isinstance(exc, EndpointError) or (
            isinstance(exc, APIException) and isinstance(exc.detail, str)
        ):
            text = str(exc.detail)
        return format_html(
            '<!doctype html><html lang="{}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><title>{}</title></head>'
            "<body><h1>{}</h1><p>{}</p><p>{}</p></body></html>",
            get_language() or "en",
            gettext("Sign in"),
            gettext("This login cannot go on"),
            text,
            gettext("Go back to the page that you came from, and begin again."),
        )
