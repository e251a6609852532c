"""Django's error reports, as the mails to ``ADMINS`` contain them."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.signals import got_request_exception
from django.views.debug import ExceptionReporter

from tests.support.signals import connected


class ReportHandler(logging.Handler):
    """Writes the report of each exception, in both formats, as ``AdminEmailHandler`` does."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.reports: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        exc_info: Any = record.exc_info or (None, record.getMessage(), None)
        reporter = ExceptionReporter(getattr(record, "request", None), *exc_info, is_email=True)
        self.reports.append(record.getMessage())
        self.reports.append(reporter.get_traceback_text() + reporter.get_traceback_html())


@contextmanager
def reported_errors() -> Iterator[list[str]]:
    """Collect the reports of all loggers inside the ``with``."""
    handler, loggers = ReportHandler(), [logging.getLogger(), logging.getLogger("django")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield handler.reports
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


@contextmanager
def tracked_errors() -> Iterator[list[str]]:
    """Collect what an error tracker reads of each exception: its messages, and local variables."""
    found: list[str] = []

    def track(**kwargs: Any) -> None:
        error = sys.exc_info()[1]
        while error is not None:
            found.append(repr(error))
            found.extend(
                repr(frame.f_locals) for frame, _ in traceback.walk_tb(error.__traceback__)
            )
            error = error.__cause__ or error.__context__

    with connected(track, got_request_exception):
        yield found
