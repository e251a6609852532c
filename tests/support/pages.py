"""The pages of the documentation, their code blocks, and the tests that they name."""

from __future__ import annotations

import ast
import re
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.rst", ROOT / "frontend/README.md", *sorted(DOCS.rglob("*.rst"))]


def page(name: str) -> str:
    """Return the text of a page in docs/."""
    return (DOCS / name).read_text()


def code_blocks(path: Path, *languages: str) -> list[str]:
    """Return the code blocks of a page that are in one of some languages."""
    text = path.read_text() + "\n"
    if path.suffix == ".md":
        blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        return [block for language, block in blocks if language in languages]
    directive = rf"^( *)\.\. code-block:: (?:{'|'.join(languages)})\n((?:\1 +.*\n|\n)+)"
    blocks = [block for _, block in re.findall(directive, text, re.MULTILINE)]
    return [
        re.sub(r"\A(?::[\w-]+:.*\n)+", "", textwrap.dedent(block)).strip("\n") + "\n"
        for block in blocks
    ]


def literals(path: Path) -> list[str]:
    """Return the inline literals of a page."""
    return re.findall(r"``([^`]+)``", path.read_text())


def page_id(path: Path) -> str:
    """Return the path of a page in the repository."""
    return path.relative_to(ROOT).as_posix()


def find_block(name: str, text: str, language: str = "python") -> str:
    """Return the first code block of a page in docs/ that contains a text."""
    return next(block for block in code_blocks(DOCS / name, language) if text in block)


def run_block(name: str, text: str) -> dict[str, Any]:
    """Run the first code block of a page that contains a text; return its names."""
    project: dict[str, Any] = {}
    exec(find_block(name, text).replace("myproject.", "docs.recipes."), project)
    return project


@cache
def named_tests() -> frozenset[str]:
    """Return the node id of each test, as in ``tests/unit/test_flow.py::test_name``."""
    return frozenset(
        f"{path.relative_to(ROOT).as_posix()}::{node.name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )
