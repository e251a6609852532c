"""The setting ``FAKE_PROVIDERS``: providers that a fake provider stands in for, over HTTP.

The path of a URL at the fake begins with the name of the provider. For the browser, ``authorize``
or ``logout`` follows; for the requests of this package, ``forwarded`` and the original URL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from django.core.exceptions import ImproperlyConfigured

from social_endpoints.conf import NAME, settings
from social_endpoints.internal.guard import require_test_or_debug
from social_endpoints.internal.network.adapter import ProviderAdapter

AUTHORIZE, LOGOUT, FORWARDED = "authorize", "logout", "forwarded"

_BASE_URL = re.compile(r"https?://[^\s/?#@\\]+(/[^\s?#\\]*)?", re.IGNORECASE)


def base_url(provider: str) -> str | None:
    """Return the address of the fake provider without a slash at its end, or None.

    :raises ImproperlyConfigured: the setting is malformed, or this is not for development.
    """
    addresses: Any = settings.FAKE_PROVIDERS
    if not addresses:
        return None
    require_test_or_debug(f"{NAME}['FAKE_PROVIDERS']")
    if not isinstance(addresses, Mapping):
        raise ImproperlyConfigured(f"{NAME}['FAKE_PROVIDERS'] must be a dictionary.")
    address = addresses.get(provider)
    if address is None:
        return None
    if not is_base_url(address):
        raise ImproperlyConfigured(
            f"{NAME}['FAKE_PROVIDERS'][{provider!r}] must be the address of a fake provider."
        )
    return str(address).rstrip("/")


def is_base_url(address: Any) -> bool:
    """Return whether a value can be the address of a fake provider."""
    if not isinstance(address, str) or not _BASE_URL.fullmatch(address):
        return False
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def fake_url(base: str, provider: str, endpoint: str, url: str) -> str:
    """Return the URL at the fake that replaces a URL of the provider in the browser."""
    query = urlsplit(url).query
    return f"{base}/{quote(provider, safe='')}/{endpoint}" + (f"?{query}" if query else "")


class ForwardingAdapter(ProviderAdapter):
    """Sends the requests of one login to a fake provider, whatever their URLs are.

    :param base: the address of the fake.
    """

    def __init__(self, base: str, provider: str) -> None:
        super().__init__()
        self._prefix = f"{base}/{quote(provider, safe='')}/{FORWARDED}"

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send a request to the fake. The response names the original URL."""
        forwarded = request.copy()
        parts = urlsplit(str(request.url))
        query = f"?{parts.query}" if parts.query else ""
        forwarded.url = f"{self._prefix}/{parts.scheme}/{parts.netloc}{parts.path or '/'}{query}"
        self.hosts = None  # The project has chosen the address of the fake.
        kwargs["proxies"] = {}
        response = super().send(forwarded, *args, **kwargs)
        response.request, response.url = request, str(request.url)
        return response
