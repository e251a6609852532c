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

_EXTRAS = {
    "rest_framework_simplejwt": ("djangorestframework-simplejwt", "jwt"),
    "knox": ("django-rest-knox", "knox"),
}


class MissingExtra(ImportError):
    """A token serializer is used whose package is not installed."""


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
