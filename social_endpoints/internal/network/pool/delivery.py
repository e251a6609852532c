"""What the system knows of the bytes that were sent: whether the other side has them all."""

from __future__ import annotations

import select
import socket
import sys
from contextlib import suppress
from typing import Any

_WAIT = 200
"""Milliseconds to wait for a reset, which comes right behind the end it belongs to."""


def has_ended(sock: Any) -> bool:
    """Wait until something has come, leave it where it is, and say whether it is the end.

    :raises OSError: the connection is reset, or nothing has come in the time of the socket.
    """
    # A connection with TLS inside of TLS is no socket, and can have something of its own.
    is_bare = isinstance(sock, socket.socket)
    return is_bare and not socket.socket.recv(sock, 1, socket.MSG_PEEK)


def unacknowledged(sock: Any) -> int:
    """Return how many of the bytes that were sent have not been acknowledged.

    Once the other side has ended the connection they never will be: the end acknowledges all
    that had come before it (RFC 9293 section 3.10.7.4). A reset acknowledges nothing; mostly it
    answers what has found nobody. 0 where the system does not tell.
    """
    count = bytearray(4)
    with suppress(ImportError, OSError):
        # Not on Windows. In tcp(7) of Linux it is SIOCOUTQ.
        from fcntl import ioctl
        from termios import TIOCOUTQ

        ioctl(sock.fileno(), TIOCOUTQ, count)
    return int.from_bytes(count, sys.byteorder)


def is_unread(sock: Any) -> bool:
    """Say whether the other side has ended a connection and has not read what was sent."""
    return bool(unacknowledged(sock)) or is_reset(sock)


def is_reset(sock: Any) -> bool:
    """Say whether a connection that the other side has ended is reset besides.

    It is where that side has closed it with something in it that it has not read
    (RFC 2525 section 2.17), and we have sent nothing but the request.
    """
    events = []
    with suppress(AttributeError, OSError):  # Not on Windows.
        poll = select.poll()
        poll.register(sock.fileno(), 0)  # An error is told of in any case.
        events = poll.poll(_WAIT)
    return bool(events)
