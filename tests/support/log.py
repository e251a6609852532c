"""The lines of the logger ``social_endpoints``, parsed as an operator's tools do."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.pages import page

LOGGING = page("operations/logging.rst").partition("\nNo secrets\n===")[0]
"""The page of the documentation, without the part about other loggers."""

TERMS = re.findall(r"^(``.+)\n   ", LOGGING, re.MULTILINE)
DOCUMENTED = {name for term in TERMS for name in re.findall(r"``([a-z_ ]+)``", term)}
"""The events and the keys in the definition lists of that page."""

_VALUE = r'"(?:[^"\\]|\\.)*"|[!#-<>-\[\]-~]+'
_PAIR = re.compile(rf"(\w+)=({_VALUE})")
_LINE = re.compile(rf"[a-z]+(?: [a-z]+)*(?: \w+=(?:{_VALUE}))*")


def parsed(line: str) -> dict[str, str]:
    """Return the values of a line, and its event under ``event``.

    :raises AssertionError: the line has another format, or is not documented.
    """
    assert _LINE.fullmatch(line), line
    event = re.split(r" \w+=", line, maxsplit=1)[0]
    assert {event, *(name for name, _ in _PAIR.findall(line))} <= DOCUMENTED, line
    values = {
        name: json.loads(value) if value.startswith('"') else value
        for name, value in _PAIR.findall(line)
    }
    return {"event": event, **values}


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the lines of the logger, with their level."""
    return [
        {"level": record.levelname, **parsed(record.getMessage())}
        for record in caplog.records
        if record.name == "social_endpoints"
    ]
