"""Values that database columns can hold, with the same rules for every database.

SQLite stores text of any length, half of a surrogate pair and null characters. PostgreSQL and
MariaDB refuse some of them, and their users could never sign in. Descriptive text is cut or
replaced. A value that identifies somebody is refused, because a changed one may identify somebody
else.
"""

from __future__ import annotations

import re
import unicodedata
from math import isfinite
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from social_core.exceptions import AuthResponseError

LATEST_TIMESTAMP = 2**31 - 1
"""The largest timestamp in social_django's nonce table, whose column is a 32-bit integer."""

MAX_DEPTH = 16
"""Maximum depth of a JSON value. MariaDB limits it to 32, and social_django stores the value inside
its own."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # Python joins complete pairs.
_SUPPLEMENTARY = re.compile("[\U00010000-\U0010ffff]")
_JOINER = "\N{ZERO WIDTH JOINER}"


def replace_unstorable(response: Any) -> None:
    """Replace, in place, what JSON can contain and a JSON column cannot.

    Half of a surrogate pair and a null character become replacement characters, and NaN or
    infinity becomes null.
    """
    pending = [response]
    while pending:  # Not recursive, because a response may be nested deeply.
        container = pending.pop()
        if isinstance(container, dict):
            for name in [name for name in container if _storable(name) != name]:
                container[_storable(name)] = container.pop(name)
        elif not isinstance(container, list):
            continue
        items = container.items() if isinstance(container, dict) else enumerate(container)
        for key, value in list(items):
            container[key] = _storable(value)
            pending.append(value)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub(_REPLACEMENT, value)
    return None if isinstance(value, float) and not isfinite(value) else value


def is_identifier(text: str, max_length: int | None) -> bool:
    """Return whether a column of this length can hold an identifier unchanged."""
    is_intact = _REPLACEMENT not in text and not _UNSTORABLE.search(text)
    return is_intact and (max_length is None or len(text) <= max_length)


def fit(model: Any, name: str, value: Any) -> Any:
    """Return a value that the column of a field of the user model can hold.

    :raises AuthResponseError: the value identifies the user and its column cannot hold it.
    """
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return value
    if value is None or not isinstance(field, (models.CharField, models.TextField)):
        return value
    # Only a CharField limits the length of its column.
    max_length = field.max_length if isinstance(field, models.CharField) else None
    text = str(value)
    if _identifies(field):
        # social-core appends to a username to make it unique, so it may be changed.
        is_generated = name == _username_field(model) and not is_address(field)
        checked = text.replace(_REPLACEMENT, "") if is_generated else text
        if not is_identifier(checked, max_length):
            raise AuthResponseError(code="malformed_response", claim=name, stage="pipeline")
        return value if text.strip() else ""
    text = _UNSTORABLE.sub(_REPLACEMENT, text)
    if max_length is not None and len(text) > max_length:
        # A part of an address or a URL is another address or URL.
        is_whole = isinstance(field, (models.EmailField, models.URLField))
        return "" if is_whole else _cut(text, max_length)
    return text if text != str(value) else value


def fit_fields(user: Any) -> None:
    """Fit the loaded text fields of a user to their columns.

    :raises AuthResponseError: see :func:`fit`.
    """
    for field in user._meta.concrete_fields:
        value = vars(user).get(field.attname)
        # Neither a deferred field nor a stored value is examined.
        if value is None or (isinstance(value, str) and _is_stored_unchanged(value, field)):
            continue
        setattr(user, field.attname, fit(type(user), field.name, value))


def without_supplementary(user: Any) -> dict[str, str]:
    """Return the descriptive text fields of a user that contain characters such as emoji.

    MySQL's three-byte ``utf8`` cannot store them. They are replaced in the returned values.
    """
    texts = {name: text for name, text in vars(user).items() if isinstance(text, str)}
    fields = (field for field in user._meta.concrete_fields if not _identifies(field))
    names = {field.attname for field in fields} & texts.keys()
    replaced = {name: _SUPPLEMENTARY.sub(_REPLACEMENT, texts[name]) for name in names}
    return {name: text for name, text in replaced.items() if text != texts[name]}


def is_address(field: Any) -> bool:
    """Return whether a field of the user model contains an e-mail address."""
    email_field = getattr(field.model, "EMAIL_FIELD", "email")
    return isinstance(field, models.EmailField) or field.name == email_field


def _identifies(field: Any) -> bool:
    email_field = getattr(field.model, "EMAIL_FIELD", "email")
    return field.unique or field.name in {_username_field(field.model), email_field}


def _username_field(model: Any) -> str:
    return str(getattr(model, "USERNAME_FIELD", "username"))


def _is_stored_unchanged(text: str, field: Any) -> bool:
    limit = field.max_length if isinstance(field, models.CharField) else None
    return not _UNSTORABLE.search(text) and (limit is None or len(text) <= limit)


def _cut(text: str, length: int) -> str:
    """Cut a text, but not between a character and the marks that belong to it."""
    end = length
    while end and _continues(text, end):
        end -= 1
    return text[: end or length].rstrip()


def _continues(text: str, index: int) -> bool:
    is_mark = unicodedata.category(text[index]).startswith("M")
    is_skin_tone = "\U0001f3fb" <= text[index] <= "\U0001f3ff"
    return is_mark or is_skin_tone or _JOINER in text[index - 1 : index + 1]
