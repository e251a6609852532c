"""Remove the secrets of a login from the exceptions that are logged and reported."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any
from urllib.parse import quote, quote_plus

from django.conf import settings

from social_endpoints.internal.errors.failures import MAX_CAUSES, causes

HIDDEN = "[hidden]"

_MAX_VALUES = 1_000
_MIN_LENGTH = 4
_MIN_LENGTH_INSIDE_A_WORD = 8  # A shorter value is only replaced as a whole word.

_SECRET_NAME = re.compile(
    "token|secret|code|verifier|nonce|state|assertion|jwt|passw|signature|ticket|session|api_?key"
    "|^access$|^refresh$",  # The names of Simple JWT.
    re.IGNORECASE,
)

# An encrypted token of a provider, which may come from the connection of another user.
_ENCRYPTED_TOKEN = re.compile("encrypted(?::|%3A)gAAAA[a-zA-Z0-9_-]+(?:=|%3D)*")


class RedactedException(Exception):
    """Replaces an exception in logs and reports: same traceback, and a message without secrets."""


def texts(value: Any, limit: float = _MAX_VALUES) -> Iterator[str]:
    """Yield the strings inside a JSON value, without the keys.

    :param limit: how many values are read.
    """
    pending, count = [value], 0
    while pending and count < limit:
        value, count = pending.pop(), count + 1
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            pending += value.values()
        elif isinstance(value, (list, tuple)):
            pending += value


def secret_texts(value: Any) -> Iterator[str]:
    """Yield the strings inside a JSON value whose names are those of secrets."""
    pending, count = [value], 0
    while pending and count < _MAX_VALUES:
        value, count = pending.pop(), count + 1
        if isinstance(value, Mapping):
            for name, inner in value.items():
                if _SECRET_NAME.search(str(name)):
                    yield from texts(inner)
                else:
                    pending.append(inner)
        elif isinstance(value, (list, tuple)):
            pending += value


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace secrets in a text, also in the forms of URLs, JSON and ``repr()``."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) < _MIN_LENGTH:
            continue
        in_url = (quote(secret, "", errors="replace"), quote_plus(secret, errors="replace"))
        forms = {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], *in_url}
        found = sorted((form for form in forms if form in text), key=len, reverse=True)
        if found:
            pattern = "|".join(map(re.escape, found))
            if len(secret) < _MIN_LENGTH_INSIDE_A_WORD:
                pattern = rf"(?<!\w)(?:{pattern})(?!\w)"
            text = re.sub(pattern, HIDDEN, text)
    return _ENCRYPTED_TOKEN.sub(HIDDEN, text)


def without_secrets(error: BaseException, secrets: Iterable[str]) -> BaseException:
    """Return the exception, or a replacement if its message or a cause contains a secret.

    Its traceback begins at the first call that has ended: see :func:`clear_local_variables`.
    """
    secrets = list(secrets)
    text = "".join(traceback.format_exception(error)) + "".join(map(repr, causes(error)))
    if redact(text, secrets) != text:
        return replacement(error, secrets)
    return error.with_traceback(_traceback_of_ended_calls(error.__traceback__))


def clear_local_variables(error: BaseException | None, depth: int = MAX_CAUSES) -> None:
    """Clear the local variables of all calls that an exception has ended, except under ``DEBUG``.

    They contain codes, tokens and client secrets, in our code and in that of libraries. Error
    trackers report them whatever their names are.
    """
    if error is None or not depth or settings.DEBUG:
        return
    traceback.clear_frames(error.__traceback__)
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for cause in (error.__cause__, error.__context__, *inner):
        clear_local_variables(cause, depth - 1)


def replacement(
    error: BaseException, secrets: Iterable[str] | None = None, depth: int = MAX_CAUSES
) -> BaseException:
    """Return an exception with the traceback of another one, and with its type if possible.

    Otherwise the message begins with the name of the type. The traceback begins at the first call
    that has ended.

    :param secrets: what its message must not contain; None if the message itself is a secret.
    """
    clear_local_variables(error)
    secrets = None if secrets is None else list(secrets)
    replaced = None if secrets is None else _redacted_copy(error, secrets)
    if replaced is None:
        name = f"{type(error).__module__}.{type(error).__qualname__}"
        text = "" if secrets is None else f": {redact(message(error), secrets)}"
        replaced = RedactedException(name + text)
    replaced.__traceback__ = _traceback_of_ended_calls(error.__traceback__)
    cause = error.__context__ if error.__cause__ is None else error.__cause__
    if cause is not None and depth:
        replaced.__cause__ = replacement(cause, secrets, depth - 1)
    return replaced


def _redacted_copy(error: BaseException, secrets: list[str]) -> BaseException | None:
    """Return an exception of the same type without secrets, or None if its type prevents that.

    Error trackers group and ignore exceptions by their types.
    """
    try:
        copied = type(error).__new__(type(error))
        copied.args = tuple(_redacted_argument(each, secrets) for each in error.args)
        texts_of_copy = [str(copied), repr(copied)]
    except Exception:  # noqa: BLE001 - a project's method may raise any exception
        return None
    is_redacted = all(redact(text, secrets) == text for text in texts_of_copy)
    return copied if is_redacted and str(copied) == redact(message(error), secrets) else None


def _redacted_argument(argument: Any, secrets: list[str]) -> Any:
    text = repr(argument)
    return argument if redact(text, secrets) == text else redact(str(argument), secrets)


def _traceback_of_ended_calls(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the calls that have not ended, except under ``DEBUG``.

    They have caught the exception, so their local variables contain it and cannot be cleared.
    """
    while trace is not None and not settings.DEBUG:
        try:
            trace.tb_frame.clear()
        except RuntimeError:  # The call has not ended.
            trace = trace.tb_next
        else:
            break
    return trace


def message(error: BaseException) -> str:
    """Return the message of an exception, whose ``str()`` may fail."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a project's method may raise any exception
        return "the exception has no message"
