"""Runs several servers as one: all of them answer, or none is left."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STARTED_WITHIN = 60
STOPPED_WITHIN = 10

# A proxy that this machine is told to use knows nothing of its loopback interface.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Server:
    """One child process, and a URL at which it answers once it is ready."""

    name: str
    command: tuple[str, ...]
    ready_at: str


def run(
    servers: Sequence[Server],
    *,
    directory: Path,
    environment: Mapping[str, str],
    when_ready: Callable[[], None],
) -> int:
    """Runs all servers until Ctrl-C, SIGTERM or the end of one; answers an exit code."""
    stopping = threading.Event()
    # An exception here, in between, could leave a server behind; a flag cannot.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    processes = {server: start(server, directory, environment) for server in servers}
    try:
        failure = watch(processes, stopping, when_ready)
    finally:
        stop(processes.values())
    # Ctrl-C reaches the whole group: a server that ended with us did not fail.
    if failure and not stopping.is_set():
        print(failure, file=sys.stderr)
        return 1
    return 0


def start(
    server: Server, directory: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    # Only the log, which goes to standard error: Django's greeting would bury ours.
    return subprocess.Popen(
        server.command, cwd=directory, env=environment, stdout=subprocess.DEVNULL
    )


def watch(
    processes: Mapping[Server, subprocess.Popen[bytes]],
    stopping: threading.Event,
    when_ready: Callable[[], None],
) -> str | None:
    """Waits until something ends; answers what failed, if something did."""
    starting = list(processes)
    deadline = time.monotonic() + STARTED_WITHIN
    while not stopping.wait(0.1):
        for server, process in processes.items():
            if process.poll() is not None:
                return f"The {server.name} has ended (exit code {process.returncode})."
        if starting:
            starting = [server for server in starting if not answers(server.ready_at)]
            if not starting:
                when_ready()
            elif time.monotonic() > deadline:
                return f"The {starting[0].name} did not answer within {STARTED_WITHIN} seconds."
    return None


def answers(url: str) -> bool:
    try:
        with opener.open(url, timeout=5):
            return True
    except OSError:
        return False


def stop(processes: Collection[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
