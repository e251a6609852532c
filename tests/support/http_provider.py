"""The OpenID provider of the tests as an HTTP server, for tests in new processes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from tests.support.openid_provider import OpenIDProvider


class Routes(dict[tuple[str, str], Callable[[Any], tuple[int, dict[str, str], str]]]):
    """Replaces the faked wire: callbacks by method and path."""

    def add_callback(self, method: str, url: str, callback: Any) -> None:
        self[method, urlsplit(url).path] = callback

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, dict[str, str], str]:
        request = SimpleNamespace(url=target, body=body.decode())
        return self[method, urlsplit(target).path](request)


@contextmanager
def served() -> Iterator[tuple[str, OpenIDProvider]]:
    """Run a server inside the ``with``; return its URL and the provider.

    ``/authorize`` signs the user in and returns the parameters of the callback as JSON.
    """
    routes = Routes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, content = routes.answer(self.command, self.path, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content.encode())

        do_POST = do_GET  # noqa: N815 - the standard library calls it that

        def log_message(self, *arguments: Any) -> None:
            """Do not log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        provider = OpenIDProvider(routes, url)  # type: ignore[arg-type]  # all it calls

        def authorize(request: Any) -> tuple[int, dict[str, str], str]:
            return 200, {}, json.dumps(provider.authorize(request.url))

        routes.add_callback("GET", "/authorize", authorize)
        thread = Thread(target=server.serve_forever, args=[0.01])  # It polls for the shutdown.
        thread.start()
        try:
            yield url, provider
        finally:
            server.shutdown()
            thread.join()
