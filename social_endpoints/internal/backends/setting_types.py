"""Type checks for provider settings whose wrong values would fail late or silently."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

from django.conf import settings
from social_core.backends.base import BaseAuth
from social_core.backends.oauth import OAuthAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthConfigurationError, ErrorStage
from social_core.utils import setting_name

from social_endpoints.internal.network.options import (
    is_bool_or_path,
    is_optional_mapping,
    is_timeout,
    request_options,
)

_UNSET = object()


def wrong_settings(backend: BaseAuth[Any]) -> dict[str, str]:
    """Return the expected type of each setting of a provider whose value has another type.

    The keys are full names, such as ``SOCIAL_AUTH_GITHUB_PROXIES`` or ``SOCIAL_AUTH_PROXIES``.
    """
    return {
        full_name(backend, name): expected
        for name, (is_valid, expected) in _TYPES.items()
        if isinstance(backend, _SETTING_READERS.get(name, BaseAuth))
        if (value := backend.setting(name, _UNSET)) is not _UNSET and not is_valid(value)
    }


def require_valid_settings(backend: BaseAuth[Any], stage: ErrorStage) -> None:
    """Refuse settings of wrong types, before social-core or requests fails on them.

    :raises AuthConfigurationError: a setting has a wrong type.
    """
    request_options(backend, stage=stage)
    wrong = _first_wrong_setting(backend)
    if wrong is not None:
        raise AuthConfigurationError(backend, parameter=wrong, stage=stage)


@contextmanager
def report_wrong_settings(backend: BaseAuth[Any], stage: ErrorStage) -> Iterator[None]:
    """Replace an exception if the backend has a setting of a wrong type, which may be its cause.

    A completion does not check the settings in advance as a begin does: reading them takes a few
    percent of its time.

    :raises AuthConfigurationError: a setting has a wrong type.
    """
    try:
        yield
    except Exception as error:
        wrong = _first_wrong_setting(backend)
        if wrong is None:
            raise
        raise AuthConfigurationError(backend, parameter=wrong, stage=stage) from error


def _first_wrong_setting(backend: BaseAuth[Any]) -> str | None:
    # request_options() accepts a CA bundle that does not exist (yet).
    names = (name for name in wrong_settings(backend) if not name.endswith("VERIFY_SSL"))
    return next(names, None)


def full_name(backend: BaseAuth[Any], name: str) -> str:
    """Return the name under which the project has set a setting, or would set it."""
    names = setting_name(backend.name, name), setting_name(name), name
    return next((each for each in names if hasattr(settings, each)), names[0])


def _is_lifetime(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_bool_or_bundle(value: Any) -> bool:
    is_path = isinstance(value, (str, PathLike))
    return is_bool_or_path(value) and (not is_path or Path(value).exists())


def _is_endpoint(value: Any) -> bool:
    if not value:
        return True  # A missing endpoint is reported elsewhere, if it is required.
    is_url = isinstance(value, str) and value.startswith(("https://", "http://"))
    return is_url and not value.rstrip("/").endswith("/.well-known/openid-configuration")


def _is_collection_of_strings(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)


def _is_algorithms(value: Any) -> bool:
    return bool(value) and _is_collection_of_strings(value)


def _is_list_of_strings(value: Any) -> bool:
    return isinstance(value, list) and _is_collection_of_strings(value)


def _is_optional_number(value: Any) -> bool:
    return value is None or isinstance(value, (int, float))


def _is_optional_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_optional_collection(value: Any) -> bool:
    return not value or isinstance(value, Iterable)  # social-core accepts a string.


_TYPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "REQUESTS_TIMEOUT": (is_timeout, "a number of seconds"),
    "URLOPEN_TIMEOUT": (is_timeout, "a number of seconds"),
    "STATE_LIFETIME": (_is_lifetime, "a positive whole number of seconds"),
    "PROXIES": (is_optional_mapping, 'a dictionary such as {"https": "http://proxy:3128"}'),
    "VERIFY_SSL": (_is_bool_or_bundle, "True, False, or the path of an existing CA bundle"),
    "SCOPE": (_is_list_of_strings, "a list of strings; social-core appends a list to it"),
    "OIDC_ENDPOINT": (_is_endpoint, "a URL without /.well-known/openid-configuration"),
    "JWT_ALGORITHMS": (_is_algorithms, "a list of algorithms, such as RS256"),
    "JWT_LEEWAY": (_is_optional_number, "a number of seconds"),
    "MAX_AGE": (_is_optional_number, "a number of seconds"),
    "PROMPT": (_is_optional_text, "a string"),
    "PIPELINE": (_is_optional_collection, "a list of dotted paths"),
    "EXTRA_DATA": (_is_optional_collection, "a list of names"),
    "FIELDS_STORED_IN_SESSION": (_is_optional_collection, "a list of names"),
    "USER_FIELDS": (_is_optional_collection, "a list of names"),
    "PROTECTED_USER_FIELDS": (_is_optional_collection, "a list of names"),
    "IMMUTABLE_USER_FIELDS": (_is_optional_collection, "a list of names"),
    "WHITELISTED_DOMAINS": (_is_optional_collection, "a list of domains"),
    "WHITELISTED_EMAILS": (_is_optional_collection, "a list of addresses"),
    "USER_FIELD_MAPPING": (is_optional_mapping, "a dictionary"),
    "AUTH_EXTRA_ARGUMENTS": (lambda value: isinstance(value, dict), "a dictionary"),
}

_SETTING_READERS: dict[str, type[Any]] = {
    "SCOPE": OAuthAuth,
    "JWT_LEEWAY": OpenIdConnectAuth,
    "MAX_AGE": OpenIdConnectAuth,
    "PROMPT": OpenIdConnectAuth,
}
"""The only backends that read a setting. Other packages may use the same name."""
