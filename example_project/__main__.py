"""Starts the example: ``python3 -m example_project``

Here, and in what is imported from here, stands nothing but the standard library: what
else the example needs is only about to be installed.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from example_project import environment, servers
from example_project.addresses import HOST, Addresses
from example_project.data import DATA, ROOT
from example_project.provider import demo
from example_project.second_origin import page_server


def main() -> int:
    # Said here because an older pip says it less clearly.
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit("The example needs Python 3.11 or newer.")
    options = parse_options()
    addresses = Addresses(options.port_base)
    refuse_taken_ports(addresses)
    # Until the servers run, either signal ends what is being installed.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    variables = child_environment(addresses, options.data)
    try:
        python = sys.executable
        if not options.no_venv:
            python = str(environment.python_in(options.data / "venv"))
        prepare(python, variables)
    except KeyboardInterrupt:
        return 130
    except subprocess.CalledProcessError:
        sys.exit("The example could not be prepared; the reason stands above.")
    with page_server(addresses) as second_origin:
        threading.Thread(target=second_origin.serve_forever, daemon=True).start()
        code = servers.run(
            [
                django_server(python, "provider", addresses.ports[2], "/login/"),
                django_server(python, "site", addresses.ports[0], "/"),
            ],
            directory=ROOT,
            environment=variables,
            when_ready=lambda: introduce(addresses),
        )
        second_origin.shutdown()
    return code


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m example_project",
        description="Starts the example site and its own OpenID Connect provider.",
        epilog="Only this machine can reach them. Ctrl-C stops all.",
    )
    parser.add_argument(
        "--port-base",
        type=int,
        default=int(os.environ.get("EXAMPLE_PORT_BASE", Addresses.port_base)),
        metavar="PORT",
        help="first of three ports in a row: the site, the page's second origin and "
        "the provider (default: %(default)s, or the variable EXAMPLE_PORT_BASE)",
    )
    parser.add_argument(
        "--data",
        type=lambda path: Path(path).absolute(),
        default=DATA,
        metavar="DIRECTORY",
        help="where databases, keys and the virtual environment are kept "
        "(default: .example in the repository, or the variable EXAMPLE_DATA)",
    )
    parser.add_argument(
        "--no-venv",
        action="store_true",
        help="use this interpreter and the packages that it has, install nothing",
    )
    return parser.parse_args()


def refuse_taken_ports(addresses: Addresses) -> None:
    for port in addresses.ports:
        with socket.socket() as probe:
            # As the servers do, so that connections that are just closing do not count.
            if os.name != "nt":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                sys.exit(
                    f"Port {port} of {HOST} is taken. Stop what uses it, or start on other "
                    f"ports: python3 -m example_project --port-base {addresses.port_base + 1000}"
                )


def child_environment(addresses: Addresses, data: Path) -> dict[str, str]:
    return {
        **os.environ,
        "EXAMPLE_PORT_BASE": str(addresses.port_base),
        "EXAMPLE_DATA": str(data),
        "PYTHONUNBUFFERED": "1",
        # The site asks the provider directly, also on a machine behind a proxy.
        "NO_PROXY": HOST,
        "no_proxy": HOST,
    }


def prepare(python: str, variables: dict[str, str]) -> None:
    for command in (
        ["django", "migrate", "--settings=example_project.site.settings", "--verbosity=0"],
        ["example_project.provider.prepare"],
    ):
        subprocess.run([python, "-m", *command], cwd=ROOT, env=variables, check=True)


def django_server(python: str, name: str, port: int, ready_at: str) -> servers.Server:
    return servers.Server(
        name=name,
        command=(
            python, "-m", "django", "runserver", "--noreload", f"{HOST}:{port}",
            f"--settings=example_project.{name}.settings",
        ),
        ready_at=f"http://{HOST}:{port}{ready_at}",
    )  # fmt: skip


def introduce(addresses: Addresses) -> None:
    print(
        f"""
  The example runs. Open one of these and sign in:

    {addresses.site}/   the page on the same origin as its API
    {addresses.second_origin}/   the same page on an origin of its own

  At the provider ({addresses.provider}) you are

    user name   {demo.USERNAME}
    password    {demo.PASSWORD}

  Ctrl-C stops everything.
""",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
