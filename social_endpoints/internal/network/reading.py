"""Reading of responses within a deadline and a size limit."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from io import BufferedReader, RawIOBase
from typing import Any

import requests

MAX_BYTES = 1_000_000
"""Size of the body of one response, after decompression."""


class MalformedResponse(requests.RequestException):
    """The response exceeds a limit, or redirects to something other than a web address."""


class BoundedBody:
    """urllib3's response, with a limit on the body that requests reads from it."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, size: int, decode_content: bool | None = None) -> Iterator[bytes]:
        total = 0
        for piece in self._raw.stream(size, decode_content=decode_content):
            total += len(piece)
            if total > MAX_BYTES:
                self._raw.close()
                raise MalformedResponse(f"The body is larger than {MAX_BYTES} bytes.")
            yield piece

    def read(self, **options: Any) -> bytes:
        # requests would read all of a redirect whose body it cannot decode.
        self._raw.close()
        return b""


class ResponseReader(RawIOBase):
    """Reads one response from a socket. http.client uses it in place of the socket.

    :param connection: the connection that the socket belongs to.
    :param deadline: the end of all reading, by ``time.monotonic()``.
    """

    def __init__(self, connection: Any, sock: Any, deadline: float) -> None:
        self._connection, self._sock, self._deadline = connection, sock, deadline
        self._file = sock.makefile("rb", buffering=0)
        self._timeout = sock.gettimeout() or deadline
        self._has_ended = False

    def makefile(self, mode: str) -> BufferedReader:
        return _Buffer(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        if self._has_ended:
            return 0
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("The time limit is exceeded.")
        self._sock.settimeout(min(remaining, self._timeout))
        count: int | None = self._file.readinto(buffer)
        return count

    def end(self, buffer: BufferedReader) -> None:
        """Close the connection if the server has sent more than the response.

        urllib3 looks at the socket before it uses a connection again. It does not see bytes
        that were read or decrypted already, after which more may come.
        """
        self._has_ended = True
        # The buffers of TLS within TLS, which is not a socket, cannot be examined.
        is_examinable = isinstance(self._sock, socket.socket)
        pending = getattr(self._sock, "pending", int)  # Only TLS sockets have it.
        if not is_examinable or buffer.peek() or pending():
            self._connection.close()

    def close(self) -> None:
        super().close()
        self._file.close()


class _Buffer(BufferedReader):
    raw: ResponseReader

    def close(self) -> None:
        self.raw.end(self)
        super().close()
