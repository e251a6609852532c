"""The log of both servers: every request, but without its query."""

from __future__ import annotations

import logging
import re
from typing import Any

QUERY = re.compile(r"\?\S*")


class WithoutQuery(logging.Filter):
    """Cuts off the query of a logged request: a callback's holds the code and the state."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                QUERY.sub("", argument) if isinstance(argument, str) else argument
                for argument in record.args
            )
        return True


def to_console(label: str) -> dict[str, Any]:
    """Django's ``LOGGING`` setting; ``label`` tells the two servers apart."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"without_query": {"()": WithoutQuery}},
        "formatters": {"line": {"format": f"{label:8} | %(message)s"}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "filters": ["without_query"],
                "formatter": "line",
            }
        },
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            # The request log already names every refusal, so this need not repeat it.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        },
    }
