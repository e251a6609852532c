"""Middleware that changes responses of the example for a test."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class OpenerPolicyMiddleware:
    """Send the policy in the cookie ``opener-policy``. Its path selects the pages that send it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if policy := request.COOKIES.get("opener-policy"):
            response["Cross-Origin-Opener-Policy"] = policy
        return response


class CookieTransportMiddleware:
    """Remove the flow from the responses to a page of the same origin.

    So the page must use the cookie, as with the cookie transport. The page of the other origin must
    use the flow, because it sends no cookie.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_same_origin = request.headers.get("Sec-Fetch-Site") == "same-origin"
        if is_same_origin and not response.streaming and b'"flow":' in response.content:
            body = json.loads(response.content)
            del body["flow"]
            response.content = json.dumps(body)
        return response
