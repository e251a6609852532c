"""Error codes of responses of 400 and above, and reports of those of 500 and above."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.log import log_response
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.settings import api_settings

from social_endpoints.exceptions import RECOVERIES, EndpointError, new_error_id
from social_endpoints.internal.errors.redaction import message, redact, texts

_INVALID_PARAMETER = "invalid_parameter"

# Parameters that contain no secret and are needed to understand a message.
_PUBLIC_PARAMETERS = frozenset({"error", "error_description", "iss", "redirect_uri", "scope"})


def error_metadata(error: Any) -> dict[str, Any]:
    """Return the keys that an error adds to DRF's response, and set its ``error_id``.

    :param error: an exception of DRF.
    """
    if isinstance(error, EndpointError):
        return error.body
    code = error_code(error)
    error.error_id = new_error_id()  # For the project's exception handler.
    return {
        "error_code": code,
        "error_recovery": RECOVERIES.get(code) or _recovery(error.status_code),
        "error_id": error.error_id,
    }


def error_code(error: APIException) -> str:
    """Return the error code of an exception of DRF, also of one with several details."""
    if isinstance(error, ValidationError):
        codes = set(texts(error.get_codes()))
        return codes.pop() if len(codes) == 1 and codes <= RECOVERIES.keys() else _INVALID_PARAMETER
    code = getattr(error.detail, "code", None) or error.default_code
    return code if isinstance(code, str) else "error"


def add_metadata(response: Response, error: APIException, metadata: dict[str, Any]) -> None:
    """Add the error code to a response in DRF's shape.

    A response whose shape the project's exception handler has changed stays as it is.
    """
    detail, body = error.detail, getattr(response, "data", None)
    if isinstance(detail, list) and body == detail:
        response.data = {api_settings.NON_FIELD_ERRORS_KEY: body, **metadata}
    elif isinstance(detail, dict) and isinstance(body, dict) and detail.items() <= body.items():
        response.data = {**body, **metadata}
    elif isinstance(detail, str) and isinstance(body, dict) and "detail" in body:
        shown = dict(body)
        if isinstance(error, EndpointError):
            del shown["detail"]
        response.data = {**shown, **metadata}


def debug_metadata(error: EndpointError, secrets: list[str]) -> dict[str, Any]:
    """Return the message of the project's exception under ``DEBUG``, without secrets."""
    cause = error.__cause__
    if not settings.DEBUG or cause is None:
        return {}
    text = f"{type(cause).__name__}: {message(cause)}"
    parameter = getattr(cause, "parameter", None)  # social-core's messages do not contain it.
    return {"debug": redact(f"{text} ({parameter})" if parameter else text, secrets)}


def report(request: HttpRequest, response: HttpResponse, error: EndpointError) -> None:
    """Report the cause of an error as Django does for other views: in its log, with its signal."""
    exception = error if error.__cause__ is None else error.__cause__
    context, trace = exception.__context__, exception.__traceback__
    try:
        raise exception  # noqa: TRY301 - receivers read it from sys.exc_info()
    except BaseException:  # noqa: BLE001 - the same
        # Remove this function from the traceback: error trackers would report its `request`.
        exception.__context__, exception.__traceback__ = context, trace
        got_request_exception.send(sender=None, request=request)
    log_response(
        "%s: %s (error_id=%s)",
        response.reason_phrase,
        request.path,
        error.error_id,
        response=response,
        request=request,
        exception=exception,
    )


def request_secrets(request: HttpRequest, body: Any) -> Iterator[str]:
    """Yield the values of a request that no log may contain."""
    query = None
    with suppress(SuspiciousOperation):  # More than DATA_UPLOAD_MAX_NUMBER_FIELDS.
        query = request.GET
    for params in (query, body):
        form = dict(params.lists()) if isinstance(params, QueryDict) else params
        if isinstance(form, dict):
            hidden = {name: value for name, value in form.items() if name not in _PUBLIC_PARAMETERS}
            yield from texts(hidden)
    yield from request.COOKIES.values()
    yield from request.META.get("HTTP_AUTHORIZATION", "").split()[1:]


def _recovery(status_code: int) -> str:
    by_status = {401: "reauthenticate", 403: "contact_administrator", 429: "retry_later"}
    if status_code >= 500:
        return "retry_later" if status_code in {502, 503, 504} else "contact_administrator"
    return by_status.get(status_code, "correct_input")
