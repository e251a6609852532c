"""The endpoint of the handoff, which receives a provider's response for the frontend."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.encoding import iri_to_uri
from django.utils.html import format_html
from django.utils.translation import gettext, pgettext
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from social_endpoints.internal.actions.handoff import hand_off
from social_endpoints.internal.backends.registry import find
from social_endpoints.internal.flows.handoff_cache import CallbackTooLong
from social_endpoints.internal.http.parameters import FLOW, PARTIAL_TOKEN, parameters
from social_endpoints.internal.http.parsers import BodyTooLarge
from social_endpoints.views.base import EndpointView

# The error page needs no scripts, styles or images, and its URL may contain a state.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ProviderCallbackView(EndpointView):
    """Store the parameters that a provider sent and redirect the browser to the frontend.

    This view does not sign the user in.
    """

    log_action = "handoff"

    def get(self, request: Request, provider: str, **kwargs: Any) -> HttpResponseBase:
        """Hand off parameters in the query string, for example an error."""
        return self.hand_off(request, provider)

    def post(self, request: Request, provider: str, **kwargs: Any) -> HttpResponseBase:
        """Hand off parameters that the provider posted."""
        return self.hand_off(request, provider)

    def hand_off(self, request: Request, provider: str) -> HttpResponseBase:
        """Return a redirect to the ``redirect_uri`` that the login began with."""
        found = find(provider)
        params = parameters(request, resumes=False)
        for name in (FLOW, PARTIAL_TOKEN):  # Our own parameters; providers do not send them.
            params.pop(name, None)
        # A 303 (RFC 9110 section 15.4.4) makes the browser continue with GET. After a 307 or 308
        # it would post the parameters again. HttpResponseRedirect is not used, because it
        # refuses the private-use schemes of native apps (RFC 8252 section 7.1).
        try:
            location = iri_to_uri(hand_off(provider=found, params=params))
        except CallbackTooLong as error:
            raise BodyTooLarge from error
        return HttpResponse(status=303, headers={**_HEADERS, "Location": location})

    def get_error_response(self, error: APIException, metadata: dict[str, Any]) -> Any:
        """Return a small HTML page, because a person sees this response."""
        response = super().get_error_response(error, metadata)
        headers = dict(_HEADERS)
        if "Retry-After" in response:
            headers["Retry-After"] = response["Retry-After"]
        page = self.get_error_page(error)
        return HttpResponse(page, status=response.status_code, headers=headers)

    def get_error_page(self, exc: Any) -> str:
        """Return the HTML of the error page. Override this method for a page of your own.

        :param exc: an exception of DRF, with the additional attribute ``error_id``.
        """
        # Translators: On the error page, about what a provider such as Google has sent.
        text = gettext("The provider's response cannot be read.")
        if isinstance(exc.detail, str):
            text = str(exc.detail)
        # Translators: The code of the language of this catalogue, for HTML: de, pt-BR and so on.
        language = pgettext("language code", "en")
        is_rtl = language.partition("-")[0] in settings.LANGUAGES_BIDI
        # Translators: On the error page. The user quotes the ID in a question to the support.
        id_text = pgettext("error page", "Error ID: {error_id}")
        # In a text from right to left, a "-" at its beginning or end would change places.
        isolated = '<bdi dir="ltr">{}</bdi>' if is_rtl else "{}"
        error_id = format_html(isolated, exc.error_id)
        return format_html(
            '<!doctype html><html lang="{}" dir="{}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><title>{}</title></head>'
            "<body><h1>{}</h1><p>{}</p><p>{}</p><p><small>{}</small></p></body></html>",
            language,
            "rtl" if is_rtl else "ltr",
            # Translators: Title of the error page, in the tab of the browser.
            pgettext("error page", "Sign in"),
            # Translators: Heading of the error page.
            pgettext("error page", "Signing in failed"),
            text,
            # Translators: Shown to the user, on the error page.
            gettext("Return to the page that you came from and start again."),
            format_html(id_text, error_id=error_id),
        )
