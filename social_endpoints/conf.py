"""The settings of this package: the dictionary ``SOCIAL_ENDPOINTS``, read on every access."""

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
"""Upper limit of a time setting, about eleven days. Some projects set a huge number to have no
limit, but a socket accepts a timeout of at most 24 days."""


@dataclass(frozen=True)
class Settings:
    """The names, types and defaults of the entries of ``SOCIAL_ENDPOINTS``."""

    ALLOWED_REDIRECT_URIS: Sequence[str] | str = ()
    """The redirect URIs that a login can begin with, compared as whole strings. Alternatively,
    the dotted path of a callable ``(uri, *, provider, request) -> bool``."""

    ALLOWED_LOGOUT_REDIRECT_URIS: Sequence[str] | str = ()
    """The URIs to which a provider may send the browser after it has signed the user out. They are
    compared like ``ALLOWED_REDIRECT_URIS``, or by a callable with the same arguments."""

    TOKEN_SERIALIZER: str = "social_endpoints.tokens.TokenSerializer"
    """Dotted path of the token serializer, which builds the response of a completed login."""

    TOKEN_FIELDS: Sequence[str] = ()
    """Fields to add to the response of a completed login: ``"is_new_user"``,
    ``"new_association"``, ``"profile"``."""

    USER_SERIALIZER: str = "social_endpoints.users.UserSerializer"
    """Dotted path of the serializer of a user, for ``GET me/`` and for the field ``"profile"``."""

    FLOW_TRANSPORT: Literal["auto", "cookie", "body"] = "auto"
    """How a flow travels: ``"cookie"``, ``"body"``, or ``"auto"`` for both. If the token serializer
    sets cookies, ``"auto"`` means ``"cookie"``."""

    PKCE: Literal["auto"] | bool | Mapping[str, Literal["auto"] | bool] = "auto"
    """Whether OAuth 2.0 logins use PKCE: ``True``, ``False``, or ``"auto"`` to use it with
    providers that are known to support it. A dictionary sets this for each provider."""

    NATIVE_PROVIDERS: Sequence[str] = ()
    """The providers that accept native sign-in."""

    BACKCHANNEL_LOGOUT_PROVIDERS: Sequence[str] = ()
    """The providers whose back-channel logout ends the logins of a user."""

    NATIVE_VERIFIERS: Mapping[str, str] | None = None
    """Dotted paths of subclasses of :class:`social_endpoints.verifiers.TokenVerifier`, by
    provider. They replace the shipped verifiers."""

    CONNECT_SCOPES: Mapping[str, Sequence[str]] | None = None
    """The scopes, by provider, that a connect may ask for in addition to those of a login."""

    REAUTHENTICATION: str | None = None
    """Dotted path of a callable ``(request) -> bool``. It decides whether the user has signed in
    recently enough to connect or disconnect an identity. None requires no recent login."""

    STRATEGY: str = "social_endpoints.strategy.Strategy"
    """Dotted path of a subclass of :class:`social_endpoints.strategy.Strategy`."""

    UNIQUE_EMAIL: bool = False
    """Whether to refuse new accounts whose e-mail address belongs to another account."""

    EMAIL_ASSOCIATION_POLICY: str = "social_endpoints.pipeline.local_email_is_verified"
    """Dotted path of a callable ``(user, *, email, backend, details, response) -> bool``. It
    decides whether ``associate_by_verified_email`` may connect an identity to the user."""

    THROTTLE_RATES: Mapping[str, str | None] | None = None
    """Limits for requests to all endpoints together, in DRF's format (``"10/min"``): ``"anon"``
    for each client address, ``"user"`` for each signed-in user. Without a rate, requests are
    not limited."""

    ENCRYPT_PROVIDER_TOKENS: bool = False
    """Whether to encrypt the provider's tokens in the database, under keys derived from
    ``SECRET_KEY``."""

    HTTP_POOL: bool = True
    """Whether to reuse connections to providers."""

    HTTP_POOL_IDLE: float = 50
    """Seconds after which an idle connection is not reused."""

    LOGIN_TIMEOUT: float = 30
    """Time budget, in seconds, for all provider requests made during one client request."""

    PROVIDER_TIMEOUTS: int | None = 3
    """Number of time-outs in a row after which a provider is not asked for a while. With None, it
    is always asked."""

    PROVIDER_PAUSE: float = 30
    """Seconds after which one login asks such a provider again."""

    PROVIDER_CONCURRENCY: int | None = None
    """Maximum number of requests of one process that wait for the same provider at a time. With
    None, the number is not limited."""

    RELEASE_DATABASE_CONNECTIONS: Literal["auto"] | bool = "auto"
    """Whether a request releases its database connections while a provider is asked: ``"auto"`` for
    those of Django's connection pool, ``True`` for all."""

    JWT_ACCESS_COOKIE: str = "access_token"
    """Name of the cookie in which ``JWTCookieSerializer`` sends the access token. Django's error
    reports hide the values of cookies with ``token`` or ``auth`` in their name."""

    JWT_REFRESH_COOKIE: str = "refresh_token"
    """Name of the cookie in which ``JWTCookieSerializer`` sends the refresh token."""

    JWT_COOKIE_PATH: str = "/"
    """Path of both cookies."""

    JWT_COOKIE_DOMAIN: str | None = None
    """Domain of both cookies. With None, browsers return them only to the host that set them."""

    JWT_COOKIE_SAMESITE: Literal["Lax", "Strict", "None"] = "Lax"
    """SameSite attribute of both cookies: ``"Lax"``, ``"Strict"`` or ``"None"``."""

    JWT_COOKIE_SECURE: bool | None = None
    """Secure attribute of both cookies. With None, it is set if the request is HTTPS."""

    FAKE_PROVIDERS: Mapping[str, str] | None = None
    """Addresses of fake providers, by the names of the providers that they stand in for. Only for
    development and tests: ``DEBUG`` must be on."""

    # Hidden from type checkers, which would otherwise accept any attribute name.
    if not TYPE_CHECKING:

        def __getattribute__(self, name: str) -> Any:
            default = object.__getattribute__(self, name)
            if not name.isupper():
                return default
            entries = get_dictionary(NAME)
            return entries[name] if name in entries else _get_djoser_setting(name, default)


