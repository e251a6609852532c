"""A provider that really listens, and does with its connections what it is told to."""

from __future__ import annotations

import json
import os
import secrets
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

Behaviour = Callable[["Connection"], None]


class Closed(Exception):
    """Whoever was on the other side has gone."""


@dataclass
class Request:
    """What has been asked."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path that was asked for, without its query."""
        return self.target.partition("?")[0]


@dataclass
class Connection:
    """One connection, as the provider sees it."""

    provider: Provider
    sock: socket.socket
    served: int = 0

    def read(self) -> Request:
        """Return the next request, once all of it has come."""
        head = self._read_until(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (each.partition(":") for each in lines)
        }
        body = self._read(int(headers.get("content-length", 0)))
        self.provider.note(method, target)
        return Request(method, target, headers, body)

    def answer(
        self, content: Any, *, status: int = 200, headers: str = "", more: bytes = b""
    ) -> None:
        """Send an answer, and maybe more than that."""
        body = json.dumps(content).encode()
        head = (
            f"HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{headers}\r\n"
        )
        self.sock.sendall(head.encode() + body + more)
        self.served += 1

    def wait(self) -> None:
        """Wait until something has come, and leave it where it is."""
        # What has come by TLS, too, which a socket of its own for it would not let be.
        with socket.socket(fileno=os.dup(self.sock.fileno())) as bare:
            bare.setblocking(True)
            bare.recv(1, socket.MSG_PEEK)

    def close(self) -> None:
        """Close the connection."""
        self.sock.close()

    def end(self) -> None:
        """Say that no more will come, and close then."""
        self.sock.shutdown(socket.SHUT_WR)
        self.sock.close()

    def time_out(self) -> None:
        """Say that no request has come in time (RFC 9110 section 15.5.9), and close."""
        self.answer({}, status=408, headers="Connection: close\r\n")
        self.close()

    def announce_the_end(self) -> None:
        """Send what TLS has for it (RFC 8446 section 6.1), and wait for nothing.

        OpenSSL reads what has come meanwhile, but no more than a record of it.
        """
        assert isinstance(self.sock, ssl.SSLSocket)
        self.sock.setblocking(False)
        with suppress(ssl.SSLError):
            self.sock.unwrap()

    def reset(self) -> None:
        """Break the connection off."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _read(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            data += self._some(length - len(data))
        return data

    def _read_until(self, end: bytes) -> bytes:
        data = b""
        while not data.endswith(end):
            data += self._some(1)
        return data.removesuffix(end)

    def _some(self, length: int) -> bytes:
        try:
            data = self.sock.recv(length)
        except OSError as error:
            raise Closed from error
        if not data:
            raise Closed
        return data


@dataclass
class Provider:
    """An OAuth 2 provider at 127.0.0.1.

    ``on_connection`` is what it does with a connection: by default it answers what is asked
    on it, for as long as it is asked.
    """

    context: ssl.SSLContext | None = None
    users: dict[str, str] = field(default_factory=dict)
    on_connection: Behaviour | None = None
    headers: str = ""
    padding: str = ""
    requests: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    handshakes: int = 0
    open: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
        self.port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def note(self, method: str, target: str) -> None:
        """Count a request that has come as a whole."""
        with self._lock:
            self.requests[f"{method} {target.partition('?')[0]}"] += 1

    def grant(self, user: str = "1") -> str:
        """Return a code for a user, which is good once."""
        code = secrets.token_urlsafe(8) + self.padding
        self.users[code] = user
        return code

    def serve(self, connection: Connection, requests: int = 1_000_000) -> None:
        """Answer some requests on a connection, by default all."""
        for _ in range(requests):
            request = connection.read()
            status, content = self.answer_to(request)
            connection.answer(content, status=status, headers=self.headers)

    def stop(self) -> None:
        """Close everything."""
        with suppress(OSError):
            # So that nobody waits in accept(), who would keep the address.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def answer_to(self, request: Request) -> tuple[int, Any]:
        """Return status and content of what it has to say."""
        if request.path == "/token":
            form = request.body.decode() or request.target.partition("?")[2]
            code = parse_qs(form)["code"][0]
            with self._lock:
                user = self.users.pop(code, None)
            if user is None:
                return 400, {"error": "invalid_grant"}
            return 200, {"access_token": f"token-{user}", "token_type": "bearer"}
        if request.path == "/user":
            user = request.headers["authorization"].rpartition("token-")[2]
            return 200, {
                "id": user,
                "login": f"user{user}",
                "cookie": request.headers.get("cookie"),
            }
        return 404, {}

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
            self.open += 1
            self._sockets.append(sock)
        try:
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
                with self._lock:
                    self.handshakes += 1
                    self._sockets.append(sock)
            connection = Connection(self, sock)
            if self.on_connection:
                self.on_connection(connection)
            else:
                self.serve(connection)
        except (Closed, OSError):
            pass
        finally:
            sock.close()
            with self._lock:
                self.open -= 1
