"""Size and time of encrypted provider tokens: ``python -m benchmarks.encryption --rows 1000000``

It needs this project and psycopg in the environment, and a server of PostgreSQL on 127.0.0.1. Each
row has the tokens of one OpenID Connect login. The database is created and dropped.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import django
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection

LENGTHS = {"access_token": 220, "refresh_token": 104, "id_token": 1_100}
"""Characters of the tokens, as in a response of Google."""

DATABASE = f"social_endpoints_encryption_{os.getpid()}"
USER = os.environ.get("PGUSER", "postgres")
TABLE = "social_auth_usersocialauth"
OLD_KEY, NEW_KEY = "the old key of the benchmark", "the new key of the benchmark"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.encryption")
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with psycopg.connect(host="127.0.0.1", user=USER, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {DATABASE}")
        try:
            configure()
            fill(rows)
            for name, value in measure():
                print(f"{name}: {value}", flush=True)
        finally:
            connection.close()
            server.execute(f"DROP DATABASE {DATABASE}")


def configure() -> None:
    engine = "django.db.backends.postgresql"
    database = {"ENGINE": engine, "NAME": DATABASE, "HOST": "127.0.0.1", "USER": USER}
    settings.configure(
        SECRET_KEY=OLD_KEY,
        DATABASES={"default": database},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "social_django",
            "social_endpoints",
        ],
        AUTHENTICATION_BACKENDS=["social_core.backends.google.GoogleOAuth2"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        SOCIAL_ENDPOINTS={"ENCRYPT_PROVIDER_TOKENS": True},
    )
    django.setup()
    call_command("migrate", verbosity=0)


def fill(rows: int) -> None:
    """Insert rows with tokens in clear."""
    from django.contrib.auth.models import User

    user = User.objects.create_user("ada")
    columns = "user_id, provider, id_key, uid, extra_data, created, modified"
    with connection.cursor() as cursor:
        raw: Any = cursor.cursor
        with raw.copy(f"COPY {TABLE} ({columns}) FROM STDIN") as copy:
            for number, extra_data in enumerate(contents(rows)):
                moment = "2026-01-01 00:00:00Z"
                copy.write_row(
                    (user.pk, "google-oauth2", "", f"{number:021}", extra_data, moment, moment)
                )


def contents(rows: int) -> Iterator[str]:
    expiry = {"auth_time": 1_790_000_000, "expires_in": 3_599, "token_type": "Bearer"}
    for number in range(rows):
        tokens = {name: secrets.token_urlsafe(length)[:length] for name, length in LENGTHS.items()}
        yield json.dumps({**tokens, **expiry, "sub": f"{number:021}"})


def measure() -> Iterator[tuple[str, Any]]:
    yield "MB in clear", megabytes()
    yield "CPU of a row in clear, ms", read_and_write()
    yield "encrypt, s", run()
    yield "MB encrypted, before VACUUM FULL", megabytes(vacuums=False)
    yield "MB encrypted", megabytes()
    yield "CPU of an encrypted row, ms", read_and_write()
    yield "run again, s", run()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW_KEY, [OLD_KEY]
    yield "after a rotation, s", run()
    settings.SOCIAL_ENDPOINTS = {"ENCRYPT_PROVIDER_TOKENS": False}
    yield "decrypt, s", run("--decrypt")
    yield "memory, MB", peak_memory()


def run(*arguments: str) -> str:
    """Run the command; return the time, and the CPU time of the command and of PostgreSQL."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = int(cursor.fetchone()[0])
    started, own, server = time.monotonic(), time.process_time(), cpu_seconds(backend)
    call_command("encrypt_provider_tokens", *arguments)
    elapsed, own = time.monotonic() - started, time.process_time() - own
    return f"{elapsed:.0f}, CPU {own:.0f} + {cpu_seconds(backend) - server:.0f}"


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read_and_write() -> float:
    """Return the CPU time, in ms, to read a row, decrypt its tokens and store them: the median."""
    from social_django.models import UserSocialAuth

    from social_endpoints.internal.connections.encryption import to_plain, to_stored

    first = UserSocialAuth.objects.order_by("pk").values_list("pk", flat=True)[0]
    encrypts = settings.SOCIAL_ENDPOINTS
    is_encrypted = "encrypted:" in json.dumps(UserSocialAuth.objects.get(pk=first).extra_data)
    settings.SOCIAL_ENDPOINTS = {"ENCRYPT_PROVIDER_TOKENS": is_encrypted}

    def login(pk: int) -> None:
        row = UserSocialAuth.objects.get(pk=pk)
        row.extra_data = to_stored(to_plain(row.extra_data))
        row.save()

    durations = [timed(lambda pk=first + number: login(pk)) for number in range(500)]
    settings.SOCIAL_ENDPOINTS = encrypts
    return round(median(durations) * 1000, 2)


def timed(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def megabytes(*, vacuums: bool = True) -> int:
    """Return the size of the table with its indexes, without dead rows if it vacuums."""
    with connection.cursor() as cursor:
        if vacuums:
            cursor.execute(f"VACUUM FULL {TABLE}")
        cursor.execute("SELECT pg_total_relation_size(%s)", [TABLE])
        return int(cursor.fetchone()[0]) // 1_000_000


def peak_memory() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (each for each in lines if each.startswith("VmHWM"))
    return int(line.split()[1]) // 1_000


if __name__ == "__main__":
    main()
