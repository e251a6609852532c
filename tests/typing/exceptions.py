"""An exception handler of Django REST framework, and the signals."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver
from rest_framework.response import Response
from rest_framework.views import exception_handler

from social_endpoints.exceptions import (
    ConfigurationError,
    ConnectionNotFound,
    EndpointError,
    ProjectError,
    ProviderNotSupported,
    RefreshNotSupported,
    RefreshTokenInvalid,
    StorageUnavailable,
)
from social_endpoints.signals import (
    connected,
    disconnected,
    logged_out_by_provider,
    provider_availability_changed,
    signed_in,
)


class MaintenanceError(EndpointError):
    status_code = 503


class WrongTenant(ConfigurationError):
    pass


class BillingError(ProjectError):
    pass


class SearchUnavailable(StorageUnavailable):
    pass


class ProviderOfOtherTenant(ProviderNotSupported):
    pass


class ConnectionOfOtherTenant(ConnectionNotFound):
    pass


class DeviceUnknown(RefreshTokenInvalid):
    pass


class NoRefresh(RefreshNotSupported):
    pass


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(error, (EndpointError, ProviderNotSupported, ConnectionNotFound)):
        status: int = error.status_code
        return Response({"detail": str(error.detail)}, status=status)
    return exception_handler(error, context)


@receiver([signed_in, connected, disconnected, logged_out_by_provider])
def record(sender: type[Any], user: Any, provider: str, **kwargs: Any) -> None:
    print(sender, user, provider)  # noqa: T201 - never run


@receiver(provider_availability_changed)
def notify(provider: str, host: str, is_available: bool, **kwargs: Any) -> None:
    print(provider, host, is_available)  # noqa: T201 - never run
