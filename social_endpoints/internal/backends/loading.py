"""How a provider's backend is loaded, with what this app adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings as django_settings
from django.http import HttpRequest
from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthConfigurationError, SocialAuthBaseException

from social_endpoints.conf import import_path, import_setting
from social_endpoints.internal.backends.classes import extended
from social_endpoints.internal.backends.credentials import missing
from social_endpoints.internal.backends.registry import Provider
from social_endpoints.internal.flows.flow import Flow
from social_endpoints.strategy import Strategy


def load(
    provider: Provider, *, request: HttpRequest | None, data: Mapping[str, str], flow: Flow
) -> tuple[Strategy, BaseAuth[Any]]:
    """Return a strategy over the data of a request and a flow, and the backend over that.

    :param data: what the backend may see of the request.
    """
    strategy_class: type[Strategy] = import_setting("STRATEGY", Strategy)
    strategy = strategy_class(storage(), request, data=data, flow=flow)
    backend_class = extended(provider.backend)
    strategy.backend = backend_class(strategy, redirect_uri=flow.redirect_uri)
    return strategy, strategy.backend


def require_client(backend: BaseAuth[Any]) -> None:
    """Refuse a backend that would send the user to the provider with ``client_id=None``.

    :raises AuthConfigurationError: a setting without which no login can begin is
        missing, or is of no use; ``parameter`` names it.
    """
    for name in missing(backend, to_begin=True):
        raise AuthConfigurationError(backend, code="missing_setting", parameter=name, stage="begin")
    try:
        backend.get_key_and_secret()
    except SocialAuthBaseException:
        raise  # The backend knows what is wrong.
    except Exception as error:  # To sign Apple's secret with what is no key raises anything.
        raise AuthConfigurationError(backend, parameter="SECRET", stage="begin") from error


def storage() -> Any:
    """Return python-social-auth's storage class of this project.

    :raises ImproperlyConfigured: it cannot be imported.
    """
    setting, default = "SOCIAL_AUTH_STORAGE", "social_django.models.DjangoStorage"
    return import_path(getattr(django_settings, setting, default), setting)
