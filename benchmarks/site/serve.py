"""Serves a site as one worker: ``python -m benchmarks.site.serve``

It prints its port, answers one request after the other, and ends with its standard input.
What it is asked under ``/-/`` Django does not see.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.core.wsgi import get_wsgi_application
from django.db import connection

from benchmarks.site import database

HOST = "127.0.0.1"
CONTROL = "/-/"
STATM = Path("/proc/self/statm")


class Worker(WSGIServer):
    """Notes of each request its path, the process' CPU seconds and the SQL statements."""

    def __init__(self) -> None:
        super().__init__((HOST, 0), Handler)
        self.requests: list[dict[str, Any]] = []
        self._statements: list[str] | None = None
        self._counting = ExitStack()
        self._django = get_wsgi_application()
        self.set_app(self.answer)

    def answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request, and note what Django has taken for it, to the last byte."""
        path = environ["PATH_INFO"]
        if path.startswith(CONTROL):
            body = json.dumps(self._control(path.removeprefix(CONTROL))).encode()
            start_response("200 OK", [("Content-Type", "application/json")])
            return [body]
        if self._statements is not None:
            self._statements.clear()
        before = time.process_time()
        with closing(self._django(environ, start_response)) as response:
            body = b"".join(response)
        cpu = time.process_time() - before
        statements = None if self._statements is None else list(self._statements)
        self.requests.append({"path": path, "cpu": cpu, "statements": statements})
        return [body]

    def _control(self, what: str) -> Any:
        match what:
            case "requests":
                requests, self.requests = self.requests, []
                return requests
            case "process":
                return {"cpu": time.process_time(), "memory": resident_bytes()}
            case "database":
                return {"rows": database.rows(), "bytes": database.size()}
            case "count":
                self._statements = []
                self._counting.enter_context(connection.execute_wrapper(self._count))
            case "count-no-more":
                self._statements = None
                self._counting.close()
            case "versions":
                return versions()
        return None

    def _count(self, execute: Callable[..., Any], sql: Any, *arguments: Any) -> Any:
        assert self._statements is not None
        self._statements.append(str(sql))
        return execute(sql, *arguments)


class Handler(WSGIRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


def resident_bytes() -> int | None:
    """Return how much memory this process holds; None where there is no ``/proc``."""
    try:
        return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def versions() -> dict[str, str]:
    """Return what is installed, by its name in lower case, and the ``database``."""
    database_version = ".".join(map(str, connection.get_database_version()))
    packages = {dist.metadata["Name"].lower(): dist.version for dist in distributions()}
    return {**packages, "database": f"{connection.display_name} {database_version}"}


def end_with_the_command() -> None:
    """End this process when whoever started it ends, however that happens."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    threading.Thread(target=end_with_the_command, daemon=True).start()
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.site.settings"
    django.setup()
    worker = Worker()
    print(worker.server_port, flush=True)
    worker.serve_forever()


if __name__ == "__main__":
    main()
