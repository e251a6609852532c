"""Print each finding; the exit status is 1 if there is one. Arguments are files."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from proselint.tools import LintFile, LintResult

from tests.prose.rules import RIDDLE, configured
from tests.prose.sources import Paragraph, paragraphs

ROOT = Path(__file__).parents[2]
PROSE = (
    "*.rst",
    "*.md",
    "docs/**/*.rst",
    "docs/**/*.py",
    "docs/recipes/**/*.ts*",
    "docs/recipes/**/*.js",
    "example_project/**/*.py",
    "frontend/*.md",
    "frontend/*.js",
    "social_endpoints/**/*.py",
)
"""What is read by users or developers of this project."""


def findings(paths: Iterable[Path]) -> Iterator[str]:
    """Yield the findings in files, as ``file:line: rule: message``."""
    configuration = configured()
    for path in paths:
        for paragraph in paragraphs(path):
            linted = LintFile(str(path), paragraph.text)
            for result in linted.lint(configuration):
                yield _shown(paragraph, result)
            if paragraph.starts_docstring:
                for riddle in RIDDLE.check(linted.content):
                    yield _shown(paragraph, LintResult(riddle, (1, 0)))


def _shown(paragraph: Paragraph, result: LintResult) -> str:
    line = paragraph.line + result.pos[0] - 1
    path, message, _, _ = result.check_result
    return f"{paragraph.path}:{line}: {path}: {' '.join(message.split())}"


def all_files() -> list[Path]:
    """Return the files with prose."""
    found = {path for pattern in PROSE for path in ROOT.glob(pattern)}
    return sorted(path for path in found if not {"node_modules", "_build"} & {*path.parts})


def main() -> int:
    """Lint the files that the arguments name, or all."""
    found = list(findings(map(Path, sys.argv[1:]) if sys.argv[1:] else all_files()))
    sys.stdout.writelines(f"{finding}\n" for finding in found)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
