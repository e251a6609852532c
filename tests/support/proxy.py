"""An HTTP proxy that opens tunnels (RFC 9110 section 9.3.6)."""

from __future__ import annotations

import base64
import select
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """A proxy at 127.0.0.1 that records the targets and the users.

    :param delay: seconds before each byte of the answer to CONNECT.
    """

    context: ssl.SSLContext | None = None
    delay: float = 0
    tunnels: list[str] = field(default_factory=list)
    users: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError):  # The other side has gone, or does not trust us.
            self._open_tunnel(client)

    def _open_tunnel(self, client: socket.socket) -> None:
        if self.context:
            client = self.context.wrap_socket(client, server_side=True)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        first, *lines = head.decode().split("\r\n")
        target = first.split(" ")[1]
        headers = dict(line.lower().split(": ", 1) for line in lines if line)
        self.tunnels.append(target)
        self.users.append(_user(headers.get("proxy-authorization"), head))
        host, _, port = target.partition(":")
        with client, socket.create_connection((host, int(port))) as server:
            for byte in b"HTTP/1.1 200 Connection established\r\n\r\n":
                client.sendall(bytes([byte]))
                time.sleep(self.delay)
            _relay(client, server)


def _user(header: str | None, head: bytes) -> str | None:
    if header is None:
        return None
    # Not from the header in small letters: Base64 has both.
    credentials = head.split(b"Basic ")[1].split(b"\r\n")[0]
    return base64.b64decode(credentials).decode()


def _relay(one: socket.socket, other: socket.socket) -> None:
    while True:
        for source in select.select([one, other], [], [])[0]:
            data = source.recv(65_536)  # As much as TLS has in one record.
            if not data:
                return
            (other if source is one else one).sendall(data)
