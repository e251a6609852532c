"""The entries of the page about error codes."""

from __future__ import annotations

import re

from tests.support.pages import page

ENTRY = r"^\.\. errorcode:: (\w+)\n\n((?:   .+\n|\n(?=   ))+)"
ENTRIES = dict(re.findall(ENTRY, page("troubleshooting/error_codes.rst") + "\n", re.MULTILINE))
"""The text of each entry, by its code."""


def field(code: str, name: str) -> str:
    """Return a field of an entry, or an empty string."""
    found = re.search(rf"^   :{name}: (.+\n(?:      .+\n)*)", ENTRIES[code], re.MULTILINE)
    return found[1] if found else ""
