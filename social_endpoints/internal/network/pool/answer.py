"""How an answer is read: by the deadline, and never again where it may have been given."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any

from social_endpoints.internal.network.deadline import within
from social_endpoints.internal.network.pool import delivery

if TYPE_CHECKING:
    from social_endpoints.internal.network.pool.connection import KeptConnection


_is_good_once: ContextVar[bool] = ContextVar("is_good_once", default=False)


@contextmanager
def good_once(is_it: bool) -> Iterator[None]:
    """Have a request inside repeated less easily, if what is in it is good once.

    A reset tells little of a request in one part: the other side's system may not have come to
    acknowledge what was read. Where head and body are two, Linux does so when they are read.
    """
    token = _is_good_once.set(is_it)
    try:
        yield
    finally:
        _is_good_once.reset(token)


class Unprocessed(ConnectionResetError):
    """The provider has closed a connection, and has not read the request that was sent on it."""


class Answer(HTTPResponse):
    """An answer on a connection that is kept.

    :param connection: the one it comes on.
    :param sock: that connection's.
    """

    def __init__(self, connection: KeptConnection, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._connection = connection
        self._sock = sock
        self.fp = Buffer(Reader(connection, sock, self.fp.detach()))

    def begin(self) -> None:
        """Read the headers, and note what they say of the connection.

        :raises Unprocessed: they say that no request has come, and the request is unread.
        """
        super().begin()
        if self.status == 408 and self._connection.is_reused and delivery.is_unread(self._sock):
            # It has crossed the request on its way (RFC 9110 section 15.5.9).
            raise Unprocessed
        self._connection.keep_as(self.headers)
        if self.status < 200:
            # http.client takes it for the answer, which is yet to come (RFC 9110 section 15.2).
            self._connection.ends = 0.0


class Buffer(BufferedReader):
    """What has come of an answer, and has not been asked for yet."""

    raw: Reader

    def close(self) -> None:
        """Close, and do not keep a connection on which more has come than the answer.

        Who sends too much may go on, and that would be taken for the next answer.
        """
        self.raw.is_over = True
        if not self.closed and self.peek():
            self.raw.connection.ends = 0.0
        super().close()


class Reader(RawIOBase):
    """Reads from a connection's socket, by the deadline of this login.

    :param raw: reads from the socket, however long that takes.
    """

    def __init__(self, connection: KeptConnection, sock: Any, raw: RawIOBase) -> None:
        self.connection = connection
        self.is_over = False
        """Whether nothing more is to be read."""
        self._sock = sock
        self._raw = raw
        self._patience = connection.timeout or math.inf
        self._has_begun = False

    def readable(self) -> bool:
        """Say that it can be read from."""
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        """Read what there is into a buffer, and return how many bytes that were.

        :raises Unprocessed: the connection has ended, and the request may be sent again.
        :raises TimeoutError: nothing has come in time.
        """
        if self.is_over:
            return 0
        self._sock.settimeout(within(self._patience))
        if self._has_begun or not self.connection.is_reused:
            # On a new connection the provider has meant this request.
            return self._raw.readinto(buffer)
        try:
            # TLS answers an end that nobody has announced, and is not let near one.
            has_ended = delivery.has_ended(self._sock)
            unacknowledged = delivery.unacknowledged(self._sock)
            count = 0 if has_ended else self._raw.readinto(buffer)
        except ConnectionError as error:
            if delivery.unacknowledged(self._sock) and not _is_good_once.get():
                raise Unprocessed from error
            raise
        if count == 0:
            # If TLS has said something, that is what is not acknowledged.
            is_as_before = unacknowledged == delivery.unacknowledged(self._sock)
            if is_as_before and delivery.is_unread(self._sock):
                raise Unprocessed
        self._has_begun = True
        return count

    def close(self) -> None:
        """Close, and let go of the socket."""
        super().close()
        self._raw.close()
