"""Decide which redirect URIs are allowed: the page, its previews, and the tenants' pages."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpRequest

PRODUCTION = "https://app.example.com/login/callback"
PREVIEW = re.compile(r"https://preview-[0-9]{1,6}\.example\.com/login/callback")


def is_allowed(uri: str, *, provider: str, request: HttpRequest) -> bool:
    """Return whether a login may send the user to this URI."""
    is_preview = PREVIEW.fullmatch(uri) is not None
    return uri == PRODUCTION or is_preview or is_page_of_tenant(uri, request)


def is_page_of_tenant(uri: str, request: HttpRequest) -> bool:
    host = request.get_host()
    return host in settings.TENANTS and uri == f"https://{host}/login/callback"
