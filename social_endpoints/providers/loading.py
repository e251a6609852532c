"""How a provider's backend is loaded, with what this app adds to it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any, cast

from django.conf import settings as django_settings
from django.http import HttpRequest
from social_core.backends.base import BaseAuth
from social_core.backends.oauth import OAuthAuth
from social_core.exceptions import AuthConfigurationError, SocialAuthBaseException

from social_endpoints.conf import import_path, imported
from social_endpoints.flow import Flow
from social_endpoints.providers.credentials import missing
from social_endpoints.providers.exact_parameters import ExactParameters
from social_endpoints.providers.pipeline import RecordedPipeline
from social_endpoints.providers.registry import Provider
from social_endpoints.providers.transport import Transport
from social_endpoints.strategy import Strategy


def load(
    provider: Provider, *, request: HttpRequest | None, data: Mapping[str, str], flow: Flow
) -> tuple[Strategy, BaseAuth[Any]]:
    """Return a strategy over the data of a request and a flow, and the backend over that.

    :param data: what the backend may see of the request.
    """
    strategy_class: type[Strategy] = imported("STRATEGY", Strategy)
    strategy = strategy_class(storage(), request, data=data, flow=flow)
    backend_class = _extended(cast("Hashable", provider.backend))
    return strategy, backend_class(strategy, redirect_uri=flow.redirect_uri)


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
    except Exception as error:  # Apple's secret is signed with a key, which may be none.
        raise AuthConfigurationError(backend, parameter="SECRET", stage="begin") from error


def storage() -> Any:
    """Return python-social-auth's storage class of this project.

    :raises ImproperlyConfigured: it cannot be imported.
    """
    setting, default = "SOCIAL_AUTH_STORAGE", "social_django.models.DjangoStorage"
    return import_path(getattr(django_settings, setting, default), setting)


@lru_cache(maxsize=256)
def _extended(backend: Any) -> Any:
    """Return the backend's class with what this app adds to it.

    Built once for each class, under the name and module that the project
    configured, because social-core caches discovery by class.
    """
    additions: tuple[Any, ...] = (Transport, RecordedPipeline)
    if issubclass(backend, OAuthAuth):
        additions = (ExactParameters, *additions)
    identity = {"__module__": backend.__module__, "__qualname__": backend.__qualname__}
    return type(backend.__name__, (*additions, backend), identity)
