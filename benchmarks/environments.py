"""The virtual environments: one for each peer, because what they need excludes one another."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.peers import Peer
from benchmarks.processes import ROOT


def python_of(peer: Peer, data: Path) -> Path:
    """Return the interpreter of the environment of a peer; made the first time.

    :param data: the folder that holds all of them.
    """
    directory = data / "environments" / peer.site
    python = directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, wanted = directory / "installed.sha256", _fingerprint(peer)
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit(
            "This Python cannot create virtual environments. "
            "On Debian and Ubuntu: apt install python3-venv"
        )
    print(f"Installing {peer.site} into {directory} …", flush=True)
    venv.create(directory, with_pip=True, clear=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *peer.requirements], cwd=ROOT, check=True)
    stamp.write_text(wanted)
    return python


def _fingerprint(peer: Peer) -> str:
    """Return what changes with the interpreter and with what is to be installed."""
    parts = [sys.version, sys.prefix, str(ROOT), *peer.requirements]
    if "--editable" in peer.requirements:
        parts.append((ROOT / "pyproject.toml").read_text())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
