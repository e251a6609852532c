"""A server that has used its connections before it forks, as with gunicorn's ``--preload``."""

from __future__ import annotations

import os
import sys
import threading

import requests

from social_endpoints.internal.network.pool import sessions

URL, BUNDLE, CHILDREN = sys.argv[1], sys.argv[2], int(sys.argv[3])


def ask() -> None:
    """Ask the provider something."""
    answer: requests.Response = sessions.request("GET", f"{URL}/nothing", verify=BUNDLE, timeout=5)
    assert answer.status_code == 404


def child() -> None:
    """Ask from two threads and the main one, and end without a word."""
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for each in threads:
        each.start()
    ask()
    for each in threads:
        each.join()
    os._exit(0)


ask()
children = []
for _ in range(CHILDREN):
    process = os.fork()
    if not process:
        try:
            child()
        finally:
            os._exit(1)
    children.append(process)
ask()  # On the parent's connection, which is still its own.
statuses = [os.waitpid(process, 0)[1] for process in children]
ask()
sys.stdout.write(f"{statuses}\n")
