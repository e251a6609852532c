"""Start the example: ``python3 -m example_project``

This module imports only the standard library, because it installs everything else.
"""

from __future__ import annotations

import signal

# Ctrl-C and SIGTERM only set a flag, from the first moment on. So they cannot interrupt
# anything halfway, and a second Ctrl-C changes nothing.
received_signals: list[int] = []
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda received, frame: received_signals.append(received))

import argparse  # noqa: E402 - after the signal handlers
import errno  # noqa: E402
import hashlib  # noqa: E402
import os  # noqa: E402
import socket  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
import tomllib  # noqa: E402
from contextlib import suppress  # noqa: E402
from pathlib import Path  # noqa: E402

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ROOT / "example_project" / "requirements.txt"
CHILD = ROOT / "example_project" / "child.py"
HOST = "127.0.0.1"


def main() -> int:
    options = parse_options()
    refuse_unknown_localhost()
    refuse_taken_port(options.port)
    refuse_read_only_directory(options.data)
    os.environ |= {
        "EXAMPLE_PORT": str(options.port),
        "EXAMPLE_DATA": str(options.data),
        "PYTHONUNBUFFERED": "1",
        # The site calls its provider directly, even on a machine behind a proxy.
        "NO_PROXY": f"{HOST},localhost",
        "no_proxy": f"{HOST},localhost",
    }
    python = sys.executable if options.no_venv else install(options.data / "venv")
    code = run(python, "example_project.serve")
    if received_signals:
        report("\nThe example has stopped.")  # The terminal has printed "^C".
        return 0
    report(f"The server has ended (exit code {code}). The reason is above.")
    return 1


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m example_project",
        description="Start the example site and a fake provider in place of real ones.",
        epilog="They are only reachable from this machine. Press Ctrl-C to stop them.",
    )
    parser.add_argument(
        "--port",
        type=port_number,
        default=os.environ.get("EXAMPLE_PORT", "8000"),
        help="port on 127.0.0.1 (default: %(default)s, or the variable EXAMPLE_PORT)",
    )
    parser.add_argument(
        "--data",
        type=lambda path: Path(path).absolute(),
        default=os.environ.get("EXAMPLE_DATA", ROOT / ".example"),
        metavar="DIRECTORY",
        help="directory for the database, the keys and the virtual environment "
        "(default: .example in the repository, or the variable EXAMPLE_DATA)",
    )
    parser.add_argument(
        "--no-venv",
        action="store_true",
        help="install nothing, use the packages of this Python",
    )
    return parser.parse_args()


def port_number(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return int(text)


def refuse_unknown_localhost() -> None:
    """Exit with an explanation if this machine does not know ``localhost``."""
    try:
        socket.getaddrinfo("localhost", None)
    except OSError:
        sys.exit(
            "This machine does not know the name 'localhost', which the example's provider has. "
            f"Add this line to the hosts file of the machine: {HOST} localhost"
        )


def refuse_taken_port(port: int) -> None:
    """Exit with an explanation if the port cannot be used, with IPv4 or with IPv6."""
    for family, host in ((socket.AF_INET, HOST), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as probe:
                # Like the server, so that connections in TIME_WAIT do not count.
                if os.name == "posix":
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except OSError as error:
            if host != HOST and error.errno != errno.EADDRINUSE:
                continue  # This machine has no IPv6.
            other_port = port + 1000 if port < 60000 else 8000
            is_taken = error.errno == errno.EADDRINUSE
            sys.exit(
                f"Port {port} of {host} cannot be used: {error.strerror}. "
                f"{'Stop the program that uses it, or choose' if is_taken else 'Choose'} "
                f"another port: python3 -m example_project --port {other_port}"
            )


def refuse_read_only_directory(data: Path) -> None:
    """Exit with an explanation if no file can be written to the directory."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=data).close()
    except OSError as error:
        sys.exit(
            f"The directory {data} cannot be used: {error.strerror}. "
            "Choose another one: python3 -m example_project --data DIRECTORY"
        )


def install(venv: Path) -> str:
    """Return the Python of a virtual environment with all packages; the first start creates it."""
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = venv / "installed.sha256"
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    requirements = REQUIREMENTS.read_text("utf-8")
    parts = (sys.version, sys.prefix, str(ROOT), project, requirements)
    fingerprint = hashlib.sha256("\n".join(parts).encode(errors="surrogateescape")).hexdigest()
    if stamp.exists() and stamp.read_text() == fingerprint:
        return str(python)
    report(
        f"Installing the packages of the example in {venv} "
        "(only at the first start, for less than a minute) ..."
    )
    for command in (
        (sys.executable, "venv", "--clear", str(venv)),
        # Building the project itself and compiling all modules would take twice as long. The
        # project is imported from its directory.
        (str(python), "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile",
         "--requirement", str(REQUIREMENTS), *tomllib.loads(project)["project"]["dependencies"]),
    ):  # fmt: skip
        code = run(*command)
        if received_signals:
            sys.exit(130)
        if code:
            sys.exit(
                "The packages could not be installed. The reason is above. The first start needs a "
                "network, and on some systems a package such as python3-venv."
            )
    stamp.write_text(fingerprint)
    return str(python)


def report(text: str) -> None:
    """Print a message, if there still is a terminal to print it to."""
    if sys.stderr:
        with suppress(OSError):
            os.write(sys.stderr.fileno(), f"{text}\n".encode(errors="surrogateescape"))


def run(python: str, *command: str) -> int:
    """Run a Python module until it ends or a signal arrives; return its exit code.

    The child has a session of its own, so that Ctrl-C in the terminal only reaches this process.
    """
    child = subprocess.Popen(
        [python, str(CHILD), *command], cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True
    )
    while child.poll() is None and not received_signals:
        time.sleep(0.05)
    child.stdin.close()  # ends the child
    code = child.wait()
    if received_signals:
        # Python restores the default actions when it ends. Then a second Ctrl-C would kill it.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    return code


if __name__ == "__main__":
    sys.exit(main())
