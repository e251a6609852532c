"""Starting and stopping the example as its command does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from example_project.addresses import HOST, Addresses

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Example:
    addresses: Addresses
    process: subprocess.Popen[bytes]
    log: Path

    def is_ready(self) -> bool:
        return "The example runs." in self.log.read_text()

    def wait_until_ready(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def press_ctrl_c(self) -> int:
        """As a terminal does: it sends the signal to the whole process group."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(30)

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """As a service manager does: the signal goes to the one process that it started."""
        self.process.send_signal(signal_number)
        return self.process.wait(30)


@contextmanager
def example(
    data: Path,
    *,
    port_base: int | None = None,
    command: Sequence[str] = (sys.executable, "-m", "example_project", "--no-venv"),
    directory: Path = ROOT,
    ready_within: float = 60,
    **variables: str,
) -> Iterator[Example]:
    """The example in a process of its own, on free ports, with its files in ``data``."""
    addresses = Addresses(free_ports() if port_base is None else port_base)
    data.mkdir(parents=True, exist_ok=True)
    log = data / "log.txt"
    arguments = ["--port-base", str(addresses.port_base), "--data", str(data)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=directory,
            env={**os.environ, **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = Example(addresses, process, log)
    try:
        running.wait_until_ready(ready_within)
        yield running
    finally:
        if process.poll() is None:
            running.stop()


def free_ports() -> int:
    """The first of three ports in a row that nobody listens on."""
    for base in range(20000 + os.getpid() % 5000, 32000, 3):
        if not any(listens(port) for port in Addresses(base).ports):
            return base
    raise AssertionError("no three free ports in a row")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def status_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as response:
        return int(response.status)
