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
import time  # noqa: E402
from pathlib import Path  # noqa: E402

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ROOT / "example_project" / "requirements.txt"
CHILD = ROOT / "example_project" / "child.py"
HOST = "127.0.0.1"


def main() -> int:
    # An older pip reports this less clearly.
    if sys.version_info < (3, 11):  # noqa: UP036 - for users with an older Python
        sys.exit("The example needs Python 3.11 or newer.")
    options = parse_options()
    refuse_taken_port(options.port)
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
        return 0
    print(f"The server has ended (exit code {code}).", file=sys.stderr)
    return 1


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m example_project",
        description="Start the example site and its own OpenID Connect provider.",
        epilog="They are only reachable from this machine. Press Ctrl-C to stop them.",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=int(os.environ.get("EXAMPLE_PORT", "8000")),
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


def refuse_taken_port(port: int) -> None:
    """Exit with an explanation if the port cannot be used.

    The server listens on IPv4 only, but browsers try ``localhost`` on IPv6 first.
    """
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
            sys.exit(
                f"Port {port} of {host} cannot be used: {error.strerror}. Stop the program that "
                f"uses it, or choose another port: python3 -m example_project --port {port + 1000}"
            )


def install(venv: Path) -> str:
    """Return the Python of a virtual environment with all packages; the first start creates it."""
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = venv / "installed.sha256"
    files = (REQUIREMENTS, ROOT / "pyproject.toml")
    parts = [sys.version, sys.prefix, str(ROOT), *(file.read_text() for file in files)]
    fingerprint = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == fingerprint:
        return str(python)
    print(f"Installing the example in {venv} (only at the first start) …", flush=True)
    for command in (
        (sys.executable, "venv", "--clear", str(venv)),
        # Editable: changes of the package are used at the next start.
        (str(python), "pip", "install", "--quiet", "--disable-pip-version-check",
         "--editable", str(ROOT), "--requirement", str(REQUIREMENTS)),
    ):  # fmt: skip
        code = run(*command)
        if received_signals:
            sys.exit(130)
        if code:
            sys.exit("The example could not be installed. The reason is above.")
    stamp.write_text(fingerprint)
    return str(python)


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
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
