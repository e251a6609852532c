"""The bodies that a frontend may send, read with bounds."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework import parsers, status
from rest_framework.exceptions import APIException, ParseError

MAX_BODY = 1_000_000
"""Bytes. The largest answer that a provider gives, a SAML response, has some 100,000."""


class BodyTooLarge(APIException):
    """The body has more than :data:`MAX_BODY` bytes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("The body of the request is too large.")
    default_code = "body_too_large"


class JSONParser(parsers.BaseParser):
    """JSON in UTF-8 (RFC 8259 section 8.1)."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the value, of whatever type it is."""
        body = _bounded(stream)
        try:
            return json.loads(body.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            # ValueError: no UTF-8, no JSON, or a number of thousands of digits.
            raise ParseError(_("The body is not valid JSON.")) from error


class FormParser(parsers.BaseParser):
    """``application/x-www-form-urlencoded`` in UTF-8.

    Not DRF's: for that one DRF reads the whole body, however large it is.
    """

    media_type = "application/x-www-form-urlencoded"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the fields."""
        body = _bounded(stream)
        with _refused_form():
            return QueryDict(body, encoding="utf-8")


class MultiPartParser(parsers.MultiPartParser):
    """``multipart/form-data``; files are read and ignored."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the fields and the files."""
        body = _bounded(stream)
        with _refused_form():
            return super().parse(io.BytesIO(body), media_type, parser_context)


@contextmanager
def _refused_form() -> Iterator[None]:
    try:
        yield
    except (SuspiciousOperation, ParseError) as error:
        # SuspiciousOperation: more fields than DATA_UPLOAD_MAX_NUMBER_FIELDS.
        raise ParseError(_("The body is not a valid form.")) from error


def _bounded(stream: IO[Any]) -> bytes:
    try:
        body: bytes = stream.read(MAX_BODY + 1)
    except (OSError, OverflowError, ValueError) as error:
        # The client has gone away, or said a length that is none.
        raise ParseError(_("The body cannot be read.")) from error
    if len(body) > MAX_BODY:
        raise BodyTooLarge
    return body
