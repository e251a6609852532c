"""Credentials at the provider for each tenant, by the host of the request."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from social_endpoints.strategy import Strategy


class TenantStrategy(Strategy):
    """Answers a setting as the tenant of the request has it, or else the project."""

    def get_setting(self, name: str) -> Any:
        tenant = settings.TENANTS.get(self.request.get_host(), {})
        if name in tenant:
            return tenant[name]
        return super().get_setting(name)
