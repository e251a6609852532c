"""An OAuth 2 provider on a real socket, whose behaviour on the wire a test can choose."""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

LogIn = Callable[..., Any]
PassTime = Callable[[float], None]


class Closed(Exception):
    """The client has closed the connection."""


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass
class Connection:
    """One connection, as the provider sees it. ``number`` starts at 1."""

    provider: Provider
    sock: socket.socket
    number: int

    def read(self) -> Request:
        head = self._read_head()
        first, *lines = head.decode().split("\r\n")
        method, target, _ = first.split(" ")
        pairs = (each.partition(":") for each in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = b""
        while len(body) < int(headers.get("content-length", 0)):
            body += self._receive(65_536)
        request = Request(method, target, headers, body)
        self.provider.note(request)
        return request

    def answer(self, content: Any, *, status: int = 200, headers: str = "") -> None:
        self.send(response(content, status=status, headers=headers))

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        """Close the connection with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _read_head(self) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._receive(1)
        return head.removesuffix(b"\r\n\r\n")

    def _receive(self, length: int) -> bytes:
        try:
            received = self.sock.recv(length)
        except OSError as error:
            raise Closed from error
        if not received:
            raise Closed
        return received


def send_instead(data: bytes) -> Callable[[Connection], None]:
    """Return a behaviour that answers a request with some bytes."""
    return lambda connection: connection.send(data)


def drip(start: bytes, rest: bytes) -> Callable[[Connection], None]:
    """Return a behaviour that sends some bytes at once and the others slowly."""

    def serve(connection: Connection) -> None:
        connection.read()
        connection.send(start)
        for position in range(1000):
            connection.send(rest[position : position + 1])
            time.sleep(0.05)

    return serve


def response(content: Any, *, status: int = 200, headers: str = "") -> bytes:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    head = f"HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n{headers}\r\n".encode() + body


@dataclass
class Provider:
    """An OAuth 2 provider at 127.0.0.1.

    :param on_connection: serves a connection. By default it answers all requests.
    :param special: serves the requests for a path in place of the default response.
    """

    context: ssl.SSLContext | None = None
    on_connection: Callable[[Connection], None] | None = None
    special: dict[str, Callable[[Connection], None]] = field(default_factory=dict)
    headers: str = ""
    port: int = 0
    users: dict[str, str] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    received: list[Request] = field(default_factory=list)
    connections: int = 0
    handshakes: int = 0
    open: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
        self.port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    @property
    def round_trips(self) -> int:
        """Round trips so far: of TCP, of TLS 1.3 and of HTTP."""
        return self.connections + self.handshakes + sum(self.requests.values())

    def note(self, request: Request) -> None:
        with self._lock:
            self.received.append(request)
            self.requests[f"{request.method} {request.path}"] += 1

    def grant(self, user: str = "1") -> str:
        code = secrets.token_urlsafe(8)
        self.users[code] = user
        return code

    def serve(self, connection: Connection, requests: int = 1_000_000) -> None:
        """Answer a number of requests on a connection."""
        for _ in range(requests):
            request = connection.read()
            if request.path in self.special:
                self.special[request.path](connection)
            else:
                status, content = self.answer_to(request)
                connection.answer(content, status=status, headers=self.headers)

    def answer_to(self, request: Request) -> tuple[int, Any]:
        """Return the status and the content of the answer to a request."""
        if request.path == "/token":
            form = request.body.decode() or request.target.partition("?")[2]
            with self._lock:
                user = self.users.pop(parse_qs(form)["code"][0], None)
            if user is None:
                return 400, {"error": "invalid_grant"}
            return 200, {"access_token": f"token-{user}", "token_type": "bearer"}
        if request.path == "/user":
            user = request.headers["authorization"].rpartition("token-")[2]
            return 200, {"id": user, "login": f"user{user}"}
        return 404, {}

    def stop(self) -> None:
        with suppress(OSError):  # Otherwise the thread in accept() would keep the address.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=[sock], daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            number = self.connections
            self.open += 1
            self._sockets.append(sock)
        try:
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
                with self._lock:
                    self.handshakes += 1
                    self._sockets.append(sock)
            (self.on_connection or self.serve)(Connection(self, sock, number))
        except (Closed, OSError):
            pass
        finally:
            sock.close()
            with self._lock:
                self.open -= 1
