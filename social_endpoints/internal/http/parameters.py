"""The parameters of a request, wherever in it they stand."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from math import isfinite
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.fields import CharField
from rest_framework.request import Request
from rest_framework.settings import api_settings

from social_endpoints.types import FormText, NativeTokens

FLOW = "flow"
PARTIAL_TOKEN = "partial_token"

# What the protocols and this app know as text. Of any other name, what is no text
# was never sent by a provider (frontends post their fetch options) and is ignored.
_TEXTS = frozenset(
    {
        FLOW,
        PARTIAL_TOKEN,
        "code",
        "state",
        "redirect_state",
        "iss",
        "error",
        "error_description",
        "error_uri",
        "oauth_token",
        "oauth_verifier",
        "denied",
        "id_token",
        "access_token",
        "nonce",
    }
)

# What Telegram's widget hands to its page as a number, and signs as text.
_NUMBERS = frozenset({"auth_date", "id"})

# What Apple's scripts hand to their page as an object, and Apple itself posts as JSON.
_OBJECT = "user"

# Those of them that go with a paused login. What its step asks for may be of any type.
_TEXTS_WHILE_PAUSED = frozenset({FLOW, PARTIAL_TOKEN, "verification_code"})

_MOST_NESTED = 16  # Lists in lists: MariaDB stores 32, and some are around.


class Text(CharField):
    """A string as it is: not trimmed, and nothing else turned into one."""

    def __init__(self) -> None:
        super().__init__(allow_blank=True, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> str:
        """Return the string."""
        if not isinstance(data, str):
            self.fail("invalid")
        return data


_TEXT = Text()


def parameters(request: Request, *, resumes: bool = True) -> dict[str, Any]:
    """Return the parameters of a request: query string and body, and the body wins.

    Of a repeated parameter the last one counts. A flow in the query string is none:
    URLs are written into logs and histories. All are texts, unless a paused login is
    continued: what its step asks for comes as JSON has it, or as texts of a form.

    :param resumes: whether the request can be one that continues a paused login.
    :raises ValidationError: under its name, what is no text or holds characters
        that no database takes.
    """
    query = _query(request)
    query.pop(FLOW, None)
    merged = {**query, **_body(request)}
    if resumes and merged.get(PARTIAL_TOKEN):
        return _validated(merged, texts=_TEXTS_WHILE_PAUSED)
    sent = {name: _as_sent(name, value) for name, value in merged.items()}
    known = {name: value for name, value in sent.items() if _is_known(name, value)}
    return _validated(known, texts=known.keys())


def native_tokens(request: Request) -> NativeTokens:
    """Return what an app posts to sign in with.

    :raises ValidationError: under its name, what is no text, and of ``user`` what is no
        object either; or there is no token.
    """
    data = parameters(request, resumes=False)
    user = _as_sent(_OBJECT, _body(request).get(_OBJECT))
    if user is not None:
        _validated({_OBJECT: user}, texts=(_OBJECT,))
    names = ("id_token", "access_token", "nonce", "user")
    given = {name: data[name] for name in names if data.get(name)}
    if "access_token" not in given:
        require(given, ["id_token"])
    return NativeTokens(**given)


def query_parameters(request: Request) -> dict[str, str]:
    """Return the parameters in the query string alone.

    :raises ValidationError: under its name, what holds characters that no database takes.
    """
    query = _query(request)
    return _validated(query, texts=query.keys())


def require(data: Mapping[str, str], names: list[str]) -> None:
    """Refuse data in which a parameter is missing or empty.

    :raises ValidationError: under the name of each one.
    """
    required = ErrorDetail(_("This field is required."), code="required")
    missing = {name: [required] for name in names if not data.get(name)}
    if missing:
        raise ValidationError(missing)


def _query(request: Request) -> dict[str, Any]:
    try:
        return _form(request.query_params)
    except SuspiciousOperation as error:  # More than DATA_UPLOAD_MAX_NUMBER_FIELDS.
        raise ParseError(_("The query string is not valid.")) from error


def _body(request: Request) -> dict[str, Any]:
    body = request.data
    if isinstance(body, QueryDict):
        return _form(body)
    if isinstance(body, dict):
        return body
    message = _("Invalid data. Expected a dictionary, but got {datatype}.")
    raise _invalid_body(message.format(datatype=type(body).__name__))


def _as_sent(name: str, value: Any) -> Any:
    if name in _NUMBERS and type(value) is int:
        return str(value)
    if name == _OBJECT and isinstance(value, dict):
        with suppress(RecursionError):
            return json.dumps(value)
    return value


def _form(fields: QueryDict) -> dict[str, FormText]:
    form = {}
    for name, values in fields.lists():
        texts = [value for value in values if isinstance(value, str)]  # And not a file.
        if texts:
            form[name] = FormText(texts[-1])
            form[name].values = texts
    return form


def _is_known(name: str, value: Any) -> bool:
    return isinstance(value, str) or name in _TEXTS


def _validated(values: Mapping[str, Any], *, texts: Collection[str]) -> dict[str, Any]:
    errors = {}
    for name, value in values.items():
        try:
            _TEXT.run_validation(name)
        except ValidationError as error:  # It could not even stand in the answer.
            message = _("The name of a parameter is not valid.")
            raise _invalid_body(message) from error
        try:
            if name in texts:
                _TEXT.run_validation(value)
            else:
                _require_storable(value)
        except ValidationError as error:
            errors[name] = error.detail
    if errors:
        raise ValidationError(errors)
    return dict(values)


def _require_storable(value: Any) -> None:
    """Refuse a JSON value that not every database can store as JSON."""
    pending = [(value, 0)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, str):
            _TEXT.run_validation(value)
        elif isinstance(value, float) and not isfinite(value):
            raise ValidationError(_("A valid number is required."), code="invalid")
        elif isinstance(value, (dict, list)):
            if depth == _MOST_NESTED:
                raise ValidationError(_("This value is nested too deeply."), code="invalid")
            inner = [*value.keys(), *value.values()] if isinstance(value, dict) else value
            pending += [(each, depth + 1) for each in inner]


def _invalid_body(message: str) -> ValidationError:
    error = ErrorDetail(message, code="invalid")
    return ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [error]})
