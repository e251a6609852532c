"""Starting the servers as processes of their own, and stopping them."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from example_project.addresses import HOST
from tests.servers.addresses import Addresses

ROOT = Path(__file__).parents[2]
SITE_SETTINGS = "tests.servers.site.settings"
READY_WITHIN = 30
STOPPED_WITHIN = 10
LAST_LINES = 40


@dataclass(frozen=True)
class Processes:
    """Starts servers at ``addresses``, with their files and logs in ``data``."""

    addresses: Addresses
    data: Path

    def log(self, name: str) -> Path:
        return self.data / f"{name}.log"

    def accounts(self) -> int:
        """How many users and identities the site has."""
        with closing(sqlite3.connect(self.data / "site.sqlite3")) as database:
            tables = ("auth_user", "social_auth_usersocialauth")
            rows = (database.execute(f"SELECT count(*) FROM {table}") for table in tables)
            return sum(row.fetchone()[0] for row in rows)

    def last_lines(self) -> Iterator[tuple[str, str]]:
        """What each server logged last, by the server's name."""
        for log in sorted(self.data.glob("*.log")):
            lines = log.read_text().splitlines(keepends=True)
            yield log.stem, "".join(lines[-LAST_LINES:])

    @contextmanager
    def django(self, name: str, port: int, project: str) -> Iterator[None]:
        """A Django project: ``--settings=…``, or ``--urlconf=…`` and nothing else."""
        command = [sys.executable, "-m", "tests.servers.serve", name, str(port), project]
        with self.server(name, command, port):
            yield

    @contextmanager
    def server(self, name: str, command: Sequence[str | Path], port: int) -> Iterator[None]:
        """A server that answers on a port, and that ends when its standard input does."""
        with self.log(name).open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_ready(name, process, port)
            yield
        finally:
            _stop(process)

    def run(self, *arguments: str) -> str:
        """Run Python beside the servers; return what it prints."""
        result = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": SITE_SETTINGS,
            "EXAMPLE_PORT_BASE": str(self.addresses.port_base),
            "EXAMPLE_DATA": str(self.data),
            "PYTHONUNBUFFERED": "1",
            # The servers ask one another directly, also on a machine behind a proxy.
            "NO_PROXY": f"{HOST},localhost",
            "no_proxy": f"{HOST},localhost",
        }

    def _wait_until_ready(self, name: str, process: subprocess.Popen[bytes], port: int) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while not _listens(port):
            assert process.poll() is None, self.log(name).read_text()
            assert time.monotonic() < deadline, self.log(name).read_text()
            time.sleep(0.05)


def free_ports(count: int) -> int:
    """The first of some ports in a row that nobody listens on."""
    for base in range(10000 + os.getpid() % 5000, 19000, count):
        if not any(_listens(port) for port in range(base, base + count)):
            return base
    raise AssertionError(f"no {count} free ports in a row")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(STOPPED_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
