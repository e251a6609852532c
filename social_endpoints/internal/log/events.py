r"""The log of the endpoints: one line for each event, with its values as ``key=value``.

The logger is ``social_endpoints``. A value with other characters than visible ASCII, or with a
space, ``"``, ``=`` or ``\``, is a JSON string, so a value cannot add a line or a key.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

logger = logging.getLogger("social_endpoints")

MAX_VALUE = 300
"""Maximum characters of a value."""

_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")

_log_values: ContextVar[dict[str, Any] | None] = ContextVar("social_endpoints_log", default=None)


@contextmanager
def log_values(**values: Any) -> Iterator[None]:
    """Add values to all lines that are logged in the ``with`` block."""
    token = _log_values.set(values)
    try:
        yield
    finally:
        _log_values.reset(token)


def add_log_values(**values: Any) -> None:
    """Add values to the later lines of this request."""
    values_so_far = _log_values.get()
    if values_so_far is not None:
        values_so_far.update(values)


def get_log_values() -> dict[str, Any]:
    """Return the values that are added to each line of this request."""
    return _log_values.get() or {}


def add_default_log_values(**values: Any) -> None:
    """Add values to the later lines of this request, unless they have a value already."""
    values_so_far = get_log_values()
    add_log_values(
        **{name: value for name, value in values.items() if values_so_far.get(name) is None}
    )


def add_provider_time(seconds: float) -> None:
    """Increase ``provider_ms`` by the duration of a request to a provider."""
    add_log_values(provider_ms=get_log_values().get("provider_ms", 0) + round(seconds * 1000))


def log_event(
    event: str, level: int = logging.INFO, *, exc_info: Any = None, **values: Any
) -> None:
    """Log one line. Values that are None are left out.

    A login is stored before it is logged. So an exception of a filter or a handler of the project
    must not change the response, and is written to stderr, as :mod:`logging` does.
    """
    shown = {**get_log_values(), **values}
    shown = {name: value for name, value in shown.items() if value is not None}
    message = " ".join([event, *(f"{name}=%s" for name in shown)])
    try:
        logger.log(level, message, *map(format_value, shown.values()), exc_info=exc_info)
    except Exception:  # noqa: BLE001 - a handler may raise any exception
        if logging.raiseExceptions:
            traceback.print_exc(chain=False)  # Its context may quote a token.


def log_completed(action: str, **values: Any) -> None:
    """Log a completed action, with the duration of its requests to the provider."""
    add_default_log_values(provider_ms=0)
    log_event(f"{action} completed", **values)


def format_value(value: Any) -> str:
    """Return a value as one word, or as a JSON string in one line."""
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    if len(text) > MAX_VALUE:
        text = f"{text[:MAX_VALUE]}..."
    if _PLAIN.fullmatch(text):
        return text
    return json.dumps(text).replace("\x7f", "\\u007f")