settings = Settings()
"""The settings of the project. Each attribute is read again on every access.

:meta hide-value:
"""


def _get_djoser_setting(name: str, default: Any) -> Any:
    """Return the value of djoser's setting with the same purpose, or the default."""
    djoser = get_dictionary("DJOSER")
    if name == "ALLOWED_REDIRECT_URIS":
        return djoser.get("SOCIAL_AUTH_ALLOWED_REDIRECT_URIS", default)
    if name == "TOKEN_SERIALIZER" and "SOCIAL_AUTH_TOKEN_STRATEGY" in djoser:
        return "social_endpoints.tokens.DjoserSerializer"
    return default


def get_dictionary(name: str) -> Mapping[str, Any]:
    """Return a dictionary in the project's settings, or an empty one if it has another type."""
    value = getattr(django_settings, name, None)
    return value if isinstance(value, Mapping) else {}


def get_names(name: str) -> Collection[str]:
    """Return the value of one of our settings that is a list of names.

    :raises ImproperlyConfigured: it is not a list.
    """
    value = getattr(settings, name)
    # A string is refused, because `in` would find substrings of it.
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise ImproperlyConfigured(f"{NAME}[{name!r}] must be a list of names.")
    return value


def get_seconds(name: str) -> float:
    """Return the value of one of our settings that is a time, at most ``MAX_SECONDS``.

    :raises ImproperlyConfigured: it is not a number of at least 0.
    """
    value = getattr(settings, name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value < math.inf:
        raise ImproperlyConfigured(f"{NAME}[{name!r}] must be a number of seconds.")
    return float(min(value, MAX_SECONDS))


def get_limit(name: str) -> int | None:
    """Return the value of one of our settings that is a number of at least 1, or None.

    :raises ImproperlyConfigured: it has another value.
    """
    value = getattr(settings, name)
    if value is not None and (not isinstance(value, int) or value < 1 or value is True):
        raise ImproperlyConfigured(f"{NAME}[{name!r}] must be a whole number above 0, or None.")
    return value


def import_setting(name: str, base: type | None = None) -> Any:
    """Import the object that one of our settings names by its dotted path.

    :param base: the required base class. Without it, any callable is accepted.
    :raises ImproperlyConfigured: the object cannot be imported or is not accepted.
    """
    setting = f"{NAME}[{name!r}]"
    value = import_path(getattr(settings, name), setting)
    if base is not None and not (isinstance(value, type) and issubclass(value, base)):
        raise ImproperlyConfigured(f"{setting} must name a subclass of {base.__name__}.")
    if not callable(value):
        raise ImproperlyConfigured(f"{setting} must name a callable.")
    return value


def import_path(path: Any, setting: str) -> Any:
    """Import the object at a dotted path.

    :param setting: the setting that contains the path, for the error message.
    :raises ImproperlyConfigured: it cannot be imported.
    """
    try:
        return import_string(path)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ImproperlyConfigured(f"{setting}: cannot import {path!r}: {reason}") from error
