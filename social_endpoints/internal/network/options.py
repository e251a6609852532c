"""The settings of a backend for its requests, and their types.

requests accepts some wrong values: with an empty ``VERIFY_SSL``, it verifies no certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from os import PathLike
from typing import Any

from social_core.backends.base import BaseAuth
from social_core.exceptions import AuthConfigurationError, ErrorStage

_DEFAULT_TIMEOUT = 5.0  # Seconds, as in social-core.


def request_options(
    backend: BaseAuth[Any], timeout: float | None = None, *, stage: ErrorStage = "unknown"
) -> dict[str, Any]:
    """Return the arguments of ``requests.request()`` that are settings of a backend.

    :param timeout: used in place of the settings.
    :raises AuthConfigurationError: a setting has a wrong type.
    """
    values = {name: backend.setting(name) for name in ("REQUESTS_TIMEOUT", "URLOPEN_TIMEOUT")}
    values["PROXIES"] = backend.setting("PROXIES")
    values["VERIFY_SSL"] = backend.setting("VERIFY_SSL", True)
    for name, value in values.items():
        if not _VALIDATORS[name](value):
            raise AuthConfigurationError(backend, parameter=name, stage=stage)
    seconds = timeout if timeout is not None else values["REQUESTS_TIMEOUT"]
    return {
        "timeout": seconds or values["URLOPEN_TIMEOUT"] or _DEFAULT_TIMEOUT,
        "proxies": values["PROXIES"],
        "verify": values["VERIFY_SSL"],
    }


def is_timeout(value: Any) -> bool:
    """Return whether a value is a number of seconds, a pair of them, or None."""
    if value is None:
        return True  # The default.
    # requests accepts a pair for connecting and reading.
    pair = value if isinstance(value, tuple) and len(value) == 2 else (value,)
    return all(map(_is_seconds, pair))


def _is_seconds(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and isfinite(value) and value >= 0


def is_optional_mapping(value: Any) -> bool:
    """Return whether a value is a mapping of texts to texts, or None."""
    return value is None or (
        isinstance(value, Mapping)
        and all(isinstance(each, str) for item in value.items() for each in item)
    )


def is_bool_or_path(value: Any) -> bool:
    """Return whether a value is a boolean, the path of a CA bundle, or None."""
    # An empty string is false: requests would not verify the certificate.
    if isinstance(value, (str, PathLike)):
        return bool(str(value))
    return value is None or isinstance(value, bool)


_VALIDATORS = {
    "REQUESTS_TIMEOUT": is_timeout,
    "URLOPEN_TIMEOUT": is_timeout,
    "PROXIES": is_optional_mapping,
    "VERIFY_SSL": is_bool_or_path,
}
