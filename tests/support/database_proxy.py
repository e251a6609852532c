"""A TCP proxy in front of the tests' database, which cuts connections."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

PORTS = {"postgresql": 5432, "mysql": 3306}


class DatabaseProxy:
    """A proxy at 127.0.0.1 that cuts a connection when the client sends a word.

    :ivar word: the next query with it is the last one of its connection, as bytes.
    :ivar forwards: whether the database still receives that query.
    """

    def __init__(self, vendor: str, host: str, port: str | int) -> None:
        self._target = (host or "127.0.0.1", int(port or PORTS[vendor]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.word: bytes | None = None
        self.forwards = True
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                for way in ((client, server), (server, client)):
                    threading.Thread(target=self._relay, args=way, daemon=True).start()

    def _relay(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65_536):
                if self.word is not None and self.word in content:
                    self.word = None
                    self._cut(source, target, content)
                    return
                target.sendall(content)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _cut(self, client: socket.socket, server: socket.socket, content: bytes) -> None:
        """Close the client's connection, and wait until the database has ended the query."""
        client.shutdown(socket.SHUT_RDWR)
        if self.forwards:
            server.sendall(content)
        server.shutdown(socket.SHUT_WR)
