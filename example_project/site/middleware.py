"""A strict Content-Security-Policy. Django has a middleware for this since version 6.0."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from example_project import local

# The page on the other origin calls the API, and shows icons that the API serves. The sign-in
# at the provider is a form that ends with a redirect to the page.
POLICY = "; ".join(
    [
        "default-src 'self'",
        f"connect-src 'self' {local.SITE}",
        f"img-src 'self' {local.SITE}",
        f"style-src 'self' {local.SITE}",
        f"form-action {local.SITE} {local.OTHER_ORIGIN}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    ]
)


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        # The endpoints' own pages have a policy of their own.
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return middleware
