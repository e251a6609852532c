"""An HTTP client with cookies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

TIMEOUT = 60


@dataclass(frozen=True)
class Response:
    status: int
    headers: HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def figure(self, name: str) -> float:
        """Return a figure that the site has measured for this request."""
        return float(self.headers[f"X-{name}"])


class Browser:
    """A client of one port of the loopback interface; each request is a new connection."""

    def __init__(self, port: int, *, counted: bool = False) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}
        self._headers = {"X-Counted": "1"} if counted else {}

    def get(self, path: str, status: int = 200) -> Response:
        return self._send("GET", path, status)

    def post_form(self, path: str, fields: dict[str, str], status: int) -> Response:
        content_type = "application/x-www-form-urlencoded"
        return self._send("POST", path, status, urlencode(fields), content_type)

    def post_json(self, path: str, content: Any, status: int) -> Response:
        return self._send("POST", path, status, json.dumps(content), "application/json")

    def _send(
        self, method: str, path: str, status: int, body: str = "", content_type: str = ""
    ) -> Response:
        headers = {
            **self._headers,
            "Content-Type": content_type,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
        }
        connection = HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        try:
            connection.request(method, path, body, headers)
            received = connection.getresponse()
            response = Response(received.status, received.headers, received.read())
        finally:
            connection.close()
        if response.status != status:
            raise RuntimeError(f"{path}: {response.status} {response.body[:500]!r}")
        for header in response.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(header).items():
                self._cookies[name] = morsel.value
        return response
