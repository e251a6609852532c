"""A client that keeps cookies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

HOST = "127.0.0.1"
TIMEOUT = 60
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def expect(self, status: int) -> None:
        """Raise RuntimeError, with the answer, where the status is another one."""
        if self.status != status:
            raise RuntimeError(f"{status} was expected and not {self.status}: {self.body[:500]!r}")


class Browser:
    """One user's; each request is a connection of its own to a port of loopback."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}

    def get(self, path: str) -> Answer:
        return self._send("GET", path)

    def post_form(self, path: str, fields: dict[str, str]) -> Answer:
        return self._send("POST", path, FORM, urlencode(fields))

    def post_json(self, path: str, content: Any) -> Answer:
        return self._send("POST", path, JSON, json.dumps(content))

    def _send(self, method: str, path: str, content_type: str = "", body: str = "") -> Answer:
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items())}
        if content_type:
            headers["Content-Type"] = content_type
        connection = HTTPConnection(HOST, self._port, timeout=TIMEOUT)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        for header in answer.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(header).items():
                self._cookies[name] = morsel.value
        return answer
