"""Strategy that reads the settings of the tenant whose host the request names."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from social_endpoints.strategy import Strategy


class TenantStrategy(Strategy):
    """Returns the tenant's value of a setting, or the project's."""

    def get_setting(self, name: str) -> Any:
        host = self.request.get_host() if self.request else ""
        tenant = settings.TENANTS.get(host, {})
        if name in tenant:
            return tenant[name]
        return super().get_setting(name)
