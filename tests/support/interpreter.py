"""A Python process of its own, for what can only be seen in a fresh one."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def python(
    *arguments: str, path: Path = ROOT, settings: str = "tests.settings"
) -> subprocess.CompletedProcess[str]:
    """Run Python beside the package.

    :param arguments: what would stand on the command line.
    :param path: one more folder to import from.
    :param settings: Django's settings module; none where it is empty.
    """
    search = os.pathsep.join([str(path), str(ROOT)])
    # Not the database of this run: there is none of a new process's name.
    variables = {"TEST_DATABASE": "sqlite", "DJANGO_SETTINGS_MODULE": settings}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **variables, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def hide(*packages: str) -> None:
    """Make packages as good as not installed; to be called in the new process."""

    class WithoutThem(PathFinder):
        @classmethod
        def find_spec(cls, fullname: str, *arguments: Any) -> ModuleSpec | None:
            is_hidden = fullname.partition(".")[0] in packages
            return None if is_hidden else super().find_spec(fullname, *arguments)

    sys.meta_path[sys.meta_path.index(PathFinder)] = WithoutThem
