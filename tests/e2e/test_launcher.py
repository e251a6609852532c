"""The example's command: what it starts, it stops."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from example_project.addresses import HOST

from .example import ROOT, Example, example, free_ports, listens, status_of


@pytest.mark.parametrize(
    "stop",
    [
        Example.press_ctrl_c,
        lambda running: running.stop(signal.SIGINT),
        lambda running: running.stop(signal.SIGTERM),
    ],
    ids=["ctrl-c", "sigint", "sigterm"],
)
def test_stopping_it_stops_everything(tmp_path: Path, stop: Callable[[Example], int]) -> None:
    with example(tmp_path) as running:
        ports = running.addresses.ports
        assert all(listens(port) for port in ports)
        children = psutil.Process(running.process.pid).children(recursive=True)
        assert len(children) == 2
        assert stop(running) == 0
    assert not any(listens(port) for port in ports)
    assert not any(child.is_running() for child in children)
    assert "Traceback" not in running.log.read_text()


@pytest.mark.parametrize("name", ["site", "provider"])
def test_if_one_ends_so_does_the_other(tmp_path: Path, name: str) -> None:
    with example(tmp_path) as running:
        ports = running.addresses.ports
        for child in psutil.Process(running.process.pid).children():
            if f"--settings=example_project.{name}.settings" in child.cmdline():
                child.kill()
        assert running.process.wait(30) == 1
        assert f"The {name} has ended" in running.log.read_text()
    assert not any(listens(port) for port in ports)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_port_that_is_taken(tmp_path: Path, which: int) -> None:
    base = free_ports()
    with socket.create_server((HOST, base + which)):
        result = subprocess.run(
            [sys.executable, "-m", "example_project", "--no-venv", f"--port-base={base}"],
            cwd=ROOT,
            env={**os.environ, "EXAMPLE_DATA": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert result.returncode == 1
    assert f"Port {base + which} of {HOST} is taken." in result.stderr
    assert "--port-base" in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_second_start_keeps_what_the_first_made(tmp_path: Path) -> None:
    made: list[dict[str, bytes]] = []
    for _ in range(2):
        with example(tmp_path) as running:
            assert status_of(f"{running.addresses.site}/") == 200
        made.append({path.name: path.read_bytes() for path in tmp_path.glob("*-*")})
    assert made[0] == made[1]
    assert set(made[0]) == {
        "client-secret",
        "provider-secret-key",
        "provider-signing-key.pem",
        "site-secret-key",
    }
