"""Start and stop the example by its command."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.servers.frontend import User
from tests.support.servers.processes import free_ports

ROOT = Path(__file__).parents[2]
GREETING = "The example is running."
COMMAND = (sys.executable, "-m", "example_project", "--no-venv")


@dataclass(frozen=True)
class Example:
    """A process of the command, which leads a process group as in a terminal."""

    port: int
    data: Path
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def site(self) -> str:
        """Return the origin of the API and of the page beside it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def other_origin(self) -> str:
        """Return the other origin of the page, which is also the provider's."""
        return f"http://localhost:{self.port}"

    def wait_for(self, text: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def press_ctrl_c(self, times: int = 1) -> int:
        """Send SIGINT to the process group, as a terminal does; return the exit code."""
        for _ in range(times):
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(30)

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """Send a signal to the process, as a service manager does; return the exit code."""
        self.process.send_signal(signal_number)
        return self.process.wait(30)

    def forget_accounts(self) -> None:
        """Delete all accounts of the site."""
        with closing(sqlite3.connect(self.data / "example.sqlite3")) as database, database:
            database.execute("DELETE FROM authtoken_token")
            database.execute("DELETE FROM social_auth_usersocialauth")
            database.execute("DELETE FROM auth_user")

    def end_sessions(self) -> None:
        """Delete all tokens of the site."""
        with closing(sqlite3.connect(self.data / "example.sqlite3")) as database, database:
            database.execute("DELETE FROM authtoken_token")

    def revoke_provider_tokens(self) -> None:
        """End the access to all accounts, as a person does on the start page of the provider."""
        User().submit(f"{self.other_origin}/provider/", {"action": "revoke"})


@contextmanager
def started_example(
    data: Path,
    *,
    port: int | None = None,
    command: Sequence[str] = COMMAND,
    directory: Path = ROOT,
    **variables: str,
) -> Iterator[Example]:
    """Start the example on a free port, with its files in ``data``."""
    port = free_ports() if port is None else port
    data.mkdir(parents=True, exist_ok=True)
    log = data / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--data", str(data)],
            cwd=directory,
            env={**os.environ, **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    example = Example(port, data, process, log)
    try:
        yield example
    finally:
        if process.poll() is None:
            example.stop()


@contextmanager
def running_example(data: Path, **variables: str) -> Iterator[Example]:
    """Run the example with the settings of the browser tests."""
    settings = "tests.support.example_settings"
    with started_example(data, EXAMPLE_SETTINGS=settings, **variables) as example:
        example.wait_for(GREETING)
        yield example


def status_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as response:
        return int(response.status)
