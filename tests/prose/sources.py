"""The prose of a file, without its code: each paragraph, with the number of its first line."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

# Directives whose content is code, or whose content is not shown.
_CODE = re.compile(
    r"\s*\.\. (?:_|\||(?:code-block|code|sourcecode|literalinclude|image|figure|toctree|raw|include"
    r"|highlight|auto\w+|parsed-literal|openapi)::)"
)
_ADORNMENT = re.compile(r"\s*(?:([-=~^\"*#+])\1{2,}[ =]*|:[a-z-]+:(?:\s.*)?|#\..*\|.*)$")
_LITERAL = re.compile(r"``[^`]+``|:[\w:]+:`[^`]+`|`[^`<]*<[^`]*>`_*|`[^`]+`|https?://\S+")
_PRAGMA = re.compile(r"#:?\s*(?:noqa|type:|pragma|fmt:|codespell)")

_FIELD = re.compile(r"\s*:[^:`]+:(?:\s|$)")
# Other strings are names and values.
_MESSAGE = re.compile(r"[\s\"'<%{(]*[A-Z\d]\S* ")


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of prose. Code in it is replaced with X0, X1 …"""

    path: Path
    line: int
    text: str
    starts_docstring: bool = False


def paragraphs(path: Path) -> Iterator[Paragraph]:
    """Yield the paragraphs of a file in reStructuredText, Markdown, Python or JavaScript."""
    source = path.read_text()
    if path.suffix == ".py":
        yield from _of_python(path, source)
    elif path.suffix in (".js", ".ts", ".tsx", ".mjs"):
        comments = re.compile(r"/\*\*?(.*?)\*/", re.DOTALL)
        for match in comments.finditer(source):
            text = re.sub(r"(?m)^\s*\* ?(?:@\w+ (?:\{.*?\} )?\S+)?", "", match[1])
            yield from _split(path, source.count("\n", 0, match.start()) + 1, text)
    else:
        yield from _split(path, 1, _without_code(source))


def _without_code(source: str) -> str:
    """Return a text of which the lines with code are empty."""
    lines: list[str] = []
    code_indent: int | None = None
    is_fenced = False
    for line in source.split("\n"):
        indent = len(line) - len(line.lstrip())
        if line.lstrip().startswith("```"):
            is_fenced = not is_fenced
            lines.append("")
            continue
        if code_indent is not None and line.strip() and indent <= code_indent:
            code_indent = None
        if is_fenced or code_indent is not None:
            lines.append("")
        elif _CODE.match(line):
            code_indent = indent
            lines.append("")
        elif _ADORNMENT.match(line):
            lines.append("")
        else:
            if line.rstrip().endswith("::") and not line.lstrip().startswith(".. "):
                code_indent = indent
            lines.append(line)
    return "\n".join(lines)


def _split(path: Path, line: int, whole: str, *, is_docstring: bool = False) -> Iterator[Paragraph]:
    """Yield the paragraphs of a text, of which each may start with a bullet or a term."""
    # An item of a list, a cell of a table, a term and its definition are paragraphs of their own.
    lines: list[str] = []
    indent = 0
    for number, text in enumerate([*whole.split("\n"), ""]):
        marker = re.match(r"[ \t]*(?:\* - |[*#-] |\d+\. |#\. )?", text)
        width = len(marker[0]) if marker else 0
        starts = not text.strip() or width != len(text) - len(text.lstrip()) or width > indent
        if starts and lines:
            numbers = count()
            clean = _LITERAL.sub(lambda _, numbers=numbers: f"X{next(numbers)}", "\n".join(lines))
            first = number - len(lines)
            yield Paragraph(path, line + first, clean, is_docstring and first == 0)
            lines = []
        if text.strip():
            # The lines after a field, and after the first line of a docstring, may be indented.
            is_followed = _FIELD.match(text) or (is_docstring and number == 0)
            indent = 999 if is_followed else width
            lines.append(text[width:])


def _of_python(path: Path, source: str) -> Iterator[Paragraph]:
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and ast.get_docstring(node) is not None
        and isinstance(node.body[0], ast.Expr)
    }  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_docstring = id(node) in docstrings
            if not is_docstring and not _MESSAGE.match(node.value):
                continue
            text = _without_code(node.value)
            yield from _split(path, node.lineno, text, is_docstring=is_docstring)
    for line, text in _comments(tokenize.generate_tokens(io.StringIO(source).readline)):
        yield from _split(path, line, text)


def _comments(tokens: Iterable[tokenize.TokenInfo]) -> Iterator[tuple[int, str]]:
    """Yield the blocks of adjacent comments."""
    block: list[str] = []
    last = -1
    for token in tokens:
        if token.type != tokenize.COMMENT or _PRAGMA.match(token.string):
            continue
        if token.start[0] != last + 1 and block:
            yield last - len(block) + 1, "\n".join(block)
            block = []
        block.append(token.string.lstrip("#: "))
        last = token.start[0]
    if block:
        yield last - len(block) + 1, "\n".join(block)
