"""The pages of the documentation and their code blocks."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.rst", *sorted(DOCS.glob("*.rst"))]


def page(name: str) -> str:
    """Return the text of a page in docs/."""
    return (DOCS / name).read_text()


def code_blocks(path: Path, language: str) -> list[str]:
    """Return the code blocks of a page that are in a language."""
    directive = rf"^( *)\.\. code-block:: {language}\n((?:\1 +.*\n|\n)+)"
    return [
        textwrap.dedent(block).strip("\n") + "\n"
        for _, block in re.findall(directive, path.read_text() + "\n", re.MULTILINE)
    ]
