"""System check of the providers' icons."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Info
from django.core.exceptions import ImproperlyConfigured

from social_endpoints.internal.backends.icons import STATIC_FILES, has_file
from social_endpoints.internal.backends.registry import configured


def check_icons(**kwargs: Any) -> list[CheckMessage]:
    """Find that there are icons, and that the list of providers goes without them.

    To tell of them, and no more: a project need not want them, and nothing else depends
    on them. A warning would fail the build of who runs ``check --fail-level WARNING``.
    """
    if not apps.is_installed(STATIC_FILES):
        return []
    try:
        backends = [provider.backend for provider in configured().values()]
    except ImproperlyConfigured:
        return []  # Reported by check_providers().
    missing = [each.name for each in backends if each.icon and not has_file(each)]
    if not missing:
        return []
    return [
        Info(
            f"The static files have no icon of {', '.join(missing)}, so that the list of"
            " providers has none.",
            hint="Add 'social_django.finders.SocialAuthIconFinder' to STATICFILES_FINDERS, after"
            " Django's own, and run collectstatic; or list this id in SILENCED_SYSTEM_CHECKS.",
            id="social_endpoints.I001",
        )
    ]
