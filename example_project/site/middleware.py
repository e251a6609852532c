"""A strict Content-Security-Policy, and an explanation for requests to other addresses.

Django has a middleware for the policy since version 6.0.
"""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from example_project import local
from example_project.site.views import wrong_address

# The page on the other origin calls the API, and shows icons that the API serves.
POLICY = "; ".join(
    [
        "default-src 'self'",
        f"connect-src 'self' {local.SITE}",
        f"img-src 'self' {local.SITE}",
        f"style-src 'self' {local.SITE}",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    ]
)

GetResponse = Callable[[HttpRequest], HttpResponse]


def content_security_policy(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        # The pages of the endpoints and of the fake provider have policies of their own.
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return middleware


def known_addresses(get_response: GetResponse) -> GetResponse:
    """Name the addresses that work, after a request to a different one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            request.get_host()
        except DisallowedHost:
            return wrong_address(request)
        return get_response(request)

    return middleware
