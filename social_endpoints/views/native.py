"""The base view for endpoints that accept a token of an SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.http.parameters import native_tokens
from social_endpoints.internal.native.providers import find_native
from social_endpoints.types import NativeTokens, Paused
from social_endpoints.views.redirect_flow import FlowView


class NativeView(FlowView):
    """Base view that accepts a token which an SDK obtained from the provider."""

    log_via = "native"

    complete: Callable[[Provider, NativeTokens], Response | Paused]
    """Method of the subclass that uses the tokens. It returns the 201 or a paused login."""

    def post(self, request: Request, provider: str, **kwargs: Any) -> Response:
        """Return the 201, or the response of a paused login."""
        found = find_native(provider)
        self.transport = self.get_transport()
        self.require_json()
        outcome = self.complete(found, native_tokens(request))
        return self.get_paused_response(outcome) if isinstance(outcome, Paused) else outcome

    def require_json(self) -> None:
        """Require a JSON body if the token serializer stores the login in a cookie.

        Otherwise another site could post an attacker's token: the user would be signed in as the
        attacker, or the attacker's identity would be connected to the user. A form cannot send
        JSON, and a script of another origin can do so only where CORS allows it (Fetch standard,
        "CORS-preflight request").

        :raises UnsupportedMediaType: the body has another media type.
        """
        media_type = self.django_request.content_type
        if self.get_token_serializer_class().sets_cookies and media_type != "application/json":
            raise UnsupportedMediaType(media_type or "")
