"""System checks of the classes that the settings name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from social_endpoints.conf import NAME, import_setting, settings
from social_endpoints.strategy import Strategy
from social_endpoints.tokens import MissingExtra
from social_endpoints.tokens.base import LoginSerializer
from social_endpoints.tokens.djoser import DjoserSerializer, token_strategy


def check_classes(**kwargs: Any) -> list[CheckMessage]:
    """Find dotted paths that cannot be imported, or that name the wrong thing."""
    messages = [
        *_problems("TOKEN_SERIALIZER", LoginSerializer),
        *_problems("STRATEGY", Strategy),
        *_problems("EMAIL_ASSOCIATION_POLICY"),
    ]
    if isinstance(settings.ALLOWED_REDIRECT_URIS, str):
        messages += _problems("ALLOWED_REDIRECT_URIS")
    return messages


def check_token_serializer(**kwargs: Any) -> list[CheckMessage]:
    """Find what the chosen token serializer needs and the project does not have."""
    serializer = _token_serializer()
    if serializer is None:
        return []
    return [
        *_missing_apps(serializer),
        *_missing_middleware(serializer),
        *_wrong_transport(serializer),
        *_djoser(serializer),
    ]


def check_deployed_cookies(**kwargs: Any) -> list[CheckMessage]:
    """Find that a token's cookie could travel in the clear."""
    bases = getattr(_token_serializer(), "__mro__", ())
    if "JWTCookieSerializer" not in {base.__name__ for base in bases} or settings.JWT_COOKIE_SECURE:
        return []
    return [
        Warning(
            f'{NAME}["JWT_COOKIE_SECURE"] is not True: the tokens may travel in the clear.',
            hint="Set it to True in production.",
            id="social_endpoints.W004",
        )
    ]


def _token_serializer() -> type[LoginSerializer] | None:
    try:
        serializer: type[LoginSerializer] = import_setting("TOKEN_SERIALIZER", LoginSerializer)
    except ImproperlyConfigured:
        return None  # Reported by check_classes().
    return serializer


def _problems(name: str, base: type | None = None) -> Iterator[CheckMessage]:
    path = getattr(settings, name)
    try:
        named = import_string(path)
    except MissingExtra as error:
        yield Error(
            f"{NAME}[{name!r}]: a package is missing.",
            hint=f"{error}.",
            id="social_endpoints.E007",
        )
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        yield Error(
            f"{NAME}[{name!r}]: {path!r} cannot be imported.",
            hint=f"Give {_wanted(name)}. Python says: {error}",
            id="social_endpoints.E005",
        )
    else:
        if not (callable(named) if base is None else _is_subclass(named, base)):
            wanted = f"a subclass of {base.__module__}.{base.__name__}" if base else "a callable"
            yield Error(
                f"{NAME}[{name!r}]: {path!r} is not {wanted}.",
                hint=f"Name {wanted}.",
                id="social_endpoints.E006",
            )


def _wanted(name: str) -> str:
    path = "the dotted path of a module and a name in it"
    return f"a list of URIs, or {path}" if name == "ALLOWED_REDIRECT_URIS" else path


def _is_subclass(value: Any, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base)


def _missing_apps(serializer: type[LoginSerializer]) -> Iterator[CheckMessage]:
    for app in serializer.required_apps:
        if not apps.is_installed(app):
            yield Error(
                f"{serializer.__name__} needs the app {app!r}.",
                hint=f"Add {app!r} to INSTALLED_APPS, and run migrate.",
                id="social_endpoints.E008",
            )


def _missing_middleware(serializer: type[LoginSerializer]) -> Iterator[CheckMessage]:
    if not serializer.required_middleware:
        return
    installed = list(_importable(django_settings.MIDDLEWARE))
    for middleware in serializer.required_middleware:
        wanted = import_string(middleware)
        if not any(_is_subclass(each, wanted) for each in installed):
            yield Error(
                f"{serializer.__name__} needs the middleware {middleware!r}.",
                hint=f"Add {middleware!r} to MIDDLEWARE.",
                id="social_endpoints.E009",
            )


def _importable(paths: Iterable[str]) -> Iterator[Any]:
    for path in paths:
        with suppress(ImportError):  # Django reports it when it starts to serve.
            yield import_string(path)


def _wrong_transport(serializer: type[LoginSerializer]) -> Iterator[CheckMessage]:
    if serializer.sets_cookies and settings.FLOW_TRANSPORT == "body":
        yield Error(
            f'FLOW_TRANSPORT is "body", and {serializer.__name__} logs the browser in by a cookie.',
            hint='Use "auto" or "cookie": a flow that another site can post would log a user'
            " in as the attacker.",
            id="social_endpoints.E010",
        )


def _djoser(serializer: type[LoginSerializer]) -> Iterator[CheckMessage]:
    if not issubclass(serializer, DjoserSerializer):
        return
    try:
        token_strategy()
    except ImproperlyConfigured:
        yield Error(
            'DJOSER["SOCIAL_AUTH_TOKEN_STRATEGY"] is no class with obtain(user).',
            hint="Name a class that can be imported, or set TOKEN_SERIALIZER instead.",
            id="social_endpoints.E011",
        )
