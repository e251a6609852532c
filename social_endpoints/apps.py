"""App configuration: registers the system checks and the OpenAPI extension."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import register


class SocialEndpointsConfig(AppConfig):
    """The Django app."""

    name = "social_endpoints"
    verbose_name = "Social endpoints"

    def ready(self) -> None:
        """Register the system checks and, if the project uses it, the OpenAPI extension."""
        # The checks import DRF and social_django, which need the loaded apps.
        from social_endpoints.checks import deployment, native, providers, settings, tokens

        for module in (settings, providers, tokens, native, deployment):
            for check, tags in module.CHECKS.items():
                register(check, *tags, deploy=module is deployment)
        if _uses_spectacular():
            from social_endpoints import schema  # noqa: F401 - the import registers it


def _uses_spectacular() -> bool:
    """Return whether the project uses drf-spectacular. Its import is slow."""
    configured: dict[str, Any] = getattr(settings, "REST_FRAMEWORK", None) or {}
    by_class = "drf_spectacular." in str(configured.get("DEFAULT_SCHEMA_CLASS"))
    return by_class or apps.is_installed("drf_spectacular")
