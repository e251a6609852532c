"""The shipped token serializers, and a token strategy of djoser."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

# A serializer that sets cookies needs its flow in a cookie.
SHIPPED = {
    "TokenSerializer": ("cookie", "body"),
    "DjoserSerializer": ("cookie", "body"),
    "SessionSerializer": ("cookie",),
}
if find_spec("rest_framework_simplejwt"):
    from rest_framework_simplejwt.authentication import JWTAuthentication

    SHIPPED |= {"JWTSerializer": ("cookie", "body"), "JWTCookieSerializer": ("cookie",)}

    class OwnJWTAuthentication(JWTAuthentication):
        """An authentication class of the project, which may read a cookie."""


if find_spec("knox"):
    SHIPPED |= {"KnoxTokenSerializer": ("cookie", "body")}

PAIRS = [(name, transport) for name, transports in SHIPPED.items() for transport in transports]


class ObtainedText:
    @classmethod
    def obtain(cls, user: Any) -> dict[str, Any]:
        return {"obtained": "text", "user": user}


DJOSER = {"SOCIAL_AUTH_TOKEN_STRATEGY": f"{__name__}.ObtainedText"}
"""Settings of a project that comes from djoser."""
