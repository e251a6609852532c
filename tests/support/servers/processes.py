"""Start the servers as processes, and stop them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.keys import key_and_certificate
from tests.support.servers.addresses import SERVERS, Addresses, LiveAddresses
from tests.support.servers.providers import better_auth, openid_connect

ROOT = Path(__file__).parents[3]
SITE = "tests.support.servers.site"
PROVIDERS = "tests.support.servers.providers"
EVERY_PROTOCOL = ("site", "openid-connect", "oauth1", "openid2", "other-openid2", "saml")
READY_WITHIN = 60
STOPPED_WITHIN = 10
NO_XMLSEC1 = """These tests need the program xmlsec1, which pysaml2 signs with. Install it with
  apt-get install xmlsec1        (Debian, Ubuntu)"""


@dataclass(frozen=True)
class Servers:
    """The running servers.

    :param data: the directory of their databases and keys.
    """

    addresses: Addresses
    data: Path

    def count_accounts(self) -> int:
        with closing(sqlite3.connect(self.data / "example.sqlite3")) as database:
            tables = ("auth_user", "social_auth_usersocialauth")
            rows = (database.execute(f"SELECT count(*) FROM {table}") for table in tables)
            return sum(row.fetchone()[0] for row in rows)

    def stored_tokens(self, provider: str) -> dict[str, Any]:
        """Return the column of the newest connection as the database contains it."""
        query = """SELECT extra_data FROM social_auth_usersocialauth
            WHERE provider = ? ORDER BY modified DESC"""
        with closing(sqlite3.connect(self.data / "example.sqlite3")) as database:
            (column,) = database.execute(query, [provider]).fetchone()
        return dict(json.loads(column))


@contextmanager
def running_servers(data: Path, names: Sequence[str] = EVERY_PROTOCOL) -> Iterator[Servers]:
    """Run the site and providers.

    They write to the output of this process, so pytest shows it below a failed test.

    :param data: an empty directory.
    :param names: the servers to run.
    """
    assert shutil.which("xmlsec1"), NO_XMLSEC1
    addresses = Addresses(free_ports(len(SERVERS)))
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": f"{SITE}.settings",
        "EXAMPLE_PORT": str(addresses.first_port),
        "EXAMPLE_DATA": str(data),
        "PYTHONUNBUFFERED": "1",
        # The servers call one another directly, even on a machine behind a proxy.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
    for name in ("site", "saml", "other"):
        for suffix, pem in zip(("key", "crt"), key_and_certificate(name), strict=True):
            (data / f"{name}.{suffix}").write_text(pem)
    prepare = [sys.executable, "-m", f"{SITE}.prepare"]
    subprocess.run(prepare, cwd=ROOT, env=environment, check=True)
    with _running(names, addresses, environment):
        yield Servers(addresses, data)


class LiveProviders:
    """Providers for a site in the process of the tests, each of which starts when it is needed."""

    def __init__(self, site_port: int) -> None:
        self.addresses = LiveAddresses(free_ports(len(SERVERS)), site_port)
        self._processes = ExitStack()
        self._running: set[str] = set()

    def start(self, name: str) -> None:
        if name not in self._running:
            self._processes.enter_context(_running([name], self.addresses, {**os.environ}))
            self._running.add(name)

    def stop(self) -> None:
        self._processes.close()


@contextmanager
def _running(
    names: Sequence[str], addresses: Addresses, environment: dict[str, str]
) -> Iterator[None]:
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(_process(_command(name, addresses), environment))
            for name in names
        }
        for name, process in processes.items():
            _wait_until_ready(name, process, addresses.port(name))
        yield


def free_ports(count: int = 1) -> int:
    """Return the first of ``count`` free ports in a row."""
    first = 10_000 + os.getpid() * 50 % 9_000  # Other environments have neighbouring process IDs.
    for base in range(first, first + 1_000, count):
        if not any(listens(port) for port in range(base, base + count)):
            return base
    raise AssertionError(f"no {count} free ports in a row")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _command(name: str, addresses: Addresses) -> list[str]:
    for package in (openid_connect, better_auth):
        if name == package.NAME:
            return package.command(addresses)
    port = str(addresses.port(name))
    command = [sys.executable, "-m", "tests.support.servers.serve", port]
    if name == "site":
        return [*command, f"--settings={SITE}.settings"]
    return [*command, f"--urlconf={PROVIDERS}.{name.removeprefix('other-')}"]


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server that ends when its standard input does."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE)
    assert process.stdin
    try:
        yield process
    finally:
        process.stdin.close()
        try:
            process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(name: str, process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while not listens(port):
        assert process.poll() is None, f"{name} has ended"
        assert time.monotonic() < deadline, f"{name} does not listen"
        time.sleep(0.05)
