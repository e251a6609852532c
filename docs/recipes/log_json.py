# monitoring/log_json.py
"""Write the lines of the logger ``social_endpoints`` as JSON."""

from __future__ import annotations

import json
import logging
import re

PAIR = re.compile(r' (\w+)=("(?:[^"\\]|\\.)*"|\S+)')


class JSONFormatter(logging.Formatter):
    """Formats each record as one JSON object in one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event, its values, the level, the time and the traceback."""
        message = record.getMessage()
        values = {
            name: json.loads(value) if value.startswith('"') else value
            for name, value in PAIR.findall(message)
        }
        entry = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "event": re.split(r" \w+=", message, maxsplit=1)[0],
            **values,
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry)
