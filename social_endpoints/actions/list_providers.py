"""List the configured providers, and what can be done with each."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise
from social_core.backends.base import BaseAuth

from social_endpoints.exceptions import log_failure
from social_endpoints.flow import LOGIN, Flow
from social_endpoints.providers import loading
from social_endpoints.providers.capabilities import capabilities
from social_endpoints.providers.icons import icon_url
from social_endpoints.providers.protocols import protocol
from social_endpoints.providers.registry import Provider, configured
from social_endpoints.strategy import Strategy
from social_endpoints.types import ListedProvider


def list_providers(*, request: HttpRequest) -> list[ListedProvider]:
    """Return the configured providers, in the order of ``AUTHENTICATION_BACKENDS``.

    No provider is asked, and no database, unless a strategy or a backend of the
    project's does so. The strategy has the request, so that titles and keys may be a
    tenant's.

    :raises ImproperlyConfigured: a class of the settings cannot be imported.
    """
    return [_listed(provider, request) for provider in configured().values()]


def _listed(provider: Provider, request: HttpRequest) -> ListedProvider:
    flow = Flow(provider.name, LOGIN, "")
    strategy, backend = loading.load(provider, request=request, data={}, flow=flow)
    return ListedProvider(
        name=provider.name,
        title=_title(strategy, backend),
        icon=icon_url(provider.backend),
        protocol=protocol(provider.backend),
        capabilities=_capabilities(backend),
    )


def _title(strategy: Strategy, backend: BaseAuth[Any]) -> str:
    try:
        title = backend.get_title(strategy)
        if isinstance(title, (str, Promise)):  # A translation may be a lazy one.
            return str(title) or backend.name
    except Exception as error:  # noqa: BLE001 - one backend must not hide the others
        log_failure(f"The title of {backend.name} cannot be told", error)
    return backend.name


def _capabilities(backend: BaseAuth[Any]) -> tuple[str, ...]:
    try:
        return capabilities(backend)
    except Exception as error:  # noqa: BLE001 - nor could a login with it begin
        log_failure(f"What {backend.name} can do cannot be told", error)
        return ()
