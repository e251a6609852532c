"""Logs in where tokens have a database of their own: ``-m tests.support.tokens_elsewhere``"""

from __future__ import annotations

from typing import Any

import django
import requests
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}


class Router:
    """Keeps tokens in ``tokens``, and everything else in ``default``."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "tokens" if model._meta.app_label == "authtoken" else "default"

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == ("tokens" if app_label == "authtoken" else "default")

    def allow_relation(self, *objects: Any, **hints: Any) -> bool:
        return True


def main() -> None:
    settings.DATABASES = {"default": SQLITE, "tokens": SQLITE}
    settings.DATABASE_ROUTERS = [Router()]
    django.setup()
    from tests.support.frontend import Frontend
    from tests.support.http_provider import served

    for alias in settings.DATABASES:
        call_command("migrate", database=alias, verbosity=0)
    # Of users in another database a foreign key knows nothing.
    connections["tokens"].disable_constraint_checking()
    tokens = set()
    with served() as (url, _), override_settings(SOCIAL_AUTH_OIDC_OIDC_ENDPOINT=url):
        for _ in range(2):
            frontend = Frontend()
            begun = frontend.begin()
            answer = requests.get(begun.data["authorization_url"], timeout=20).json()
            completed = frontend.complete(begun, answer)
            assert completed.status_code == 201, completed.data
            tokens.add(completed.data["token"])
    assert len(tokens) == 1


if __name__ == "__main__":
    main()
