"""A server process that stops in the middle of a login, so that a test can kill it there.

``python -m tests.support.worker DATABASE PROVIDER POINT`` prints its port. It prints another line
when a login has reached the point, ``pipeline`` or ``commit``, and goes no further.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any
from wsgiref.simple_server import make_server

import django
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import override_settings

from social_endpoints.signals import signed_in
from tests.support.pipeline import LAST, pipeline_with

ROOT = Path(__file__).parents[2]
POINT = sys.argv[-1]


@contextmanager
def running_worker(provider: str, point: str) -> Iterator[tuple[str, Popen[str]]]:
    """Run a worker on the database of this test; return its URL and the process."""
    database = str(connection.settings_dict["NAME"])
    command = [sys.executable, "-m", "tests.support.worker", database, provider, point]
    with Popen(command, cwd=ROOT, stdout=PIPE, text=True) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}", process
        finally:
            process.kill()


def stop_in_pipeline(**kwargs: Any) -> None:
    if POINT == "pipeline":
        stop()


def stop_before_commit(**kwargs: Any) -> None:
    if POINT == "commit":
        stop()


def stop() -> None:
    sys.stdout.write("stopped\n")
    sys.stdout.flush()
    threading.Event().wait()


def main() -> None:
    database, provider, _ = sys.argv[1:]
    django.setup()
    connection.settings_dict["NAME"] = database
    signed_in.connect(stop_before_commit)
    pipeline = pipeline_with((LAST, f"{__spec__.name}.stop_in_pipeline"))
    with (
        override_settings(SOCIAL_AUTH_OIDC_OIDC_ENDPOINT=provider, SOCIAL_AUTH_PIPELINE=pipeline),
        make_server("127.0.0.1", 0, get_wsgi_application()) as server,
    ):
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
