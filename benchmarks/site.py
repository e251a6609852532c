"""One worker of a peer's site: ``python -m benchmarks.site``

It prints its port and the versions of its packages when it is ready. Each response has the
CPU time of its request in a header, and with the request header ``X-Counted`` also the number
of SQL queries, and of rows in all tables. It ends when its standard input does.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import closing
from importlib.metadata import distributions
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.peers import PACKAGES, REDIRECT_URI

PEER = os.environ["BENCHMARK_PEER"]
APPS = {"social_django": [], "djoser": ["djoser"], "project": ["social_endpoints"]}
# Drivers of most databases send them without Django's help.
NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


class TokenStrategy:
    """djoser's own strategy creates two JWTs. This one returns the same token as this project."""

    @classmethod
    def obtain(cls, user: Any) -> dict[str, Any]:
        from rest_framework.authtoken.models import Token  # The settings import this module.

        token, _ = Token.objects.get_or_create(user=user)
        return {"access": token.key, "refresh": "", "user": user}


def configure() -> None:
    """Configure Django. All sites have the same settings."""
    settings.configure(
        SECRET_KEY="a secret that protects nothing",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="benchmarks.urls",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": os.environ["BENCHMARK_DATABASE"],
                "CONN_MAX_AGE": None,
                "OPTIONS": {
                    "transaction_mode": "IMMEDIATE",
                    "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
                },
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        LOGGING_CONFIG=None,
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "rest_framework",
            "rest_framework.authtoken",
            "social_django",
            *APPS[PEER],
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        AUTHENTICATION_BACKENDS=["social_core.backends.open_id_connect.OpenIdConnectAuth"],
        LOGIN_REDIRECT_URL="/",
        SOCIAL_AUTH_OIDC_OIDC_ENDPOINT=os.environ["BENCHMARK_PROVIDER"],
        SOCIAL_AUTH_OIDC_KEY="the-site",
        SOCIAL_AUTH_OIDC_SECRET="shared with the provider",
        SOCIAL_ENDPOINTS={
            "ALLOWED_REDIRECT_URIS": [REDIRECT_URI],
            "HTTP_POOL": json.loads(os.environ["BENCHMARK_HTTP_POOL"]),
            "HTTP_POOL_IDLE": int(os.environ["BENCHMARK_HTTP_POOL_IDLE"]),
        },
        DJOSER={
            "SOCIAL_AUTH_ALLOWED_REDIRECT_URIS": [REDIRECT_URI],
            "SOCIAL_AUTH_TOKEN_STRATEGY": "benchmarks.site.TokenStrategy",
        },
    )


class Application:
    """Django's WSGI application, with figures in the headers of its responses."""

    def __init__(self) -> None:
        self._django = get_wsgi_application()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        started: list[Any] = []

        def respond() -> bytes:
            with closing(self._django(environ, lambda *args: started.extend(args))) as response:
                return b"".join(response)

        figures: dict[str, float] = {}
        if "HTTP_X_COUNTED" in environ:
            with CaptureQueriesContext(connection) as captured:
                body = respond()
            statements = [query["sql"] for query in captured]
            figures["X-Queries"] = sum(not sql.startswith(NOT_COUNTED) for sql in statements)
            figures["X-Rows"] = count_rows()
        else:
            before = time.process_time()
            body = respond()
            figures["X-Cpu"] = time.process_time() - before
        status, headers = started[:2]
        start_response(status, [*headers, *((name, str(figures[name])) for name in figures)])
        return [body]


def count_rows() -> int:
    """Return the number of rows in all tables."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        counts = (cursor.execute(f"SELECT count(*) FROM {table}").fetchone() for table in tables)
        return sum(count for (count,) in counts)


class Handler(WSGIRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Write no log."""


def end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(0)


def main() -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()
    configure()
    django.setup()
    call_command("migrate", verbosity=0)
    installed = {dist.metadata["Name"].lower(): dist.version for dist in distributions()}
    versions = {name: installed[name] for name in PACKAGES if name in installed}
    with make_server("127.0.0.1", 0, Application(), handler_class=Handler) as server:
        print(json.dumps({"port": server.server_port, "versions": versions}), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
