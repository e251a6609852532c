"""Instantiate a provider's backend for one request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from social_core.backends.base import BaseAuth

from social_endpoints.conf import import_path, import_setting
from social_endpoints.internal.backends.classes import extended
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.strategy import Strategy


def load(
    provider: Provider, *, request: HttpRequest | None, data: Mapping[str, str], flow: Flow
) -> tuple[Strategy, BaseAuth[Any]]:
    """Return a strategy for a request and a flow, and the backend with this strategy.

    :param data: the request parameters that the backend may see.
    """
    strategy_class: type[Strategy] = import_setting("STRATEGY", Strategy)
    strategy = strategy_class(storage(), request, data=data, flow=flow)
    backend_class = extended(provider.backend)
    strategy.backend = backend_class(strategy, redirect_uri=flow.redirect_uri)
    return strategy, strategy.backend


def storage() -> Any:
    """Return the project's storage class for python-social-auth.

    :raises ImproperlyConfigured: it cannot be imported.
    """
    setting, default = "SOCIAL_AUTH_STORAGE", "social_django.models.DjangoStorage"
    return import_path(getattr(settings, setting, default), setting)
