"""Redirect URIs for previews and for tenants."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpRequest

PRODUCTION = "https://app.example.com/login/callback"
PREVIEW = re.compile(r"https://preview-[0-9]{1,6}\.example\.com/login/callback")


def is_allowed(uri: str, *, provider: str, request: HttpRequest) -> bool:
    """Allow the frontend, its previews, and the page of the tenant who is asked."""
    return uri == PRODUCTION or PREVIEW.fullmatch(uri) is not None or is_tenants(uri, request)


def is_tenants(uri: str, request: HttpRequest) -> bool:
    host = request.get_host()
    return host in settings.TENANTS and uri == f"https://{host}/login/callback"
