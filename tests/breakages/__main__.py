"""Check that the tests catch each breakage: ``python -m tests.breakages``.

Arguments select breakages by parts of their names, as in ``python -m tests.breakages nonce``.
The exit status is 1 if a breakage survives, cannot be applied, or breaks more than it should.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.breakages.table import BREAKAGES, PACKAGE, ROOT, Breakage

COPIED = (
    "docs",
    "frontend",
    "social_endpoints",
    "tests",
    "CHANGELOG.rst",
    "README.rst",
    "pyproject.toml",
)

IGNORED = shutil.ignore_patterns("__pycache__", "node_modules")

ASSERTIONS = ("assert ", "AssertionError", "Failed: DID NOT ")
"""First words of pytest's message for an expectation that is not met."""


def main() -> int:
    """Run the command and return its exit status."""
    selected = [each for each in BREAKAGES if all(text in each.name for text in sys.argv[1:])]
    if not selected:
        report("No breakage has such a name.")
        return 1
    with TemporaryDirectory() as directory:
        copy = Path(directory) / "project"
        copy_project(copy)
        problem = run(copy, {test for each in selected for test in each.tests}, must_fail=False)
        if problem:
            report(f"The tests fail without a breakage: {problem}")
            return 1
        survivors = [each.name for each in selected if not is_caught(each, copy)]
    report(f"{len(selected) - len(survivors)} of {len(selected)} breakages are caught.")
    for name in survivors:
        report(f"NOT CAUGHT: {name}")
    return 1 if survivors else 0


def is_caught(breakage: Breakage, copy: Path) -> bool:
    """Apply a breakage, run its tests and undo it; return whether the tests caught it."""
    started = time.monotonic()
    module = copy / PACKAGE.name / breakage.module
    original = module.read_text()
    try:
        module.write_text(breakage.apply(original))
        problem = run(copy, breakage.tests, must_fail=True)
    except ValueError as error:
        problem = str(error)
    finally:
        module.write_text(original)
    report(f"{problem or 'caught':<40} {time.monotonic() - started:5.1f} s  {breakage.name}")
    return not problem


def run(copy: Path, tests: Iterable[str], *, must_fail: bool) -> str:
    """Run tests in a copy of the project; return what is wrong with the result, or nothing.

    A breakage must make an assertion fail. A test that cannot be collected, set up or run to its
    assertion proves nothing.
    """
    report_path = copy / "report.xml"
    report_path.unlink(missing_ok=True)
    options = [
        "-x",
        "-q",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
        "--junit-xml",
        "report.xml",
    ]
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *sorted(tests)],
        cwd=copy,
        # A cached bytecode file counts as valid if the source has the same size and time.
        env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode not in {0, 1}:
        return f"pytest exits with status {finished.returncode}"
    failures = list(ET.parse(report_path).iter("failure"))
    if not must_fail:
        return finished.stdout[-2_000:] if finished.returncode else ""
    if finished.returncode == 0:
        return "SURVIVES"
    messages = [failure.get("message", "") for failure in failures]
    if not any(message.startswith(ASSERTIONS) for message in messages):
        return f"no assertion fails: {messages or 'an error'}"
    return ""


def copy_project(copy: Path) -> None:
    """Copy what the tests need."""
    copy.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=IGNORED)
        else:
            shutil.copy(source, copy / name)


def report(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the output of the command


if __name__ == "__main__":
    sys.exit(main())
