"""Log in for a while on four server processes; verify each response, the rows and the growth.

``python -m tests.soak --seconds 300 --database mariadb`` needs Linux, Redis and the database. A
third of the scenarios fail on purpose. The exit status is 1 after an unexpected response, an
exception in a server's log, a wrong row, or growth.
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import django
import redis

from tests.soak.provider import Provider
from tests.soak.scenarios import SCENARIOS, SERIALIZERS, Browser, Soak
from tests.support.interpreter import ROOT

THREADS = 8
"""Threads of each server process."""

MAX_KEYS = 40
"""Keys in the cache: documents and states of providers. A handoff leaves none."""

WARM_UP = 400
"""Scenarios, at least, before the first measurement: a busy machine does few in a second."""

QUIET = 2.5  # Seconds without requests before a measurement; more than HTTP_POOL_IDLE.

GROWTH = {"memory": 12_000, "threads": 2, "files": 40, "connections": 4}
"""Growth of each process after the warm-up that is not a leak: KiB of memory, numbers.

The number of files depends on the logins of the last seconds, because their sessions rest.
"""


def main() -> int:
    options = parse_options()
    name = f"soak_{os.getpid()}"
    redis_url = os.environ.get("SOAK_REDIS", "redis://127.0.0.1:6379/0")
    with ExitStack() as stack:
        provider = stack.enter_context(Provider().running())
        failing = stack.enter_context(Provider("localhost", failure_rate=0.25).running())
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        is_file = options.database == "sqlite"
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "tests.soak.settings",
            "TEST_DATABASE": options.database,
            "SOAK_DATABASE": str(data / name) if is_file else name,
            "SOAK_PROVIDER": provider.url,
            "SOAK_FAILING_PROVIDER": failing.url,
            "SOAK_REDIS": redis_url,
            "NO_PROXY": "127.0.0.1,localhost",
        }
        cache = redis.Redis.from_url(redis_url)
        stack.callback(lambda: [cache.delete(key) for key in cache.scan_iter(f"*{name}*")])
        stack.enter_context(database(is_file))
        soak = Soak(provider, failing, free_ports(len(SERIALIZERS)))
        pids = [
            stack.enter_context(server(port, serializer, data / f"{serializer}.log"))
            for port, serializer in zip(soak.ports, SERIALIZERS, strict=True)
        ]
        measured = []
        for seconds, scenarios in ((options.seconds / 3, WARM_UP), (options.seconds * 2 / 3, 0)):
            log_in(soak, seconds, scenarios, options.clients)
            time.sleep(QUIET)
            found = {"scenarios": soak.scenarios, "keys": len([*cache.scan_iter(f"*{name}*")])}
            measured.append({**found, **measure(pids)})
        verify(soak, measured, data)
    return report(soak, measured, options)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--seconds", type=float, default=30, help="the first third is a warm-up")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument(
        "--database",
        choices=["postgresql", "mariadb", "sqlite"],
        default=os.environ.get("TEST_DATABASE", "postgresql"),
    )
    return parser.parse_args()


# --- Processes ------------------------------------------------------------------------


@contextmanager
def database(is_file: bool) -> Iterator[None]:
    """Create an empty database with all tables, and remove it at the end."""
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    created = None if is_file else connection.creation.create_test_db(verbosity=0, serialize=False)
    if is_file:
        call_command("migrate", verbosity=0)
    else:
        os.environ["SOAK_DATABASE"] = created
    try:
        yield
    finally:
        connection.close()
        if not is_file:
            connection.creation.destroy_test_db("postgres", verbosity=0)


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def server(port: int, serializer: str, log: Path) -> Iterator[int]:
    """Run one server process with its own token serializer; return its process id."""
    options = f"--bind=127.0.0.1:{port} --worker-class=gthread --threads={THREADS} --workers=1"
    application = "django.core.wsgi:get_wsgi_application()"
    command = [sys.executable, "-m", "gunicorn", *options.split(), "--timeout=120", application]
    environment = {**os.environ, "SOAK_SERIALIZER": serializer}
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 60
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while not (listens(port) and children.read_text()):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield int(children.read_text().split()[0])
    finally:
        process.terminate()
        process.wait(30)


def log_in(soak: Soak, seconds: float, scenarios: int, clients: int) -> None:
    """Run random scenarios in several threads, for a time and at least a number of them."""
    deadline = time.monotonic() + seconds

    def run() -> None:
        while time.monotonic() < deadline or soak.scenarios < scenarios:
            (scenario,) = random.choices([*SCENARIOS], [*SCENARIOS.values()])
            try:
                scenario(Browser(soak))
            except Exception as error:  # noqa: BLE001 - each one is reported
                soak.violations.append(f"{scenario.__name__}: {type(error).__name__} {error}")
            with soak.lock:
                soak.scenarios += 1

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- Measurements ---------------------------------------------------------------------


def measure(pids: list[int]) -> dict[str, int]:
    """Return the resources of all processes, and the rows."""
    from social_django.models import Nonce, Partial

    return {
        "memory": sum(status(pid, "VmRSS") for pid in pids),
        "threads": sum(status(pid, "Threads") for pid in pids),
        "files": sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids),  # noqa: PTH208 - links
        "connections": count_connections(),
        "claims": Nonce.objects.count(),
        "paused": Partial.objects.count(),
    }


def status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])


def count_connections() -> int:
    from django.db import connection

    views = {
        "postgresql": "pg_stat_activity WHERE datname = %s",
        "mysql": "information_schema.processlist WHERE db = %s",
    }
    if connection.vendor not in views:
        return 0
    with connection.cursor() as cursor:
        query = f"SELECT count(*) FROM {views[connection.vendor]}"
        cursor.execute(query, [connection.settings_dict["NAME"]])
        return int(cursor.fetchone()[0])


# --- Verification ---------------------------------------------------------------------


def verify(soak: Soak, measured: list[dict[str, int]], data: Path) -> None:
    """Add a violation for each exception in a log, wrong row, and growth."""
    for log in data.glob("*.log"):
        lines = log.read_text().splitlines()
        errors = [line for line in lines if line and "[INFO]" not in line]
        if errors:
            soak.violations.append(f"{log.stem} has logged {len(errors)} lines: {errors[:15]}")
    soak.violations += [*wrong_accounts(soak), *growth(soak, *measured)]


def wrong_accounts(soak: Soak) -> Iterator[str]:
    """Compare the accounts with the responses."""
    from django.contrib.auth import get_user_model
    from social_django.models import UserSocialAuth

    rows = UserSocialAuth.objects.values_list("provider", "uid", "user_id")
    differences = {(provider, uid) for provider, uid, _ in rows} ^ set(soak.owners)
    if differences:
        yield f"identities without a 201, or without a row: {differences}"
    owners: dict[int, set[str]] = defaultdict(set)
    for provider, uid, user in rows:
        owners[user].add(soak.owners.get((provider, uid), ""))
    people = set().union(*owners.values())
    if any(len(each) > 1 for each in owners.values()) or len(owners) != len(people):
        yield "an account of two people, or two accounts of one"
    if get_user_model().objects.count() != len(owners):
        yield "an account without an identity"


def growth(soak: Soak, before: dict[str, int], after: dict[str, int]) -> Iterator[str]:
    """Compare the resources with those after the warm-up, and the rows with the requests."""
    from social_django.models import Association, Nonce

    for name, limit in GROWTH.items():
        if after[name] - before[name] > limit * len(SERIALIZERS):
            yield f"{name} has grown from {before[name]} to {after[name]}"
    # The locks on addresses stay; there are at most 4,096.
    known = ("flow", "id_token", "attempt", "address")
    claims = [f"social_endpoints.{name}" for name in known]
    others = Nonce.objects.exclude(server_url__in=claims).values_list("server_url", flat=True)
    if others or Association.objects.exists():
        yield f"rows that nothing removes: {others[:5]}"
    if after["paused"] != soak.paused or after["claims"] > 2 * soak.posts:
        yield f"paused logins or claims: expected {soak.paused}, and at most {2 * soak.posts}"
    if after["keys"] > MAX_KEYS:
        yield f"{after['keys']} keys in the cache"


def report(soak: Soak, measured: list[dict[str, int]], options: Any) -> int:
    """Print a table; return the exit status."""
    for (request, code, error), count in sorted(soak.counts.items()):
        print(f"{count:8}  {code}  {request:32} {error}")
    print(f"\n{'':12}{'warm-up':>10}{'end':>10}   of {len(SERIALIZERS)} processes together")
    for name in measured[0]:
        print(f"{name:12}{measured[0][name]:>10}{measured[1][name]:>10}")
    print(
        f"\n{soak.scenarios} scenarios in {options.seconds:.0f} s on {options.database}, ", end=""
    )
    print(f"{len(soak.owners)} identities, {len(soak.violations)} violations")
    for violation in soak.violations[:20]:
        print(f"  {violation[:600]}")
    return 1 if soak.violations else 0


if __name__ == "__main__":
    sys.exit(main())
