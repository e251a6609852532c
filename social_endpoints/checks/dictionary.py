"""System checks of the dictionary ``SOCIAL_ENDPOINTS`` itself: names, types and values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning

from social_endpoints.conf import NAME, Settings, settings
from social_endpoints.internal.flows.redirect_uris import is_loopback
from social_endpoints.internal.http.throttling import wrong_rates
from social_endpoints.tokens.base import OPTIONAL_FIELDS

_UNIONS = (Union, UnionType)  # Which of them `|` makes depends on what it joins.


def check_dictionary(**kwargs: Any) -> list[CheckMessage]:
    """Find what is no setting of ours, or has a value of the wrong type."""
    dictionary = getattr(django_settings, NAME, {})
    if not isinstance(dictionary, Mapping):
        return [
            Error(
                f"{NAME} is not a dictionary.",
                hint=f'Write {NAME} = {{"ALLOWED_REDIRECT_URIS": [...]}}.',
                id="social_endpoints.E001",
            )
        ]
    hints = get_type_hints(Settings)
    unknown = [_unknown(name, hints) for name in dictionary if name not in hints]
    return unknown + list(_wrong_values(dictionary, hints))


def check_redirect_uris(**kwargs: Any) -> list[CheckMessage]:
    """Find that no login could begin."""
    if settings.ALLOWED_REDIRECT_URIS:
        return []
    return [
        Error(
            f'{NAME}["ALLOWED_REDIRECT_URIS"] is empty, so that no login can begin.',
            hint="List the URLs of your frontend to which providers send the user back.",
            id="social_endpoints.E004",
        )
    ]


def check_deployed_redirect_uris(**kwargs: Any) -> list[CheckMessage]:
    """Find redirect URIs over which a code would travel in the clear."""
    allowed = settings.ALLOWED_REDIRECT_URIS
    uris = allowed if isinstance(allowed, (list, tuple, set, frozenset)) else ()
    return [
        Warning(
            f"The redirect URI {uri!r} is not HTTPS: whoever is on the way reads the code.",
            hint="Use https, or http with the host 127.0.0.1 or [::1] for a native app.",
            id="social_endpoints.W003",
        )
        for uri in uris
        if isinstance(uri, str) and uri.startswith("http://") and not is_loopback(uri)
    ]


def check_throttle_rates(**kwargs: Any) -> list[CheckMessage]:
    """Find rates that nobody could be held to."""
    return [
        Error(
            wrong,
            hint='Write {"anon": "10/min", "user": "1000/day"}: a number, and the period as s,'
            " min, h or day. Leave out what has no limit.",
            id="social_endpoints.E017",
        )
        for wrong in wrong_rates()
    ]


def check_token_fields(**kwargs: Any) -> list[CheckMessage]:
    """Find fields that no token body can have."""
    names = settings.TOKEN_FIELDS
    return [
        Error(
            f"{NAME}['TOKEN_FIELDS'] names {name!r}, which is no field.",
            hint=f"There are: {', '.join(OPTIONAL_FIELDS)}. For more, subclass the serializer.",
            id="social_endpoints.E018",
        )
        for name in (names if isinstance(names, (list, tuple, set, frozenset)) else ())
        if isinstance(name, str) and name not in OPTIONAL_FIELDS
    ]


def check_seconds(**kwargs: Any) -> list[CheckMessage]:
    """Find times for which nothing can be kept, or waited for."""
    times = {"HTTP_POOL_IDLE": settings.HTTP_POOL_IDLE, "LOGIN_TIMEOUT": settings.LOGIN_TIMEOUT}
    return [
        Error(
            f"{NAME}[{name!r}] is {value!r}.",
            hint="It must be a number of seconds. 0 keeps no connection; a login takes some time.",
            id="social_endpoints.E021",
        )
        for name, value in times.items()
        if _is_instance(value, float)
        and not (0 <= value < math.inf and (value or name == "HTTP_POOL_IDLE"))
    ]


def _unknown(name: Any, hints: Mapping[str, Any]) -> CheckMessage:
    nearest = get_close_matches(str(name).upper(), hints, n=1, cutoff=0.5)
    return Error(
        f"{NAME}[{name!r}] is not a setting.",
        hint=f"Did you mean {nearest[0]!r}?" if nearest else f"There are: {', '.join(hints)}.",
        id="social_endpoints.E002",
    )


def _wrong_values(
    dictionary: Mapping[str, Any], hints: Mapping[str, Any]
) -> Iterator[CheckMessage]:
    for name, hint in hints.items():
        if name in dictionary and not _is_instance(dictionary[name], hint):
            yield Error(
                f"{NAME}[{name!r}] has the wrong value.",
                hint=f"It must be {_described(hint)}, and is {dictionary[name]!r}.",
                id="social_endpoints.E003",
            )


def _is_instance(value: Any, hint: Any) -> bool:
    if get_origin(hint) in _UNIONS:
        return any(_is_instance(value, option) for option in get_args(hint))
    if get_origin(hint) is Literal:
        return isinstance(value, str) and value in get_args(hint)
    if get_origin(hint) is Mapping:
        key, item = get_args(hint)
        return isinstance(value, Mapping) and all(
            _is_instance(name, key) and _is_instance(value[name], item) for name in value
        )
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if get_origin(hint) is Sequence:
        is_list = isinstance(value, (list, tuple, set, frozenset))
        return is_list and all(isinstance(item, str) for item in value)
    return isinstance(value, hint)


def _described(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, get_args(hint)))
    if get_origin(hint) in _UNIONS:
        return " or ".join(map(_described, get_args(hint)))
    if get_origin(hint) is Mapping:
        return f"a dictionary with values that are {_described(get_args(hint)[1])}"
    names = {str: "a string", bool: "True or False", float: "a number", type(None): "None"}
    return names.get(hint, "a list of strings")
