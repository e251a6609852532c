"""List the configured providers, and what can be done with each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from social_endpoints.exceptions import log_failure
from social_endpoints.internal.actions.capabilities import capabilities
from social_endpoints.internal.backends import loading
from social_endpoints.internal.backends.listing import backend_title, icon_url
from social_endpoints.internal.backends.registry import Provider, configured, protocol
from social_endpoints.internal.flows.flow import LOGIN, Flow
from social_endpoints.types import ListedProvider


def list_providers(*, request: HttpRequest) -> list[ListedProvider]:
    """Return the configured providers, in the order of ``AUTHENTICATION_BACKENDS``.

    No provider is asked, and no database, unless a strategy or a backend of the
    project's does so. The strategy has the request, so that titles and keys may be a
    tenant's. Of a backend that fails there is the name, and nothing that can be done.

    :raises ImproperlyConfigured: a class of the settings cannot be imported, say.
    """
    return [_listed(provider, request) for provider in configured().values()]


def _listed(provider: Provider, request: HttpRequest) -> ListedProvider:
    title, can = provider.name, tuple[str, ...]()
    flow = Flow(provider.name, LOGIN, "")
    with _tolerance(provider):
        _, backend = loading.load(provider, request=request, data={}, flow=flow)
        with _tolerance(provider):
            title = backend_title(backend)
        can = capabilities(backend)
    return ListedProvider(
        name=provider.name,
        title=title,
        icon=icon_url(provider.backend),
        protocol=protocol(provider.backend),
        capabilities=can,
    )


@contextmanager
def _tolerance(provider: Provider) -> Iterator[None]:
    """Let what a backend or a strategy raises cost the list no more than its own part."""
    try:
        yield
    except ImproperlyConfigured:
        raise
    except Exception as error:  # noqa: BLE001 - they may raise anything
        log_failure(f"{provider.name} cannot be listed in full", error)
