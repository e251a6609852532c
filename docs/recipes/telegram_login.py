"""Telegram by OpenID Connect."""

from __future__ import annotations

from typing import Any

from social_core.backends.open_id_connect import OpenIdConnectAuth


class TelegramOpenIdConnect(OpenIdConnectAuth):
    """Sign in with Telegram. The profile is the verified ID token."""

    name = "telegram-oidc"
    title = "Telegram"
    OIDC_ENDPOINT = "https://oauth.telegram.org"
    DEFAULT_SCOPE = ["openid", "profile"]

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the claims, because Telegram has no UserInfo endpoint."""
        return dict(self.id_token or {})
