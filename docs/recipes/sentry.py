"""An example for the page "Other packages"."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit


def remove_secrets(event: Any, hint: Any) -> Any:
    """Remove what may be a secret from an event about a request to the endpoints."""
    request = event.get("request", {})
    if urlsplit(request.get("url", "")).path.startswith("/auth/"):
        for name in ("cookies", "data", "headers", "query_string"):
            request.pop(name, None)
        # Some requests to providers have a token or a secret in the URL.
        breadcrumbs = event.get("breadcrumbs", {}).get("values", [])
        for entry in [*breadcrumbs, *event.get("spans", [])]:
            (entry.get("data") or {}).pop("http.query", None)
    return event
