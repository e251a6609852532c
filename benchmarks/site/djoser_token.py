"""DRF's token as djoser's strategy for social logins."""

from __future__ import annotations

from typing import Any

from rest_framework.authtoken.models import Token


class TokenStrategy:
    @classmethod
    def obtain(cls, user: Any) -> dict[str, Any]:
        token, _ = Token.objects.get_or_create(user=user)
        return {"access": token.key, "refresh": "", "user": user}
