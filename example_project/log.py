"""A log filter that removes secrets."""

from __future__ import annotations

import logging
import re

QUERY = re.compile(r"\?\S*")


class WithoutQuery(logging.Filter):
    """Remove the query from logged requests, because a callback's contains code and state."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                QUERY.sub("", argument) if isinstance(argument, str) else argument
                for argument in record.args
            )
        return True
