"""Python code in a new process."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# pytest loads our plugin where the package is installed, and refuses to load it twice.
LOADS_PLUGIN = (
    ()
    if entry_points(group="pytest11", name="social_endpoints")
    else ("-p", "social_endpoints.internal.pytest_plugin")
)


def python(
    *arguments: str,
    path: Path = ROOT,
    folder: Path = ROOT,
    settings: str = "tests.settings",
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """Run Python and return the finished process.

    :param arguments: the command line, without the interpreter.
    :param path: a folder to import from in addition.
    :param folder: the working directory.
    :param settings: Django's settings module, or an empty string.
    :param variables: further environment variables.
    """
    search = os.pathsep.join([str(path), str(ROOT)])
    # Another database of this run would be named after the process that does not exist yet.
    defaults = {"TEST_DATABASE": "sqlite", "DJANGO_SETTINGS_MODULE": settings}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **defaults, **variables, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def hide(*packages: str) -> None:
    """Let the imports of packages fail as if they were not installed, in the new process."""

    class WithoutThem(PathFinder):
        @classmethod
        def find_spec(cls, fullname: str, *arguments: Any) -> ModuleSpec | None:
            is_hidden = fullname.partition(".")[0] in packages
            return None if is_hidden else super().find_spec(fullname, *arguments)

    sys.meta_path[sys.meta_path.index(PathFinder)] = WithoutThem
