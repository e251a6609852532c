"""System checks of the dictionary ``SOCIAL_ENDPOINTS``: names, types and values.

In all modules of checks, ``CHECKS`` maps each check to its tags; ``apps`` registers them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from http.cookies import CookieError, SimpleCookie
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string
from rest_framework.serializers import BaseSerializer

from social_endpoints.conf import NAME, Settings, get_dictionary, settings
from social_endpoints.internal.http.throttling import find_invalid_rates
from social_endpoints.strategy import Strategy
from social_endpoints.tokens import MissingExtra
from social_endpoints.tokens.base import OPTIONAL_FIELDS, LoginSerializer

REDIRECT_URI_SETTINGS = ("ALLOWED_REDIRECT_URIS", "ALLOWED_LOGOUT_REDIRECT_URIS")

COLLECTIONS = (list, tuple, set, frozenset)  # types of a list of names


def did_you_mean(name: object, choices: Collection[str]) -> str:
    """Return a hint with the choice most similar to a name, or with all choices."""
    originals = {choice.lower(): choice for choice in choices}
    similar = get_close_matches(str(name).lower(), originals, n=1, cutoff=0.5)
    if similar:
        return f"Did you mean {originals[similar[0]]!r}?"
    return f"Available names: {', '.join(choices)}."


def is_subclass(value: Any, base: type) -> bool:
    """Return whether a value is a class and derives from ``base``."""
    return isinstance(value, type) and issubclass(value, base)


def name_of_setting(name: str) -> str:
    """Return the full name of a setting, in djoser's dictionary if it is only set there."""
    djoser = f"SOCIAL_AUTH_{name}"
    if name not in get_dictionary(NAME) and djoser in get_dictionary("DJOSER"):
        return f"DJOSER[{djoser!r}]"
    return f"{NAME}[{name!r}]"


