"""What a login is answered with.

The serializers are named here and imported where they are used, because most of
them need an app or a package that a project with another one does not have.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULES = {
    "LoginSerializer": "base",
    "TokenSerializer": "drf",
    "JWTSerializer": "jwt",
    "JWTCookieSerializer": "jwt_cookies",
    "JWTCookieAuthentication": "jwt_cookies",
    "KnoxTokenSerializer": "knox",
    "SessionSerializer": "session",
    "DjoserSerializer": "djoser",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
