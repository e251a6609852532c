"""A fake provider, and sign-in with it, for the tests of projects and for development.

Importing this package raises ``ImproperlyConfigured`` where ``DEBUG`` is off and no test runs.
Nothing else in this package imports it in production.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from social_endpoints.internal.guard import is_deployment_check, require_test_or_debug

if not is_deployment_check():  # It reports the import as W037, and without DEBUG as E034.
    require_test_or_debug(__name__)

if TYPE_CHECKING:
    from social_endpoints.testing.client import ProviderNotFakeable
    from social_endpoints.testing.errors import LoginPaused, SocialLoginError
    from social_endpoints.testing.in_process import FakeProviders
    from social_endpoints.testing.login import Begun, SocialLogin
    from social_endpoints.testing.messages import (
        AuthorizationResponse,
        ProviderRequest,
        ProviderResponse,
    )
    from social_endpoints.testing.provider import FakeProvider, InvalidAuthorizationRequest
    from social_endpoints.testing.test_case import SocialLoginMixin

__all__ = [
    "AuthorizationResponse",
    "Begun",
    "FakeProvider",
    "FakeProviders",
    "InvalidAuthorizationRequest",
    "LoginPaused",
    "ProviderNotFakeable",
    "ProviderRequest",
    "ProviderResponse",
    "SocialLogin",
    "SocialLoginError",
    "SocialLoginMixin",
]

# They are imported on first use, because they need the configured apps of a project.
_MODULES = {
    "AuthorizationResponse": "messages",
    "Begun": "login",
    "FakeProvider": "provider",
    "FakeProviders": "in_process",
    "InvalidAuthorizationRequest": "provider",
    "LoginPaused": "errors",
    "ProviderNotFakeable": "client",
    "ProviderRequest": "messages",
    "ProviderResponse": "messages",
    "SocialLogin": "login",
    "SocialLoginError": "errors",
    "SocialLoginMixin": "test_case",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
