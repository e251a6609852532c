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
    """Collect what an error tracker reads of each exception: its messages, and local variables.

    It receives Django's signal and the records of all loggers.
    """
    found: list[str] = []

    def track(**kwargs: Any) -> None:
        collect(sys.exc_info()[1])

    def collect(error: BaseException | None) -> None:
        while error is not None:
            found.append(repr(error))
            found.extend(
                repr(frame.f_locals) for frame, _ in traceback.walk_tb(error.__traceback__)
            )
            for inner in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
                collect(inner)
            error = error.__cause__ or error.__context__

    class Tracker(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            collect((record.exc_info or [None, None])[1])

    logging.getLogger().addHandler(tracker := Tracker())
    try:
        with connected(track, got_request_exception):
            yield found
    finally:
        logging.getLogger().removeHandler(tracker)
