"""The parameters of a request, wherever in it they stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.fields import CharField
from rest_framework.request import Request
from rest_framework.settings import api_settings

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


class Text(CharField):
    """A string as it is: not trimmed, and nothing else turned into one."""

    def __init__(self) -> None:
        super().__init__(allow_blank=True, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> str:
        """Return the string."""
        if not isinstance(data, str):
            self.fail("invalid")
        return data


def parameters(request: Request) -> dict[str, str]:
    """Return the parameters of a request: query string and body, and the body wins.

    Of a repeated parameter the last one counts. A flow in the query string is none:
    URLs are written into logs and histories.

    :raises ValidationError: under its name, what is no text or holds characters
        that no database takes.
    """
    query = _query(request)
    query.pop(FLOW, None)
    merged = {name: _as_sent(name, value) for name, value in {**query, **_body(request)}.items()}
    known = {name: value for name, value in merged.items() if _is_known(name, value)}
    return _validated(known)


def query_parameters(request: Request) -> dict[str, str]:
    """Return the parameters in the query string alone.

    :raises ValidationError: under its name, what holds characters that no database takes.
    """
    return _validated(_query(request))


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
        return request.query_params.dict()
    except SuspiciousOperation as error:  # More than DATA_UPLOAD_MAX_NUMBER_FIELDS.
        raise ParseError(_("The query string is not valid.")) from error


def _body(request: Request) -> dict[str, Any]:
    body = request.data
    if isinstance(body, QueryDict):
        return body.dict()
    if isinstance(body, dict):
        return body
    message = _("Invalid data. Expected a dictionary, but got {datatype}.")
    raise _invalid_body(message.format(datatype=type(body).__name__))


def _as_sent(name: str, value: Any) -> Any:
    return str(value) if name in _NUMBERS and type(value) is int else value


def _is_known(name: str, value: Any) -> bool:
    return isinstance(value, str) or name in _TEXTS


def _validated(values: Mapping[str, Any]) -> dict[str, str]:
    text = Text()
    errors = {}
    for name, value in values.items():
        try:
            text.run_validation(name)
        except ValidationError as error:  # It could not even stand in the answer.
            message = _("The name of a parameter is not valid.")
            raise _invalid_body(message) from error
        try:
            text.run_validation(value)
        except ValidationError as error:
            errors[name] = error.detail
    if errors:
        raise ValidationError(errors)
    return dict(values)


def _invalid_body(message: str) -> ValidationError:
    error = ErrorDetail(message, code="invalid")
    return ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [error]})
