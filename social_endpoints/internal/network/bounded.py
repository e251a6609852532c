"""Connections that end when the time is up, whatever they are doing."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from threading import Timer
from typing import Any

from requests.adapters import HTTPAdapter


class BoundedAdapter(HTTPAdapter):
    """Ends all of its connections when the time is up.

    The time limit of requests is for each read, and a server may send a byte at a time.

    :param seconds: how long everything may take: connections, headers and bodies.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._sockets: list[socket.socket] = []
        self._ends = time.monotonic() + seconds
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    @property
    def is_over(self) -> bool:
        """Say whether the time is up."""
        return time.monotonic() >= self._ends

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool whose connections are kept in mind."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        remember = self._remember

        class Remembered(pool.ConnectionCls):  # type: ignore[misc]  # the pool's own, Any to mypy
            def _new_conn(self) -> socket.socket:
                connected: socket.socket = super()._new_conn()
                remember(connected)
                return connected

        pool.ConnectionCls = Remembered
        return pool

    def close(self) -> None:
        """Close what is left."""
        super().close()
        self._timer.cancel()
        for each in self._sockets:
            each.close()

    def _remember(self, connected: socket.socket) -> None:
        # A copy, because TLS takes the socket itself over.
        self._sockets.append(connected.dup())
        if self.is_over:  # The call was answered too late for the timer.
            self._end()

    def _end(self) -> None:
        for each in self._sockets:
            with suppress(OSError):  # It has ended by itself.
                each.shutdown(socket.SHUT_RDWR)
