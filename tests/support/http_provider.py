"""The OpenID provider of the tests as an HTTP server, for tests in new processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from social_endpoints.testing import ProviderRequest, ProviderResponse
from tests.support.openid_provider import OpenIDProvider


@contextmanager
def served() -> Iterator[tuple[str, OpenIDProvider]]:
    """Run a server inside the ``with``; return its URL and the provider.

    ``/authorize`` signs the user in and returns the parameters of the callback as JSON.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            response = answer(ProviderRequest(self.command, url + self.path, self.headers, body))
            self.send_response(response.status)
            content_type = response.all_headers["Content-Type"]
            for name, value in {"Content-Type": content_type, **response.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(response.body)

        do_POST = do_GET  # noqa: N815 - the standard library calls it that

        def log_message(self, *arguments: Any) -> None:
            """Do not log."""

    def answer(request: ProviderRequest) -> ProviderResponse:
        if urlsplit(request.url).path == "/authorize":
            return ProviderResponse(content=provider.authorize(request.url))
        return provider.respond(request)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        provider = OpenIDProvider(url=url)
        thread = Thread(target=server.serve_forever, args=[0.01])  # It polls for the shutdown.
        thread.start()
        try:
            yield url, provider
        finally:
            server.shutdown()
            thread.join()
