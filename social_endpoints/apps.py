"""App configuration: registers the system checks and the OpenAPI extension."""

from __future__ import annotations

from django.apps import AppConfig, apps
from django.core.checks import register

from social_endpoints.conf import get_dictionary


class SocialEndpointsConfig(AppConfig):
    """The Django app."""

    name = "social_endpoints"
    verbose_name = "Social endpoints"

    def ready(self) -> None:
        """Register the system checks and, if the project uses it, the OpenAPI extension."""
        # The checks import DRF and social_django, which need the loaded apps.
        from social_endpoints.checks import (
            browsers,
            connections,
            database,
            deployment,
            fake_providers,
            logout,
            native,
            pipelines,
            providers,
            redirect_uris,
            settings,
            tokens,
        )
        from social_endpoints.internal.backends import stored_connections

        standard_modules = (
            *(settings, redirect_uris, providers, pipelines, tokens, native, connections),
            *(logout, fake_providers, database),
        )
        for module in (*standard_modules, deployment, browsers):
            for check, tags in module.CHECKS.items():
                register(check, *tags, deploy=module not in standard_modules)
        stored_connections.connect_models()
        if _uses_spectacular():
            from social_endpoints import schema  # noqa: F401 - the import registers it


def _uses_spectacular() -> bool:
    """Return whether the project uses drf-spectacular. Its import is slow."""
    configured = get_dictionary("REST_FRAMEWORK")
    by_class = "drf_spectacular." in str(configured.get("DEFAULT_SCHEMA_CLASS"))
    return by_class or apps.is_installed("drf_spectacular")
