"""List the configured providers and their capabilities."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from social_core.backends.base import BaseAuth

from social_endpoints.internal.backends import loading
from social_endpoints.internal.backends.config import has_redirect, missing_settings
from social_endpoints.internal.backends.listing import backend_title, icon_url
from social_endpoints.internal.backends.registry import Provider, all_providers, protocol
from social_endpoints.internal.errors.failures import is_storage_failure
from social_endpoints.internal.flows.flow import LOGIN, Flow
from social_endpoints.internal.native.providers import native_token_types
from social_endpoints.internal.translation import log_failure
from social_endpoints.types import ListedProvider

CAPABILITIES = ("redirect", "id_token", "access_token", "connect")
"""What a provider can be used for, in the order of the list.

``redirect``: login by redirect. ``id_token`` and ``access_token``: native sign-in with such a
token. ``connect``: connecting an identity to an existing account.
"""


def list_providers(*, request: HttpRequest) -> list[ListedProvider]:
    """Return the configured providers in the order of ``AUTHENTICATION_BACKENDS``.

    This sends no request and makes no query, unless the project's strategy or backend does. A
    backend that raises an exception is listed with its name and without capabilities, unless
    the project's database or cache has failed.

    :param request: passed to the strategy, whose settings may depend on the tenant.
    :raises ImproperlyConfigured: a class in the settings cannot be imported, for example.
    """
    return [_describe(provider, request) for provider in all_providers().values()]


def _describe(provider: Provider, request: HttpRequest) -> ListedProvider:
    title, capabilities = provider.name, tuple[str, ...]()
    flow = Flow(provider.name, LOGIN, "")
    with _log_errors(provider):
        _, backend = loading.load(provider, request=request, data={}, flow=flow)
        with _log_errors(provider):
            title = backend_title(backend)
        capabilities = tuple(find_capabilities(backend))
    return ListedProvider(
        name=provider.name,
        title=title,
        icon=icon_url(provider.backend),
        protocol=protocol(provider.backend),
        capabilities=capabilities,
    )


def find_capabilities(backend: BaseAuth[Any]) -> Iterator[str]:
    """Yield what a provider can be used for, in the order of ``CAPABILITIES``."""
    can_begin = has_redirect(backend) and not missing_settings(backend, to_begin=True)
    if can_begin and not backend.ASSOCIATION_ONLY:
        yield "redirect"
    yield from native_token_types(backend)
    if can_begin:
        yield "connect"


@contextmanager
def _log_errors(provider: Provider) -> Iterator[None]:
    """Log an exception of a backend or a strategy, so that the other providers are listed."""
    try:
        yield
    except ImproperlyConfigured:
        raise
    except Exception as error:  # A project's class may raise any exception.
        if is_storage_failure(error):  # The list would lack providers that work.
            raise
        log_failure("provider list incomplete", error, provider=provider.name)