def check_dictionary(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a wrong type of the dictionary, unknown names and values of a wrong type."""
    dictionary = getattr(django_settings, NAME, {})
    annotations = get_type_hints(Settings)
    if not isinstance(dictionary, Mapping):
        hint = f'Write {NAME} = {{"ALLOWED_REDIRECT_URIS": [...]}}.'
        yield Error(f"{NAME} must be a dictionary.", hint=hint, id="social_endpoints.E001")
        return
    for name in dictionary:
        if name not in annotations:
            message, hint = f"{NAME}[{name!r}] is not a setting.", did_you_mean(name, annotations)
            yield Error(message, hint=hint, id="social_endpoints.E002")
    for name, annotation in annotations.items():
        value = getattr(settings, name)
        if not _has_type(value, annotation):
            yield Error(
                f"{name_of_setting(name)} has a value of the wrong type.",
                hint=f"Expected {_describe(annotation)}, got {value!r}.",
                id="social_endpoints.E003",
            )


def check_dotted_paths(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report dotted paths that cannot be imported or that name an unsuitable object."""
    yield from _check_path("TOKEN_SERIALIZER", LoginSerializer)
    yield from _check_path("USER_SERIALIZER", BaseSerializer)
    yield from _check_path("STRATEGY", Strategy)
    yield from _check_path("EMAIL_ASSOCIATION_POLICY")
    if settings.REAUTHENTICATION is not None:
        yield from _check_path("REAUTHENTICATION")
    for name in REDIRECT_URI_SETTINGS:
        if isinstance(getattr(settings, name), str):
            yield from _check_path(name)


def _check_path(name: str, base: type | None = None) -> Iterator[CheckMessage]:
    path, setting = getattr(settings, name), name_of_setting(name)
    try:
        value = import_string(path)
    except MissingExtra as error:
        message = f"{setting} needs a package that is not installed."
        yield Error(message, hint=f"{error}.", id="social_endpoints.E007")
    except Exception as error:  # noqa: BLE001 - a module of the project may raise any exception
        uris = "a list of URIs, or " if name in REDIRECT_URI_SETTINGS else ""
        yield Error(
            f"{setting}: cannot import {path!r}.",
            hint=f"Set it to {uris}a dotted path such as 'module.name'. Python reports:"
            f" {type(error).__name__}: {error}",
            id="social_endpoints.E005",
        )
    else:
        if not (is_subclass(value, base) if base else callable(value)):
            expected = f"a subclass of {base.__module__}.{base.__name__}" if base else "a callable"
            yield Error(
                f"{setting}: {path!r} is not {expected}.",
                hint=f"Set it to the dotted path of {expected}.",
                id="social_endpoints.E006",
            )


def check_throttle_rates(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report unknown names and invalid rates in ``THROTTLE_RATES``."""
    for problem in find_invalid_rates():
        yield Error(
            problem,
            hint='Write {"anon": "10/min", "user": "1000/day"}. The period is s, min, h or day.'
            " Leave out a name to set no limit.",
            id="social_endpoints.E017",
        )


def check_token_fields(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report unknown names in ``TOKEN_FIELDS``."""
    names = settings.TOKEN_FIELDS
    for name in names if isinstance(names, COLLECTIONS) else ():
        if isinstance(name, str) and name not in OPTIONAL_FIELDS:
            yield Error(
                f"{NAME}['TOKEN_FIELDS'] contains {name!r}, which is not an optional field.",
                hint=f"Choose from {', '.join(OPTIONAL_FIELDS)}, or subclass the serializer.",
                id="social_endpoints.E018",
            )


def check_durations(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report durations that are negative or infinite, and a time limit of zero."""
    for name in ("HTTP_POOL_IDLE", "LOGIN_TIMEOUT", "PROVIDER_PAUSE"):
        value = getattr(settings, name)
        if not _has_type(value, float):
            continue  # check_dictionary() reports it.
        if not 0 <= value < math.inf or (name != "HTTP_POOL_IDLE" and not value):
            yield Error(
                f"{NAME}[{name!r}] must not be {value!r}.",
                hint="Write a number of seconds. Only HTTP_POOL_IDLE may be 0.",
                id="social_endpoints.E021",
            )


def check_provider_limits(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report limits with which no request to a provider would be sent."""
    for name in ("PROVIDER_TIMEOUTS", "PROVIDER_CONCURRENCY"):
        value = getattr(settings, name)
        if _has_type(value, int) and value < 1:
            yield Error(
                f"{NAME}[{name!r}] must not be {value!r}.",
                hint="Write a whole number above 0, or None for no limit.",
                id="social_endpoints.E028",
            )


def check_token_cookies(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report attributes of the token cookies that Django or browsers refuse (RFC 6265, 5.2)."""
    access, refresh = settings.JWT_ACCESS_COOKIE, settings.JWT_REFRESH_COOKIE
    path, domain = settings.JWT_COOKIE_PATH, settings.JWT_COOKIE_DOMAIN
    valid = {
        "JWT_ACCESS_COOKIE": _is_cookie_name(access),
        "JWT_REFRESH_COOKIE": _is_cookie_name(refresh) and refresh != access,
        "JWT_COOKIE_PATH": re.fullmatch(r"/[^;\s]*", str(path)),
        "JWT_COOKIE_DOMAIN": re.fullmatch(r"(\.?[\w-]+(\.[\w-]+)*)?", str(domain), re.ASCII),
    }
    for name, is_valid in valid.items():
        value = getattr(settings, name)
        if isinstance(value, str) and not is_valid:
            yield Error(
                f"{NAME}[{name!r}] must not be {value!r}.",
                hint="Write two different names of letters, digits, '_' and '-', a path that"
                " begins with '/', and a domain without a scheme or a port, or None.",
                id="social_endpoints.E035",
            )


def _is_cookie_name(name: Any) -> bool:
    try:
        SimpleCookie()[str(name)] = ""
    except CookieError:
        return False
    return True


def _has_type(value: Any, annotation: Any) -> bool:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return any(_has_type(value, option) for option in arguments)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin is Mapping:
        name_type, value_type = arguments
        return isinstance(value, Mapping) and all(
            _has_type(name, name_type) and _has_type(value[name], value_type) for name in value
        )
    if origin is Sequence:
        return isinstance(value, COLLECTIONS) and all(isinstance(item, str) for item in value)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if annotation is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, annotation)


def _describe(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(map(repr, arguments))
    if origin in (Union, UnionType):
        return " or ".join(map(_describe, arguments))
    if origin is Mapping:
        return f"a dictionary with values that are {_describe(arguments[1])}"
    names = {str: "a string", bool: "True or False", int: "a whole number", float: "a number"}
    names[type(None)] = "None"
    return names.get(annotation, "a list of strings")


CHECKS: dict[Any, tuple[str, ...]] = {
    check_dictionary: (),
    check_dotted_paths: (),
    check_throttle_rates: (),
    check_token_fields: (),
    check_durations: (),
    check_provider_limits: (),
    check_token_cookies: (),
}
