"""The database of a site: on SQLite a file, else a database of PostgreSQL on loopback."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from benchmarks.site.environment import DATABASE

PREFIX = "postgresql:"
# Another worker may be writing.
SQLITE = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
}


def configuration() -> dict[str, Any]:
    """Return what stands in ``DATABASES``. Connections are kept, as in most deployments."""
    kept = {"CONN_MAX_AGE": None}
    if not DATABASE.startswith(PREFIX):
        engine = "django.db.backends.sqlite3"
        return {**kept, "ENGINE": engine, "NAME": DATABASE, "OPTIONS": SQLITE}
    return {
        **kept,
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE.removeprefix(PREFIX),
        "HOST": os.environ.get("PGHOST", "127.0.0.1"),
        "USER": os.environ.get("PGUSER", "postgres"),
    }


def create() -> None:
    """Make the database anew, and empty."""
    if not DATABASE.startswith(PREFIX):
        Path(DATABASE).unlink(missing_ok=True)
        return
    _run("DROP DATABASE IF EXISTS {name}", "CREATE DATABASE {name}")


def drop() -> None:
    if DATABASE.startswith(PREFIX):
        _run("DROP DATABASE IF EXISTS {name}")


def _run(*statements: str) -> None:
    import psycopg  # Not needed on SQLite, nor installed in every environment.
    from psycopg.sql import SQL, Identifier

    server = configuration()
    with psycopg.connect(
        host=server["HOST"], user=server["USER"], dbname="postgres", autocommit=True
    ) as connection:
        for statement in statements:
            connection.execute(SQL(statement).format(name=Identifier(server["NAME"])))


def rows() -> int:
    """Return how many rows there are, in all tables together."""
    from django.db import connection  # Only once the settings are read.

    with connection.cursor() as cursor:
        total = 0
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
            total += cursor.fetchone()[0]
    return total


def size() -> int:
    """Return the bytes of all tables and their indexes."""
    from django.db import connection  # Only once the settings are read.

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        else:
            cursor.execute(
                "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
                " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            )
        return int(cursor.fetchone()[0])
