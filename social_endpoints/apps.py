"""Start-up: registers the system checks and the OpenAPI extension."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import Tags, register


class SocialEndpointsConfig(AppConfig):
    """The app as Django knows it."""

    name = "social_endpoints"
    verbose_name = "Social endpoints"

    def ready(self) -> None:
        """Register what Django and drf-spectacular ask later."""
        from social_endpoints.checks import (
            accounts,
            classes,
            dictionary,
            icons,
            native,
            project,
            proxies,
            verifiers,
        )

        register(dictionary.check_dictionary)
        register(dictionary.check_redirect_uris)
        register(dictionary.check_throttle_rates)
        register(dictionary.check_token_fields)
        register(dictionary.check_seconds)
        register(dictionary.check_deployed_redirect_uris, Tags.security, deploy=True)
        register(proxies.check_deployed_proxies, Tags.security, deploy=True)
        register(classes.check_classes)
        register(classes.check_token_serializer)
        register(classes.check_deployed_cookies, Tags.security, deploy=True)
        register(project.check_apps)
        register(project.check_providers)
        register(project.check_urls, Tags.urls)
        register(accounts.check_isolation)
        register(native.check_native_providers)
        register(verifiers.check_verifiers)
        register(icons.check_icons, Tags.staticfiles)
        if _is_schema_generated():
            from social_endpoints import schema  # noqa: F401 - to import it registers it


def _is_schema_generated() -> bool:
    """Say whether the project uses drf-spectacular, which takes long to import."""
    configured: dict[str, Any] = getattr(settings, "REST_FRAMEWORK", None) or {}
    by_class = "drf_spectacular." in str(configured.get("DEFAULT_SCHEMA_CLASS"))
    return by_class or apps.is_installed("drf_spectacular")
