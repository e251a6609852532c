"""System checks of the token serializer: its requirements, and authentication with its token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from rest_framework.settings import api_settings

from social_endpoints.checks.settings import is_subclass
from social_endpoints.conf import NAME, Settings, get_dictionary, import_setting, settings
from social_endpoints.tokens.base import SHIPPED, LoginSerializer, loaded_classes
from social_endpoints.tokens.djoser import DjoserSerializer, get_token_strategy

SHIPPED_AUTHENTICATION = (
    "rest_framework.authentication.BasicAuthentication",
    "rest_framework.authentication.RemoteUserAuthentication",
    *SHIPPED,
)
"""Authentication classes whose accepted tokens are known."""


def check_token_serializer(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report missing requirements of the configured token serializer."""
    serializer = configured_serializer()
    if serializer is not None:
        yield from _missing_apps(serializer)
        yield from _missing_middleware(serializer)
        yield from _unsafe_transport(serializer)
        yield from _undeclared_cookies(serializer)
        yield from _wrong_djoser_strategy(serializer)


def configured_serializer() -> type[LoginSerializer] | None:
    """Return the token serializer, or None if check_dotted_paths() reports the setting."""
    try:
        serializer: type[LoginSerializer] = import_setting("TOKEN_SERIALIZER", LoginSerializer)
    except ImproperlyConfigured:
        return None
    return serializer


def drf_setting(name: str) -> Any:
    """Return a setting of DRF, or None if DRF raises an exception for its value."""
    with suppress(Exception):
        return getattr(api_settings, name)
    return None


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
    paths: Any = django_settings.MIDDLEWARE
    for path in paths if isinstance(paths, (list, tuple)) else ():
        with suppress(Exception):  # Django reports it when it loads the middleware.
            yield import_string(path)


def _unsafe_transport(serializer: type[LoginSerializer]) -> Iterator[CheckMessage]:
    if serializer.sets_cookies and settings.FLOW_TRANSPORT == "body":
        yield Error(
            f"FLOW_TRANSPORT must not be 'body', because {serializer.__name__} sets a cookie.",
            hint="Use 'auto' or 'cookie'. With 'body', another site can post a flow and sign the"
            " user in to the attacker's account.",
            id="social_endpoints.E010",
        )


def _undeclared_cookies(serializer: type[LoginSerializer]) -> Iterator[CheckMessage]:
    overrides = serializer.set_cookies is not LoginSerializer.set_cookies
    if overrides and not serializer.sets_cookies:
        yield Warning(
            f"{serializer.__name__} overrides set_cookies(), but sets_cookies is False. If it"
            " sets a cookie, native sign-in and logins with a flow in the body fail with a 500.",
            hint="Set sets_cookies = True. If the method only deletes cookies, add this id to"
            " SILENCED_SYSTEM_CHECKS.",
            id="social_endpoints.W030",
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


def check_authentication(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report that the project's default authentication classes do not accept the token."""
    serializer = configured_serializer()
    accepted = tuple(_import_classes(serializer.authentication_classes)) if serializer else ()
    configured = drf_setting("DEFAULT_AUTHENTICATION_CLASSES")
    if not serializer or not accepted or not isinstance(configured, (list, tuple)):
        return  # The project's serializer declares no authentication classes.
    if not any(_may_accept(each, accepted) for each in configured):
        path = serializer.authentication_classes[0]
        yield Warning(
            f"The token of {serializer.__name__} does not authenticate requests: no class in"
            " DEFAULT_AUTHENTICATION_CLASSES accepts it.",
            hint=f"Add {path!r} to REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES']. If all of your"
            " views set their own classes, add this id to SILENCED_SYSTEM_CHECKS.",
            id="social_endpoints.W014",
        )


def _may_accept(authentication: Any, accepted: tuple[type, ...]) -> bool:
    """Return whether an authentication class may accept the token.

    What a class of the project accepts is unknown, unless it derives from a shipped class.
    """
    shipped = (*loaded_classes(SHIPPED_AUTHENTICATION), *accepted)
    bases = getattr(authentication, "__mro__", ())
    base = next((each for each in bases if each in shipped), None)
    if base is None or base in accepted:
        return True
    # A subclass of JWTAuthentication may read a cookie, as JWTCookieAuthentication does.
    return authentication is not base and any(issubclass(each, base) for each in accepted)


def _import_classes(paths: Iterable[str]) -> Iterator[Any]:
    for path in paths:
        # Without its app in INSTALLED_APPS, the model of knox raises a RuntimeError.
        with suppress(Exception):
            yield import_string(path)


def check_djoser_default(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report that logins return another token than djoser's default strategy returned."""
    djoser = get_dictionary("DJOSER")
    is_chosen = "SOCIAL_AUTH_TOKEN_STRATEGY" in djoser or "TOKEN_SERIALIZER" in get_dictionary(NAME)
    if not is_chosen and (_uses_djoser_social(djoser) or _uses_djoser_with_jwt(djoser)):
        yield Warning(
            'Logins return {"token": …}. djoser\'s default strategy returned the JWTs'
            ' {"access": …, "refresh": …}.',
            hint=f"Set {NAME}['TOKEN_SERIALIZER'] to 'social_endpoints.tokens.JWTSerializer' for"
            f" the JWTs, or to {Settings.TOKEN_SERIALIZER!r} if your frontend expects the token.",
            id="social_endpoints.W015",
        )


def _uses_djoser_social(djoser: Mapping[str, Any]) -> bool:
    return any(str(name).startswith("SOCIAL_AUTH_") for name in djoser)


def _uses_djoser_with_jwt(djoser: Mapping[str, Any]) -> bool:
    """Return whether the project uses djoser with JWTs, or without DRF's token."""
    if not djoser and not apps.is_installed("djoser"):
        return False
    configured = drf_setting("DEFAULT_AUTHENTICATION_CLASSES")
    classes = configured if isinstance(configured, (list, tuple)) else ()
    tokens = tuple(loaded_classes(["rest_framework.authentication.TokenAuthentication"]))
    jwt = tuple(loaded_classes(["rest_framework_simplejwt.authentication.JWTAuthentication"]))
    has_jwt, has_token = (
        any(isinstance(each, type) and issubclass(each, bases) for each in classes)
        for bases in (jwt, tokens)
    )
    return has_jwt or not has_token


CHECKS: dict[Any, tuple[str, ...]] = {
    check_token_serializer: (),
    check_authentication: (),
    check_djoser_default: (),
}
