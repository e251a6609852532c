"""Start-up."""

from __future__ import annotations

from django.apps import AppConfig


class SocialEndpointsConfig(AppConfig):
    """Registers the system checks, and the OpenAPI extension where its package is there."""

    name = "social_endpoints"
    verbose_name = "Social endpoints"
