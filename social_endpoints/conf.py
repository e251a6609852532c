"""The settings of this app, read anew on every access."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

__all__ = ["settings"]

NAME = "SOCIAL_ENDPOINTS"

MAX_SECONDS = 1_000_000
"""Eleven days. A socket cannot wait for more than 24, and who writes more means for ever."""


@dataclass(frozen=True)
class Settings:
    """The names, types and defaults of the dictionary ``SOCIAL_ENDPOINTS``."""

    ALLOWED_REDIRECT_URIS: Sequence[str] | str = ()
    """The redirect URIs a login may begin with, compared as whole strings, or
    the dotted path of a callable ``(uri, *, provider, request) -> bool``."""

    TOKEN_SERIALIZER: str = "social_endpoints.tokens.TokenSerializer"
    """Dotted path of the serializer that a completed login is answered with."""

    TOKEN_FIELDS: Sequence[str] = ()
    """What the body of a completed login says besides: ``"is_new_user"``,
    ``"new_association"``."""

    FLOW_TRANSPORT: Literal["auto", "cookie", "body"] = "auto"
    """How a flow travels: ``"cookie"``, ``"body"`` or ``"auto"`` (both)."""

    PKCE: Literal["auto"] | bool | Mapping[str, Literal["auto"] | bool] = "auto"
    """Whether logins with OAuth 2 use PKCE: ``"auto"`` where the provider is known to
    accept it, ``True`` always, ``False`` never, or a dictionary by provider."""

    NATIVE_PROVIDERS: Sequence[str] = ()
    """The names of the providers whose tokens sign in without a redirect."""

    NATIVE_VERIFIERS: Mapping[str, str] | None = None
    """Dotted paths of subclasses of :class:`social_endpoints.verifiers.TokenVerifier`, by
    provider. They replace the shipped verifiers."""

    STRATEGY: str = "social_endpoints.strategy.Strategy"
    """Dotted path of a subclass of :class:`social_endpoints.strategy.Strategy`."""

    UNIQUE_EMAIL: bool = False
    """Whether no login may create an account with an address that another account has."""

    EMAIL_ASSOCIATION_POLICY: str = "social_endpoints.pipeline.local_email_is_verified"
    """Dotted path of a callable ``(user, *, email, backend, details, response) -> bool`` that
    says whether ``associate_by_verified_email`` may link to an account."""

    THROTTLE_RATES: Mapping[str, str | None] | None = None
    """How often the endpoints may be called, as DRF writes it (``"10/min"``): ``"anon"``
    by an address, ``"user"`` by a user who is logged in. None sets no limit."""

    HTTP_POOL: bool = True
    """Whether the connections to providers are kept open and used again."""

    HTTP_POOL_IDLE: float = 50
    """Seconds after which a connection that is not used is closed."""

    LOGIN_TIMEOUT: float = 30
    """Seconds in which the provider must have answered all that it is asked for one request
    of a client's."""

    JWT_ACCESS_COOKIE: str = "access"
    """Name of the cookie in which ``JWTCookieSerializer`` sends the access token."""

    JWT_REFRESH_COOKIE: str = "refresh"
    """Name of the cookie in which ``JWTCookieSerializer`` sends the refresh token."""

    JWT_COOKIE_PATH: str = "/"
    """Path of both cookies."""

    JWT_COOKIE_DOMAIN: str | None = None
    """Domain of both cookies; None keeps them to the host that set them."""

    JWT_COOKIE_SAMESITE: Literal["Lax", "Strict", "None"] = "Lax"
    """SameSite attribute of both cookies: ``"Lax"``, ``"Strict"`` or ``"None"``."""

    JWT_COOKIE_SECURE: bool | None = None
    """Secure attribute of both cookies; None sets it where the request is HTTPS."""

    # Hidden from the type checker, which would else accept any misspelt name.
    if not TYPE_CHECKING:

        def __getattribute__(self, name: str) -> Any:
            default = object.__getattribute__(self, name)
            if not name.isupper():
                return default
            own = _dictionary(NAME)
            return own[name] if name in own else _from_djoser(name, default)


settings = Settings()
"""The settings of the project. Each attribute is read again on every access."""


def djoser_token_strategy() -> Any:
    """Return the class, or its dotted path, that djoser was told to issue tokens with."""
    return _dictionary("DJOSER").get("SOCIAL_AUTH_TOKEN_STRATEGY")


def _from_djoser(name: str, default: Any) -> Any:
    """Return a setting that is not ours as a project that comes from djoser has it."""
    if name == "ALLOWED_REDIRECT_URIS":
        return _dictionary("DJOSER").get("SOCIAL_AUTH_ALLOWED_REDIRECT_URIS", default)
    if name == "TOKEN_SERIALIZER" and "SOCIAL_AUTH_TOKEN_STRATEGY" in _dictionary("DJOSER"):
        return "social_endpoints.tokens.DjoserSerializer"
    return default


def _dictionary(name: str) -> Mapping[str, Any]:
    value = getattr(django_settings, name, None)
    # A check reports what is no dictionary; here it must not hide the other findings.
    return value if isinstance(value, Mapping) else {}


def get_names(name: str) -> Collection[str]:
    """Return what one of our settings lists.

    :raises ImproperlyConfigured: it is no list.
    """
    value = getattr(settings, name)
    # In a string, each part of its text would be listed.
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise ImproperlyConfigured(f"{NAME}[{name!r}] must be a list of names.")
    return value


def get_seconds(name: str) -> float:
    """Return what one of our settings gives as a time, which is at most ``MAX_SECONDS``.

    :raises ImproperlyConfigured: it is no number of seconds, 0 or more.
    """
    value = getattr(settings, name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value < math.inf:
        raise ImproperlyConfigured(f"{NAME}[{name!r}] must be a number of seconds.")
    return float(min(value, MAX_SECONDS))


def import_setting(name: str, base: type | None = None) -> Any:
    """Return what one of our settings names by its dotted path.

    :param base: the class that it must be a subclass of; else it must be callable.
    :raises ImproperlyConfigured: it cannot be imported, or is something else.
    """
    setting = f"{NAME}[{name!r}]"
    value = import_path(getattr(settings, name), setting)
    if base is not None and not (isinstance(value, type) and issubclass(value, base)):
        raise ImproperlyConfigured(f"{setting} must name a subclass of {base.__name__}.")
    if not callable(value):
        raise ImproperlyConfigured(f"{setting} must name a callable.")
    return value


def import_path(path: Any, setting: str) -> Any:
    """Return what a dotted path names.

    :param setting: where the path stands, for the message.
    :raises ImproperlyConfigured: it cannot be imported.
    """
    try:
        return import_string(path)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"{setting}: {path!r} cannot be imported: {error}") from error
