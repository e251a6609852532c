"""The parameters of a request, from its query string and its body."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from math import isfinite
from typing import Any

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import CharField, Field, FloatField
from rest_framework.request import Request
from rest_framework.settings import api_settings

from social_endpoints.exceptions import EndpointError, UseIdToken, UsePost, UseTokenEndpoint
from social_endpoints.internal.flows.columns import MAX_DEPTH
from social_endpoints.types import FormText, NativeTokens

FLOW = "flow"
PARTIAL_TOKEN = "partial_token"

# Parameters that must be strings. Another parameter with a value of another type is ignored: no
# provider sends one, but some frontends post their fetch options, for example.
_OAUTH1 = {"oauth_token", "oauth_verifier", "denied"}
_OAUTH2 = {"code", "state", "redirect_state", "iss", "error", "error_description", "error_uri"}
_TOKENS = {"id_token", "access_token", "nonce"}
_TEXT_PARAMETERS = frozenset({FLOW, PARTIAL_TOKEN, *_OAUTH1, *_OAUTH2, *_TOKENS})

# Parameters of which each callback has at least one, in the protocols that are supported.
_CALLBACK_PARAMETERS = frozenset(
    {"code", "state", "error", "oauth_token", "denied", "openid.mode", "SAMLResponse", "sso"}
    | {"hash", "tgAuthResult", "payload", FLOW, PARTIAL_TOKEN}
)

_CREDENTIAL = "credential"  # The name that Google's sign-in button gives to an ID token.
_NATIVE_PARAMETERS = frozenset({"id_token", "access_token", _CREDENTIAL})

# Parameters that must be strings in a request that resumes a paused login. The fields of the step
# can have any type.
_TEXT_PARAMETERS_OF_RESUME = frozenset({FLOW, PARTIAL_TOKEN, "verification_code"})

# Telegram's widget gives these values to the page as numbers and signs them as text.
_NUMBERS = frozenset({"auth_date", "id"})

# Apple's script gives this value to the page as an object; Apple's form POST contains it as JSON.
_APPLE_USER = "user"


class TextField(CharField):
    """A string, neither trimmed nor converted from another type."""

    # Translators: For the developer of a frontend. "String" is the JSON type.
    default_error_messages = {"invalid": gettext_lazy("This value must be a string.")}

    def __init__(self) -> None:
        super().__init__(allow_blank=True, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


_TEXT = TextField()


def parameters(request: Request, *, resumes: bool = True) -> dict[str, Any]:
    """Return the parameters of the query string and the body. The body wins.

    The last value of a repeated parameter counts. ``flow`` in the query string is ignored,
    because URLs are written to logs and histories. All values are strings, except in a request
    that resumes a paused login: there they are JSON values or form strings.

    :param resumes: whether the endpoint can resume a paused login.
    :raises ValidationError: a parameter has the wrong type or contains characters that a
        database refuses.
    """
    query = _form(request.query_params)
    query.pop(FLOW, None)
    merged = {**query, **_body(request)}
    if resumes and merged.get(PARTIAL_TOKEN):
        return _validate(merged, texts=_TEXT_PARAMETERS_OF_RESUME)
    texts = {name: _to_text(name, value) for name, value in merged.items()}
    accepted = {
        name: value
        for name, value in texts.items()
        if isinstance(value, str) or name in _TEXT_PARAMETERS
    }
    return _validate(accepted, texts=accepted.keys())


def native_tokens(request: Request) -> NativeTokens:
    """Return the tokens that an app posts to sign in.

    :raises ValidationError: a parameter has the wrong type (``user`` may be a string or an
        object), or the request contains no token.
    """
    params = parameters(request, resumes=False)
    user = _to_text(_APPLE_USER, _body(request).get(_APPLE_USER))
    if user is not None:
        _validate({_APPLE_USER: user}, texts=(_APPLE_USER,))
    names = ("id_token", "access_token", "nonce", "user")
    given = {name: params[name] for name in names if params.get(name)}
    if "access_token" not in given:
        if "id_token" not in given and params.get(_CREDENTIAL):
            raise EndpointError(UseIdToken(stage="token_validation"))
        require(given, ["id_token"])
    return NativeTokens(**given)


def text_parameter(request: Request, name: str, *, in_query: bool) -> str:
    """Return a required parameter of an endpoint that has no others.

    :param in_query: whether it may be in the query string, which servers write to their logs.
    :raises ValidationError: it is missing, empty or not a string.
    """
    query = _form(request.query_params) if in_query else {}
    merged = {**query, **_body(request)}
    given = _validate({name: merged.get(name) or ""}, texts=(name,))
    require(given, [name])
    return str(given[name])


def query_parameters(request: Request) -> dict[str, str]:
    """Return the parameters of the query string only.

    :raises ValidationError: a parameter contains characters that a database refuses.
    """
    query = _form(request.query_params)
    return _validate(query, texts=query.keys())


def require(params: Mapping[str, str], names: list[str]) -> None:
    """Require parameters to be present and not empty.

    :raises ValidationError: with a field error for each missing parameter.
    """
    required = ErrorDetail(str(Field.default_error_messages["required"]), code="required")
    missing = {name: [required] for name in names if not params.get(name)}
    if missing:
        raise ValidationError(missing)


def require_begin(query: Mapping[str, str]) -> None:
    """Refuse the parameters of a callback in place of those of a begin.

    :raises EndpointError: ``use_post``. For example, a POST to a path without its trailing slash
        was redirected.
    """
    if "redirect_uri" not in query and not _CALLBACK_PARAMETERS.isdisjoint(query):
        raise EndpointError(UsePost(stage="callback"))


def require_callback(params: Mapping[str, str], missing: list[str]) -> None:
    """Require the parameters of a callback, with a hint if tokens were sent in their place.

    :raises EndpointError: ``use_token_endpoint``.
    :raises ValidationError: with a field error for each missing parameter.
    """
    if _CREDENTIAL in params or (missing and not _NATIVE_PARAMETERS.isdisjoint(params)):
        raise EndpointError(UseTokenEndpoint(stage="callback"))
    require(params, missing)


def _body(request: Request) -> dict[str, Any]:
    body = request.data
    if isinstance(body, MultiValueDict):
        return _form(body)
    if isinstance(body, dict):
        return body
    # Translators: For the developer of a frontend. "JSON object" is a technical term.
    raise _invalid_body(_("The request body must be a JSON object."))


def _to_text(name: str, value: Any) -> Any:
    """Restore the text that the provider sent, if the page decoded it to another type."""
    if name in _NUMBERS and type(value) is int:
        return str(value)
    if name == _APPLE_USER and isinstance(value, dict):
        with suppress(RecursionError):
            return json.dumps(value)
    return value


def _form(fields: Mapping[str, Any]) -> dict[str, FormText]:
    form = {}
    for name, values in _value_lists(fields):
        texts = [value for value in values if isinstance(value, str)]  # without files
        if texts:
            form[name] = FormText(texts[-1])
            form[name].values = texts
    return form


def _value_lists(fields: Mapping[str, Any]) -> Iterable[tuple[str, list[Any]]]:
    """Return the names with all their values. A middleware may have set a plain dictionary."""
    if isinstance(fields, MultiValueDict):
        return fields.lists()
    return ((name, [*v] if isinstance(v, (list, tuple)) else [v]) for name, v in fields.items())


def _validate(values: Mapping[str, Any], *, texts: Collection[str]) -> dict[str, Any]:
    errors = {}
    for name, value in values.items():
        try:
            _TEXT.run_validation(name)
        except ValidationError as error:  # A field error cannot contain such a name.
            # Translators: For the developer of a frontend.
            message = _("The name of a parameter is invalid.")
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
    """Refuse a JSON value that some databases cannot store."""
    pending = [(value, 0)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, str):
            _TEXT.run_validation(value)
        elif isinstance(value, float) and not isfinite(value):
            raise ValidationError(FloatField.default_error_messages["invalid"], code="invalid")
        elif isinstance(value, (dict, list)):
            if depth == MAX_DEPTH:
                # Translators: For the developer of a frontend, about lists inside of lists.
                raise ValidationError(_("This value is nested too deeply."), code="invalid")
            inner = [*value.keys(), *value.values()] if isinstance(value, dict) else value
            pending += [(each, depth + 1) for each in inner]


def _invalid_body(message: str) -> ValidationError:
    error = ErrorDetail(message, code="invalid")
    return ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [error]})
