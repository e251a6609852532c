"""Prepare the database and serve the example: ``python -m example_project.serve``"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from threading import Thread

import django
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.servers.basehttp import run
from django.core.wsgi import get_wsgi_application

from example_project import local

GREETING = f"""
  [The example is running.] Open one of these addresses and sign in:

    [{local.SITE}/]         the page on the same origin as its API
    [{local.OTHER_ORIGIN}/]         the same page on another origin
    [{local.OTHER_ORIGIN}/popup/]   sign-in in a popup, on another origin

  A fake provider stands in for Google, GitHub and the others. Its page asks who you are.

  Only this machine can open these addresses. Press Ctrl-C to stop.
"""
BOLD, NORMAL = "\033[1m", "\033[0m"


def main() -> None:
    settings = os.environ.get("EXAMPLE_SETTINGS", "example_project.settings")
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    django.setup()
    migrate()
    application = get_wsgi_application()
    Thread(target=serve_ipv6, args=[application], daemon=True).start()
    # What "runserver" does, without its own greeting.
    run(local.HOST, local.PORT, application, threading=True, on_bind=lambda port: greet())


def migrate() -> None:
    """Create or update the tables.

    SQLite commits tables before Django records their migration. Ctrl-C at this moment must not
    leave a database that cannot be migrated, so a new database gets its name at the end.
    """
    from django.db import connection  # needs the settings

    database = local.DATA / "example.sqlite3"
    if database.exists():
        call_command("migrate", verbosity=0)
    else:
        new = database.with_suffix(".new")
        new.unlink(missing_ok=True)
        connection.settings_dict["NAME"] = new
        call_command("migrate", verbosity=0)
        connection.close()
        new.replace(database)
        connection.settings_dict["NAME"] = database


def serve_ipv6(application: WSGIHandler) -> None:
    """Serve ``localhost`` on IPv6 as well, because programs try that first."""
    with suppress(OSError):  # This machine has no IPv6.
        run("::1", local.PORT, application, ipv6=True, threading=True)


def greet() -> None:
    is_terminal = sys.stdout is not None and sys.stdout.isatty() and os.name == "posix"
    bold, normal = (BOLD, NORMAL) if is_terminal and "NO_COLOR" not in os.environ else ("", "")
    with suppress(OSError):  # The reader of the output has ended.
        print(GREETING.replace("[", bold).replace("]", normal), flush=True)


if __name__ == "__main__":
    main()
