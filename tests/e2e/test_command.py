"""The example's command: it installs, runs, and leaves no process behind."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest

from tests.support.example import COMMAND, GREETING, ROOT, Example, started_example, status_of
from tests.support.servers.processes import free_ports, listens


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    directory = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, directory], check=True)
    return directory


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory for several starts, because the first one in a directory is slow."""
    return tmp_path_factory.mktemp("data")


def readme_command(clone: Path) -> list[str]:
    """Return the command in README.rst, with an interpreter that has no packages."""
    readme = (clone / "README.rst").read_text()
    found = re.search(r"^ +\$ (python3 -m example_project)\b", readme, re.MULTILINE)
    assert found, "README.rst does not contain the command"
    _, *arguments = shlex.split(found[1])
    # In a virtual environment this is the interpreter that created it.
    return [os.path.realpath(sys.executable), *arguments]


def generated_files(data: Path) -> dict[str, str]:
    names = ("apple-key.pem", "client-secret", "secret-key", "venv/installed.sha256")
    return {name: (data / name).read_text() for name in names}


def descendants(example: Example) -> list[psutil.Process]:
    return psutil.Process(example.process.pid).children(recursive=True)


def wait_for_descendants(example: Example) -> list[psutil.Process]:
    """Wait until the installation has started a process that has started another one."""
    while len(found := descendants(example)) < 2:
        assert example.process.poll() is None, example.log.read_text()
    return found


@contextmanager
def open_connections(example: Example) -> Iterator[None]:
    """Keep a connection open after a response, and another one in the middle of a request."""
    with ExitStack() as stack:
        idle = HTTPConnection("127.0.0.1", example.port, timeout=10)
        stack.callback(idle.close)
        idle.request("GET", "/")
        assert idle.getresponse().read()
        busy = stack.enter_context(socket.create_connection(("127.0.0.1", example.port)))
        busy.sendall(
            b"POST /auth/o/demo/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{"
        )
        yield


def start_in_vain(*arguments: str, **variables: str) -> str:
    """Run the command, which must exit with an explanation; return that."""
    result = subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode in (1, 2)
    assert "Traceback" not in result.stderr
    return " ".join(result.stderr.split())


def assert_ended(processes: list[psutil.Process]) -> None:
    _, running = psutil.wait_procs(processes, timeout=10)
    assert running == []


def test_second_start_from_clean_clone_keeps_environment_and_secrets(
    clone: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    with started_example(data, command=readme_command(clone), directory=clone) as example:
        example.wait_for(GREETING, seconds=600)
        for origin in (example.site, example.other_origin):
            assert status_of(f"{origin}/") == 200
            assert status_of(f"{origin}/login/callback/") == 200
        assert example.press_ctrl_c() == 0
    generated = generated_files(data)
    installed = (data / "venv").stat().st_ctime_ns
    with started_example(data, command=readme_command(clone), directory=clone) as example:
        example.wait_for(GREETING)
        assert status_of(f"{example.site}/") == 200
    assert generated_files(data) == generated
    assert (data / "venv").stat().st_ctime_ns == installed
    status = ["git", "status", "--porcelain"]
    assert subprocess.check_output(status, cwd=clone, text=True) == ""


stop_by_signal = pytest.mark.parametrize(
    "stop",
    [lambda example: example.press_ctrl_c(times=2), Example.stop],
    ids=["ctrl-c-twice", "sigterm"],
)


@stop_by_signal
def test_signal_while_running_stops_everything(data: Path, stop: Callable[[Example], int]) -> None:
    with started_example(data) as example:
        example.wait_for(GREETING)
        children = descendants(example)
        assert children
        with open_connections(example):
            assert stop(example) == 0
    assert not listens(example.port)
    assert_ended(children)
    assert "Traceback" not in example.log.read_text()


@stop_by_signal
def test_signal_during_installation_stops_everything(
    clone: Path, tmp_path: Path, stop: Callable[[Example], int]
) -> None:
    with started_example(tmp_path, command=readme_command(clone), directory=clone) as example:
        example.wait_for("Installing")
        children = wait_for_descendants(example)
        assert stop(example) == 130
    assert_ended(children)
    assert "Traceback" not in example.log.read_text()
    assert not (tmp_path / "venv" / "installed.sha256").exists()


def test_ctrl_c_during_first_migration_keeps_no_incomplete_database(tmp_path: Path) -> None:
    with started_example(tmp_path) as example:
        while not any(file.stat().st_size for file in tmp_path.glob("example.*")):
            assert example.process.poll() is None, example.log.read_text()
            time.sleep(0.01)
        assert example.press_ctrl_c() == 0
    assert "Traceback" not in example.log.read_text()
    assert not (tmp_path / "example.sqlite3").exists()
    with started_example(tmp_path) as example:
        example.wait_for(GREETING)


def test_killed_installation_leaves_no_process(clone: Path, tmp_path: Path) -> None:
    with started_example(tmp_path, command=readme_command(clone), directory=clone) as example:
        example.wait_for("Installing")
        children = wait_for_descendants(example)
        assert example.stop(signal.SIGKILL) == -signal.SIGKILL
    assert_ended(children)


def test_killed_command_leaves_no_process(data: Path) -> None:
    with started_example(data) as example:
        example.wait_for(GREETING)
        children = descendants(example)
        assert example.stop(signal.SIGKILL) == -signal.SIGKILL
    assert_ended(children)
    assert not listens(example.port)


def test_command_ends_when_server_is_killed(data: Path) -> None:
    with started_example(data) as example:
        example.wait_for(GREETING)
        for child in descendants(example):
            child.kill()
        assert example.process.wait(30) == 1
    assert "The server has ended" in example.log.read_text()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_port_in_use_is_explained(tmp_path: Path, host: str) -> None:
    port = free_ports()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        other_program = socket.create_server((host, port), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with other_program:
        explanation = start_in_vain(f"--port={port}", EXAMPLE_DATA=str(tmp_path))
    assert f"Port {port} of {host} cannot be used: Address already in use." in explanation
    assert "--port" in explanation
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_invalid_port_is_explained(port: str) -> None:
    assert "is not a port from 1 to 65535" in start_in_vain(EXAMPLE_PORT=port)


def test_unusable_data_directory_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    explanation = start_in_vain(f"--port={free_ports()}", f"--data={tmp_path / 'file'}")
    assert "cannot be used: File exists." in explanation
    assert "--data" in explanation


def test_server_runs_when_nobody_reads_its_output(data: Path) -> None:
    port = free_ports()
    command = [*COMMAND, f"--port={port}", f"--data={data}"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout
    process.stdout.close()
    deadline = time.monotonic() + 60
    while not listens(port):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert status_of(f"http://127.0.0.1:{port}/") == 200
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
