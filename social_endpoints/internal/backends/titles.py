"""What a provider is called where a user reads it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise
from social_core.backends.base import BaseAuth

from social_endpoints.exceptions import log_failure
from social_endpoints.internal.backends import loading
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows.flow import LOGIN, Flow


def title(provider: Provider, request: HttpRequest | None) -> str:
    """Return the title of a provider; its name where its backend fails to say one."""
    try:
        flow = Flow(provider.name, LOGIN, "")
        _, backend = loading.load(provider, request=request, data={}, flow=flow)
        return title_of(backend)
    except Exception as error:  # noqa: BLE001 - a backend of the project's may raise anything
        log_failure(f"{provider.name} has no title", error)
        return provider.name


def title_of(backend: BaseAuth[Any]) -> str:
    """Return the title, which social-core lets the project's settings decide on."""
    found: object = backend.get_title(backend.strategy)
    # A translation may be a lazy one.
    return (str(found) if isinstance(found, (str, Promise)) else "") or backend.name
