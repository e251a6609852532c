"""Serves the page from an origin of its own: as static files, without Django."""

from __future__ import annotations

import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from example_project import PAGE
from example_project.addresses import HOST, Addresses


class PageHandler(SimpleHTTPRequestHandler):
    # What the registry of this machine says about these may be wrong.
    extensions_map = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}

    def __init__(self, *args: object, config: bytes, **kwargs: object) -> None:
        self.config = config
        super().__init__(*args, directory=str(PAGE), **kwargs)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/config.json":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(self.config)))
            self.end_headers()
            self.wfile.write(self.config)
            return
        # The page itself finds out at which of its paths it is.
        if path == "/login/callback/":
            self.path = "/index.html"
        super().do_GET()

    def log_request(self, *args: object, **kwargs: object) -> None:
        """Log nothing: the request line of a callback holds the code."""


def page_server(addresses: Addresses) -> ThreadingHTTPServer:
    config = json.dumps({"api": f"{addresses.site}/", "transport": "body"}).encode()
    return ThreadingHTTPServer((HOST, addresses.ports[1]), partial(PageHandler, config=config))
