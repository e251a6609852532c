"""System checks of the token serializer: apps, middleware, transport, djoser strategy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from social_endpoints.checks.settings import is_subclass
from social_endpoints.conf import import_setting, settings
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.tokens.djoser import DjoserSerializer, get_token_strategy


def check_token_serializer(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report missing requirements of the configured token serializer."""
    serializer = configured_serializer()
    if serializer is not None:
        yield from _missing_apps(serializer)
        yield from _missing_middleware(serializer)
        yield from _unsafe_transport(serializer)
        yield from _wrong_djoser_strategy(serializer)


def configured_serializer() -> type[LoginSerializer] | None:
    """Return the token serializer, or None if check_dotted_paths() reports the setting."""
    try:
        serializer: type[LoginSerializer] = import_setting("TOKEN_SERIALIZER", LoginSerializer)
    except ImproperlyConfigured:
        return None
    return serializer


def _missing_apps(serializer: type[LoginSerializer]) -> Iterator[CheckMessage]:
    for app in serializer.required_apps:
        if not apps.is_installed(app):
            yield Error(
                f"{serializer.__name__} requires the app {app!r}.",
                hint=f"Add {app!r} to INSTALLED_APPS and run migrate.",
                id="social_endpoints.E008",
            )


def _missing_middleware(serializer: type[LoginSerializer]) -> Iterator[CheckMessage]:
    installed = list(_installed_middleware()) if serializer.required_middleware else []
    for middleware in serializer.required_middleware:
        base = import_string(middleware)
        if not any(is_subclass(each, base) for each in installed):
            yield Error(
                f"{serializer.__name__} requires the middleware {middleware!r}.",
                hint=f"Add {middleware!r} to MIDDLEWARE.",
                id="social_endpoints.E009",
            )


def _installed_middleware() -> Iterator[Any]:
    for path in django_settings.MIDDLEWARE:
        with suppress(ImportError):  # Django reports it when it loads the middleware.
            yield import_string(path)


def _unsafe_transport(serializer: type[LoginSerializer]) -> Iterator[CheckMessage]:
    if serializer.sets_cookies and settings.FLOW_TRANSPORT == "body":
        yield Error(
            f"FLOW_TRANSPORT must not be 'body', because {serializer.__name__} sets a cookie.",
            hint="Use 'auto' or 'cookie'. With 'body', another site can post a flow and sign the"
            " user in to the attacker's account.",
            id="social_endpoints.E010",
        )


def _wrong_djoser_strategy(serializer: type[LoginSerializer]) -> Iterator[CheckMessage]:
    if not issubclass(serializer, DjoserSerializer):
        return
    try:
        get_token_strategy()
    except ImproperlyConfigured:
        yield Error(
            "DJOSER['SOCIAL_AUTH_TOKEN_STRATEGY'] must name a class with the method obtain(user).",
            hint="Correct the dotted path, or set TOKEN_SERIALIZER instead.",
            id="social_endpoints.E011",
        )


CHECKS: dict[Any, tuple[str, ...]] = {check_token_serializer: ()}
