"""The base class of token serializers, and the shipped token serializers.

Each module is imported on first use, because most modules need an additional package or app.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from social_endpoints.tokens.base import LoginSerializer
    from social_endpoints.tokens.djoser import DjoserSerializer
    from social_endpoints.tokens.drf import TokenSerializer
    from social_endpoints.tokens.jwt import (
        JWTCookieAuthentication,
        JWTCookieSerializer,
        JWTSerializer,
    )
    from social_endpoints.tokens.knox import KnoxTokenSerializer
    from social_endpoints.tokens.session import SessionSerializer

__all__ = [
    "DjoserSerializer",
    "JWTCookieAuthentication",
    "JWTCookieSerializer",
    "JWTSerializer",
    "KnoxTokenSerializer",
    "LoginSerializer",
    "SessionSerializer",
    "TokenSerializer",
]

_MODULES = {
    "LoginSerializer": "base",
    "TokenSerializer": "drf",
    "JWTSerializer": "jwt",
    "JWTCookieSerializer": "jwt",
    "JWTCookieAuthentication": "jwt",
    "KnoxTokenSerializer": "knox",
    "SessionSerializer": "session",
    "DjoserSerializer": "djoser",
}

_EXTRAS = {
    "rest_framework_simplejwt": ("djangorestframework-simplejwt", "jwt"),
    "knox": ("django-rest-knox", "knox"),
}


class MissingExtra(ImportError):
    """The package that a token serializer needs is not installed."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        if error.name not in _EXTRAS:
            raise
        package, extra = _EXTRAS[error.name]
        raise MissingExtra(
            f"{name} needs {package}: pip install 'django-social-endpoints[{extra}]'"
        ) from error
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
