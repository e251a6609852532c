"""The title and the icon of a provider, for users."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.staticfiles import finders
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.functional import Promise
from social_core.backends.base import BaseAuth

from social_endpoints.internal.backends import loading
from social_endpoints.internal.backends.registry import BackendClass, Provider
from social_endpoints.internal.errors.failures import is_storage_failure
from social_endpoints.internal.flows.flow import LOGIN, Flow
from social_endpoints.internal.translation import log_failure

STATIC_FILES = "django.contrib.staticfiles"

_ICON_FOLDER = "social_auth/icons"  # social_django's folder for the icons of social-core.


def provider_title(provider: Provider, request: HttpRequest | None) -> str:
    """Return the title of a provider, or its name if the backend raises an exception."""
    try:
        flow = Flow(provider.name, LOGIN, "")
        _, backend = loading.load(provider, request=request, data={}, flow=flow)
        return backend_title(backend)
    except Exception as error:  # A project's backend may raise any exception.
        if is_storage_failure(error):
            raise
        log_failure("provider list incomplete", error, provider=provider.name)
        return provider.name


def backend_title(backend: BaseAuth[Any]) -> str:
    """Return the title of a backend, which the project's settings may change."""
    text: object = backend.get_title(backend.strategy)
    # A translated title may be lazy.
    return (str(text) if isinstance(text, (str, Promise)) else "") or backend.name


def icon_url(backend: BackendClass) -> str | None:
    """Return the URL or path of a backend's icon, or None if the project does not serve it."""
    if not has_icon_file(backend):
        return None
    try:
        return static(_icon_path(backend))
    except ValueError:  # The storage requires that collectstatic has collected the file.
        return None
    except Exception as error:  # noqa: BLE001 - a project's storage may raise any exception
        log_failure("provider list incomplete", error, provider=backend.name)
        return None


def has_icon_file(backend: BackendClass) -> bool:
    """Return whether a static files finder of the project finds the backend's icon."""
    if not backend.icon or not apps.is_installed(STATIC_FILES):
        return False
    try:
        return bool(finders.find(_icon_path(backend)))
    except Exception as error:  # noqa: BLE001 - a project's finder may raise any exception
        log_failure("provider list incomplete", error, provider=backend.name)
        return False


def _icon_path(backend: BackendClass) -> str:
    return f"{_ICON_FOLDER}/{backend.icon}"
