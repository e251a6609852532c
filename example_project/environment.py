"""The virtual environment of the example: made at the first start, kept for the next."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
REQUIREMENTS = Path(__file__).parent / "requirements.txt"


def python_in(directory: Path) -> Path:
    """The interpreter of an environment in which all that the example needs is installed."""
    python = directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = directory / "installed.sha256"
    if python.exists() and stamp.exists() and stamp.read_text() == fingerprint():
        return python
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit(
            "This Python cannot create virtual environments. "
            "On Debian and Ubuntu: apt install python3-venv"
        )
    print(f"Installing the example into {directory} (only at the first start) …", flush=True)
    venv.create(directory, with_pip=True, clear=True)
    # Editable, so that a change of the package shows at the next start.
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--editable", ROOT, "--requirement", REQUIREMENTS],
        check=True,
    )  # fmt: skip
    stamp.write_text(fingerprint())
    return python


def fingerprint() -> str:
    """Changes with the interpreter and with what is to be installed."""
    parts = [sys.version, sys.prefix, str(ROOT)]
    parts += [file.read_text() for file in (ROOT / "pyproject.toml", REQUIREMENTS)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
