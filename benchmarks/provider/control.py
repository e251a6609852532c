"""The provider's other port, without TLS: who signs in, and what was counted."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.provider.answers import Answers
from benchmarks.provider.counts import Counts
from benchmarks.provider.keys import HOST
from benchmarks.provider.server import send_json


class Control(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answers: Answers, counts: Counts) -> None:
        self.answers = answers
        self.counts = counts
        super().__init__((HOST, 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Control

    def do_GET(self) -> None:
        """Say what was counted since the start."""
        send_json(self, 200, self.server.counts.all())

    def do_POST(self) -> None:
        """Sign a user in; answer the code."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        send_json(self, 200, self.server.answers.authorize(asked))

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""
