"""The formats of requests and responses: parsers with a size limit, and JSON responses."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework import parsers, status
from rest_framework.exceptions import APIException, NotAcceptable, ParseError
from rest_framework.negotiation import DefaultContentNegotiation

MAX_BODY = 1_000_000
"""Size limit of a request body, in bytes. The largest callbacks (SAML) have about 100,000."""


class JSONNegotiation(DefaultContentNegotiation):
    """Always responds with JSON, whatever the ``Accept`` header and ``format`` parameter are.

    The media type keeps the parameters of the header: ``AcceptHeaderVersioning`` reads them.
    """

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except (NotAcceptable, Http404):
            return renderers[0], renderers[0].media_type


class BodyTooLarge(APIException):
    """The request body exceeds :data:`MAX_BODY`."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    # Translators: For the developer of a frontend. The body of an HTTP request.
    default_detail = _("The request body is too large.")
    default_code = "body_too_large"


class JSONParser(parsers.BaseParser):
    """JSON in UTF-8 (RFC 8259 section 8.1)."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], *args: Any, **kwargs: Any) -> Any:
        """Return the JSON value, which can be of any type."""
        body = _read(stream)
        try:
            return json.loads(body.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            # ValueError: not UTF-8, not JSON, or a number with thousands of digits.
            # Translators: For the developer of a frontend.
            raise ParseError(_("The request body is not valid JSON.")) from error


class FormParser(parsers.BaseParser):
    """``application/x-www-form-urlencoded`` in UTF-8. DRF's parser has no size limit."""

    media_type = "application/x-www-form-urlencoded"

    def parse(self, stream: IO[Any], *args: Any, **kwargs: Any) -> Any:
        body = _read(stream)
        with _form_errors():
            return QueryDict(body, encoding="utf-8", mutable=True)


class MultiPartParser(parsers.MultiPartParser):
    """``multipart/form-data``. Files are parsed and ignored."""

    def parse(self, stream: IO[Any], *args: Any, **kwargs: Any) -> Any:
        """Return the fields and the files."""
        body = _read(stream)
        with _form_errors():
            parsed = super().parse(io.BytesIO(body), *args, **kwargs)
        return parsers.DataAndFiles(parsed.data.copy(), parsed.files)


@contextmanager
def _form_errors() -> Iterator[None]:
    try:
        yield
    except (SuspiciousOperation, ParseError) as error:
        # SuspiciousOperation: more fields than DATA_UPLOAD_MAX_NUMBER_FIELDS.
        # Translators: For the developer of a frontend. A form is the body of an HTTP request.
        raise ParseError(_("The request body is not a valid form.")) from error


def _read(stream: IO[Any]) -> bytes:
    try:
        body: bytes = stream.read(MAX_BODY + 1)
    except (OSError, OverflowError, ValueError) as error:
        # The client closed the connection or sent an invalid Content-Length.
        # Translators: For the developer of a frontend.
        raise ParseError(_("The request body cannot be read.")) from error
    if len(body) > MAX_BODY:
        raise BodyTooLarge
    return body
