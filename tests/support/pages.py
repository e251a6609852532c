"""The pages of the documentation, their code blocks, and the tests that they name."""

from __future__ import annotations

import ast
import re
import textwrap
from functools import cache
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


@cache
def named_tests() -> frozenset[str]:
    """Return the node id of each test, as in ``tests/unit/test_flow.py::test_name``."""
    return frozenset(
        f"{path.relative_to(ROOT).as_posix()}::{node.name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )
