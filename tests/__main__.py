"""Run all tests: ``python3 -m tests``, with nothing but Python on the machine.

What follows is handed to tox: ``python3 -m tests -e lint``, for example.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
TOX = ROOT / ".tox" / "tox"

# The environments that need a server, and where it listens.
SERVERS = {"postgresql": 5432, "mariadb": 3306}


def main() -> int:
    """Install tox beside the repository's environments, and run it."""
    python = TOX / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(TOX, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "tox>=4.30"], check=True)
    arguments = sys.argv[1:] or ["run-parallel", "--parallel", "2", "--parallel-live"]
    environment = {**os.environ, "TOX_SKIP_ENV": "|".join(_skipped())}
    return subprocess.run(
        [python, "-m", "tox", *arguments], cwd=ROOT, env=environment, check=False
    ).returncode


def _skipped() -> list[str]:
    """Return patterns of the environments whose server is not there; in CI none may be."""
    if "CI" in os.environ:
        return []
    missing = [name for name, port in SERVERS.items() if not _listens(port)]
    for name in missing:
        print(f"Skipped: the tests on {name}, which does not listen here.")  # noqa: T201 - said once
    return [f".*-{name}" for name in missing]


def _listens(port: int) -> bool:
    with socket.socket() as connection:
        connection.settimeout(1)
        return connection.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    sys.exit(main())
