"""What a provider is called where a user reads it."""

from __future__ import annotations

from django.http import HttpRequest

from social_endpoints.flow import LOGIN, Flow
from social_endpoints.providers import loading
from social_endpoints.providers.registry import Provider


def title(provider: Provider, request: HttpRequest | None) -> str:
    """Return the title, which social-core lets the project's settings decide on."""
    flow = Flow(provider.name, LOGIN, "")
    strategy, backend = loading.load(provider, request=request, data={}, flow=flow)
    return str(backend.get_title(strategy))
