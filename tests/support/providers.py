"""The list of providers, as a page requests it."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

from tests.support.frontend import browser

PROVIDERS = "/auth/o/"


def list_providers(client: APIClient | None = None, **extra: Any) -> list[dict[str, Any]]:
    """Return the entries of the list."""
    response = (client or browser()).get(PROVIDERS, secure=True, **extra)
    assert response.status_code == 200, response.data
    return response.json()
