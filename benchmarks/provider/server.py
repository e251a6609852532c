"""The provider's server over TLS 1.3, with kept connections."""

from __future__ import annotations

import json
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.provider.answers import Answers
from benchmarks.provider.counts import Counts
from benchmarks.provider.keys import HOST


class Provider(ThreadingHTTPServer):
    """One thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, certificate: Path, answers: Answers, counts: Counts) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.load_cert_chain(certificate)
        self.answers = answers
        self.counts = counts
        super().__init__((HOST, 0), Handler)

    def handle_error(self, *arguments: Any) -> None:
        """Say nothing of connections that break."""
        self.counts.add("errors")


class Handler(BaseHTTPRequestHandler):
    server: Provider
    protocol_version = "HTTP/1.1"
    # One write for headers and body: of two, the second would wait for the first.
    wbufsize = -1
    disable_nagle_algorithm = True
    # Longer than a quiet minute, as with most providers.
    timeout = 75

    def setup(self) -> None:
        self.server.counts.add("connections")
        # Here and not where connections are accepted: a slow handshake holds up no other.
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.server.counts.add("handshakes")
        if self.request.session_reused:
            self.server.counts.add("resumed")
        super().setup()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        self.server.counts.add(path)
        self.server.counts.add("requests")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        answer = self.server.answers.to(
            self.command,
            path,
            issuer=f"https://{self.headers['Host']}",
            body=body,
            bearer=self.headers.get("Authorization", ""),
        )
        send_json(self, 404 if answer is None else 200, answer)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


def send_json(handler: BaseHTTPRequestHandler, status: int, content: Any) -> None:
    """Answer with JSON."""
    body = json.dumps(content).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
