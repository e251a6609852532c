"""Run all tests: ``python3 -m tests``. Only Python must be installed.

Arguments are passed to tox, as in ``python3 -m tests -e lint``.
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

# The ports of the servers that some environments need.
SERVERS = {"postgresql": 5432, "mariadb": 3306, "redis": 6379}


def main() -> int:
    """Install tox into ``.tox/tox`` and run it."""
    python = TOX / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(TOX, with_pip=True)
        pip = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "tox>=4.30", "tox-uv>=1.28"], check=True)
    arguments = sys.argv[1:] or ["run-parallel", "--parallel", "3", "--parallel-live"]
    environment = {**os.environ, "TOX_SKIP_ENV": "|".join(_skipped())}
    return subprocess.run(
        [python, "-m", "tox", *arguments], cwd=ROOT, env=environment, check=False
    ).returncode


def _skipped() -> list[str]:
    """Return patterns of environments whose server does not listen; in CI, run them all."""
    if "CI" in os.environ:
        return []
    missing = [name for name, port in SERVERS.items() if not _listens(port)]
    for name in missing:
        print(f"Skipped: the tests on {name}, because no server listens.")  # noqa: T201 - a notice
    return [f".*-{name}\\b" for name in missing]


def _listens(port: int) -> bool:
    with socket.socket() as connection:
        connection.settimeout(1)
        return connection.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    sys.exit(main())
