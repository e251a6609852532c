"""The example's command as a new user runs it: from a clean clone, with nothing installed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from .example import ROOT, example, status_of


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    directory = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, directory], check=True)
    return directory


def test_the_example_from_a_clean_clone(clone: Path, tmp_path: Path) -> None:
    with example(
        tmp_path / "data", command=readme_command(clone), directory=clone, ready_within=600
    ) as running:
        for origin in (running.addresses.site, running.addresses.second_origin):
            assert status_of(f"{origin}/") == 200
            assert status_of(f"{origin}/login/callback/") == 200
        installed = (tmp_path / "data" / "venv").stat().st_ctime_ns
        assert running.press_ctrl_c() == 0
    # The second start installs nothing.
    with example(tmp_path / "data", command=readme_command(clone), directory=clone) as running:
        assert status_of(f"{running.addresses.site}/") == 200
    assert (tmp_path / "data" / "venv").stat().st_ctime_ns == installed
    untracked = subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True
    ).stdout
    assert untracked == ""


def readme_command(clone: Path) -> list[str]:
    """The command with which README.rst starts the example, for a bare interpreter."""
    readme = (clone / "README.rst").read_text()
    found = re.search(r"^ +\$ (python3 -m example_project)\b", readme, re.MULTILINE)
    assert found, "README.rst does not name the command"
    _, *arguments = shlex.split(found[1])
    # Of a virtual environment: the interpreter that it was made from, without packages.
    return [os.path.realpath(sys.executable), *arguments]
