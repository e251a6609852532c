"""The icons of the providers, among the project's static files."""

from __future__ import annotations

from django.apps import apps
from django.contrib.staticfiles import finders
from django.templatetags.static import static

from social_endpoints.exceptions import log_failure
from social_endpoints.internal.backends.kinds import BackendClass

STATIC_FILES = "django.contrib.staticfiles"

_FOLDER = "social_auth/icons"  # Where social_django's finder has those of social-core.


def icon_url(backend: BackendClass) -> str | None:
    """Return the URL of a backend's icon, or its path, or None where none is served."""
    if not has_file(backend):
        return None
    try:
        return static(_path(backend))
    except ValueError:  # It is not collected, and the storage knows.
        return None
    except Exception as error:  # noqa: BLE001 - storages may be the project's
        log_failure(f"The icon of {backend.name} has no URL", error)
        return None


def has_file(backend: BackendClass) -> bool:
    """Say whether a backend has an icon, and a finder of the project's its file."""
    if not backend.icon or not apps.is_installed(STATIC_FILES):
        return False
    try:
        return bool(finders.find(_path(backend)))
    except Exception as error:  # noqa: BLE001 - finders may be the project's
        log_failure(f"The icon of {backend.name} cannot be looked for", error)
        return False


def _path(backend: BackendClass) -> str:
    return f"{_FOLDER}/{backend.icon}"
