"""A server that has used a session before it forks, like gunicorn with ``--preload``."""

from __future__ import annotations

import os
import sys

from social_endpoints.internal.network import sessions

URL, BUNDLE, CHILDREN = sys.argv[1], sys.argv[2], int(sys.argv[3])


def ask() -> None:
    """Send a request with a session that has rested."""
    for session in sessions.store._resting:
        session.returned -= 2
    response = sessions.send(
        "loopback", "GET", f"{URL}/nothing", verify=BUNDLE, timeout=5, repeats_get=True
    )
    assert response.status_code == 404


ask()
children = []
for _ in range(CHILDREN):
    process = os.fork()
    if not process:
        try:
            ask()
            sessions.store.clear()
            os._exit(0)
        finally:
            os._exit(1)
    children.append(process)
ask()  # With the parent's connection, which is still open.
statuses = [os.waitpid(process, 0)[1] for process in children]
ask()
sys.stdout.write(f"{statuses}\n")
