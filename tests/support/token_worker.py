"""A process whose threads need the same access token at the same moment.

``python -m tests.support.token_worker DATABASE URL USER THREADS`` prints a line when it is ready,
waits for a line, and then prints the tokens as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import django
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import override_settings

from tests.support.concurrency import together

ROOT = Path(__file__).parents[2]


def tokens_of_processes(url: str, user: Any, *, processes: int, threads: int) -> list[str]:
    """Return the tokens that all threads of new processes receive."""
    database = str(connection.settings_dict["NAME"])
    arguments = [database, url, str(user.pk), str(threads)]
    command = [sys.executable, "-m", "tests.support.token_worker", *arguments]
    running = [
        Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True) for _ in range(processes)
    ]
    for process in running:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate()[0] for process in running]
    return [token for output in outputs for token in json.loads(output)]


def main() -> None:
    from social_endpoints.provider_tokens import get_access_token
    from tests.support.token_server import settings_of

    database, url, user, threads = sys.argv[1:]
    django.setup()
    connection.settings_dict["NAME"] = database
    with override_settings(**settings_of(url)):
        ada = get_user_model().objects.get(pk=user)
        connection.close()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        calls = [lambda: get_access_token(ada, "token-server").token] * int(threads)
        sys.stdout.write(json.dumps(together(calls)))


if __name__ == "__main__":
    main()
