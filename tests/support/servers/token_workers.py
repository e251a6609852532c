"""Two processes of a project that need the same token at the same moment."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE
from typing import Any

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connections

ROOT = Path(__file__).parents[3]
THREADS = 5


def tokens_of_two_processes(user: Any, provider: str) -> set[str]:
    """Return the tokens that the threads of two processes with the same settings have."""
    names = [name for name in dir(settings) if name.startswith("SOCIAL_")]
    project = {
        "AUTHENTICATION_BACKENDS": settings.AUTHENTICATION_BACKENDS,
        "DATABASES": {"default": {**settings.DATABASES["default"]}},
        "INSTALLED_APPS": settings.INSTALLED_APPS,
        "SECRET_KEY": settings.SECRET_KEY,
        "USE_TZ": True,
        **{name: getattr(settings, name) for name in names},
    }
    command = [sys.executable, "-m", __name__]
    call = json.dumps({"project": project, "user": str(user), "provider": provider}, default=str)
    workers = [
        subprocess.Popen(command, cwd=ROOT, text=True, stdin=PIPE, stdout=PIPE) for _ in range(2)
    ]
    for worker in workers:
        _send(worker, f"{call}\n")
    for worker in workers:
        assert worker.stdout
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        _send(worker, "now\n")
    outputs = [worker.communicate(timeout=60)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    return {token for output in outputs for token in json.loads(output)}


def _send(worker: subprocess.Popen[str], text: str) -> None:
    assert worker.stdin
    worker.stdin.write(text)
    worker.stdin.flush()


def work(project: dict[str, Any], user: str, provider: str) -> None:
    settings.configure(**project)
    django.setup()
    # This module imports DRF, which reads settings.
    from social_endpoints.provider_tokens import get_access_token

    owner = get_user_model().objects.get(pk=user)

    def ask(_: int) -> str:
        try:
            return get_access_token(owner, provider).token
        finally:
            connections.close_all()

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with ThreadPoolExecutor(THREADS) as threads:
        sys.stdout.write(json.dumps([*threads.map(ask, range(THREADS))]))


if __name__ == "__main__":
    work(**json.loads(sys.stdin.readline()))
