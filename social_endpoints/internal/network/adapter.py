"""requests' adapter for providers, with shared TLS contexts, limits, and one retry."""

from __future__ import annotations

import codecs
import math
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache, partial
from http.client import HTTPConnection, IncompleteRead
from io import BufferedReader, RawIOBase
from pathlib import Path
from ssl import CERT_NONE, CERT_REQUIRED, SSLContext, SSLEOFError
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import exceptions
from urllib3.util import Timeout
from urllib3.util.ssl_ import create_urllib3_context

from social_endpoints.internal.network.public_hosts import PublicHosts

MAX_BYTES = 1_000_000
"""Maximum size of the body of one response, after decompression."""

MAX_HEADERS = 65_536
"""Characters of all headers of one response."""

MAX_CONTEXTS = 32
"""Maximum number of shared TLS contexts, one for each CA bundle. If there are more, all are
forgotten."""

_SLOW_ENCODINGS = frozenset({"idna", "punycode"})  # Quadratic: minutes for a megabyte.

_contexts: dict[tuple[str | None, object], SSLContext] = {}

_KEEP_ALIVE = re.compile(r"\btimeout\s*=\s*(\d{1,6})\b", re.IGNORECASE)


class MalformedResponse(requests.RequestException):
    """The response exceeds a limit, or cannot be followed or decoded."""


class BoundedBody:
    """urllib3's response, with a limit on the body that requests reads from it.

    ``ends_with_connection`` is whether the end of the connection ends the body (RFC 9112 section
    6.3, rule 8). Then a body that is cut off looks like a complete one.
    """

    def __init__(self, raw: Any, *, ends_with_connection: bool) -> None:
        self._raw, self.ends_with_connection = raw, ends_with_connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, size: int, decode_content: bool | None = None) -> Iterator[bytes]:
        total = 0
        try:
            for piece in self._raw.stream(size, decode_content=decode_content):
                total += len(piece)
                if total > MAX_BYTES:
                    self._raw.close()
                    raise MalformedResponse(f"The body is larger than {MAX_BYTES} bytes.")
                yield piece
        except exceptions.DecodeError as error:
            if self.ends_with_connection:
                raise exceptions.ProtocolError("The connection was closed.", error) from error
            raise

    def read(self, **options: Any) -> bytes:
        # requests calls this if it cannot decode the body of a redirect, and would read all of it.
        self._raw.close()
        return b""


class ResponseReader(RawIOBase):
    """Reads one response from a socket. http.client uses it in place of the socket.

    http.client takes the end of the connection for the end of the headers, and urllib3 for the end
    of a chunk's size or of the trailers. This class raises :class:`http.client.IncompleteRead`. As
    http.client does, it returns an empty response if the connection ends before the first byte.

    :param connection: the connection of the socket.
    :param deadline: when reading must end, by ``time.monotonic()``.
    """

    def __init__(self, connection: Any, sock: Any, deadline: float) -> None:
        self._connection, self._sock, self._deadline = connection, sock, deadline
        self._file: RawIOBase = sock.makefile("rb", buffering=0)
        self._timeout = sock.gettimeout() or math.inf
        self._has_begun = self._has_ended = False
        self.may_end = False  # Whether the end of the connection ends the body.

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
        received = self._file.readinto(buffer)
        if received == 0 and self._has_begun and not self.may_end:
            raise IncompleteRead(b"")
        self._has_begun = True
        return received

    def end(self, buffer: BufferedReader) -> None:
        """Close the connection if the server has sent more than the response.

        Before urllib3 uses a connection again, it checks that the socket has received nothing. It
        does not see bytes that were already read or decrypted.
        """
        self._has_ended = True
        # TLS within TLS is not a socket, and its buffers cannot be examined.
        is_examinable = isinstance(self._sock, socket.socket)
        pending = getattr(self._sock, "pending", int)  # Only TLS sockets have it.
        if not is_examinable or buffer.peek() or pending():
            self._connection.close()

    def close(self) -> None:
        super().close()
        self._file.close()


class _Buffer(BufferedReader):
    """The buffer of http.client around a :class:`ResponseReader`, which it ends on closing."""

    raw: ResponseReader

    def close(self) -> None:
        self.raw.end(self)
        super().close()


class _SocketOptions(list[Any]):
    """Socket options that enforce the deadline of a login.

    urllib3 iterates over them before it tries each address of a host, which may have many.
    """

    adapter: ProviderAdapter

    def __iter__(self) -> Iterator[Any]:
        if time.monotonic() >= self.adapter.deadline:
            raise TimeoutError("The time limit is exceeded.")
        return super().__iter__()


class ProviderAdapter(HTTPAdapter):
    """Sends the requests of one login at a time."""

    deadline = 0.0  # The end of the current login, by time.monotonic().
    repeats_get = False  # Whether a GET without a response is sent again.
    is_reusable = True  # Whether another login may use this adapter.
    hosts: PublicHosts | None = None  # Restricts the hosts; None if the project has chosen them.
    ends_with_connection = False  # Whether the end of the connection ends the current body.
    max_idle = math.inf  # Seconds for which the provider keeps connections open, less a margin.

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send a request, and once more if the provider cannot have acted on it."""
        timeout, self.ends_with_connection = kwargs.pop("timeout", None), False
        if self.hosts:  # Names are looked up when the connection is opened.
            self.hosts.require_public(str(request.url), looks_up=False)
        send: Callable[..., requests.Response] = partial(super().send, request, *args, **kwargs)
        try:
            return send(timeout=self._remaining(timeout))
        except requests.ConnectionError as error:
            if not self._may_repeat(request, error):
                raise
        return send(timeout=self._remaining(timeout))

    def _remaining(self, timeout: Any) -> Any:
        total = self.deadline - time.monotonic()
        if total <= 0:
            raise requests.Timeout("The time limit is exceeded.")
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        # The connect timeout applies to TCP and once more to the TLS handshake.
        return Timeout(total=total, connect=min(connect, total / 2), read=read)

    def _may_repeat(
        self, request: requests.PreparedRequest, error: requests.RequestException
    ) -> bool:
        cause = next(iter(error.args), None)
        if isinstance(cause, exceptions.MaxRetryError):
            cause = cause.reason
        if isinstance(cause, exceptions.ProxyError):  # Also if the provider has closed it.
            cause = cause.original_error
        if isinstance(cause, exceptions.ConnectTimeoutError):
            return True
        if isinstance(cause, (exceptions.ProtocolError, exceptions.SSLError)):
            cause = cause.args[-1]
        # A safe method may be repeated if there is no response (RFC 9110 section 9.2.2).
        is_closed = isinstance(cause, (ConnectionError, SSLEOFError))
        return is_closed and self.repeats_get and request.method == "GET"

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        if len(str(resp.headers)) > MAX_HEADERS:  # requests parses the cookies.
            resp.close()
            raise MalformedResponse(f"The headers are longer than {MAX_HEADERS} characters.")
        body: Any = BoundedBody(resp, ends_with_connection=self.ends_with_connection)
        response = super().build_response(req, body)
        with suppress(LookupError, ValueError):  # An unknown encoding.
            if codecs.lookup(response.encoding or "utf-8").name in _SLOW_ENCODINGS:
                response.encoding = None
        if response.status_code < 200:
            # An interim response. The final one is still to come (RFC 9110 section 15.2).
            self.is_reusable = False
        # The margin prevents a request while the provider closes the connection.
        if keep_alive := _KEEP_ALIVE.search(response.headers.get("Keep-Alive", "")):
            seconds = int(keep_alive[1])
            self.max_idle = min(self.max_idle, seconds - min(1, seconds / 2))
        return response

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        try:
            return host, {"ssl_context": tls_context(verify)} if host["scheme"] == "https" else {}
        except OSError as error:
            raise requests.exceptions.SSLError(error) from error

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        # urllib3 would load the CA bundle again into the shared context for every connection.
        if conn.proxy is not None and conn.proxy.scheme == "https":
            verify_proxy: Any = super().cert_verify  # It is not typed.
            verify_proxy(conn, url, verify, cert)

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> Any:
        pool: Any = super().get_connection_with_tls_context(request, *args, **kwargs)
        connection_class = pool.ConnectionCls
        if self.hosts and pool.proxy is not None:
            # A name that only the proxy can resolve is accepted: the proxy decides about it.
            self.hosts.require_public(str(request.url), looks_up=True)
        if isinstance(connection_class, partial):
            return pool
        if issubclass(connection_class, HTTPConnection):
            pool.ConnectionCls = partial(self._create_connection, connection_class)
        else:  # It replaces urllib3's, and surplus bytes are not noticed.
            self.is_reusable = False
            if self.hosts:
                raise requests.exceptions.InvalidURL("The address cannot be checked.")
        return pool

    def _create_connection(self, connection_class: Any, **kwargs: Any) -> Any:
        connection = _with_reader(connection_class)(**kwargs)
        connection.socket_options = _SocketOptions(connection.socket_options or ())
        connection.adapter = connection.socket_options.adapter = self
        return connection


class _ProviderConnection:
    """A mixin for urllib3's connections, which read with :class:`ResponseReader`."""

    adapter: ProviderAdapter
    reader: ResponseReader

    def connect(self) -> None:
        """Connect to the host or, if hosts are restricted, to an address that is checked."""
        connection: Any = self
        if self.adapter.hosts is None or connection.proxy is not None:
            return self._connect()
        name = connection.host
        *others, last = self.adapter.hosts.addresses(name, connection.port)
        # TLS needs the name for the certificate, and http.client for the header.
        connection.server_hostname = name
        try:
            for connection.host in others:
                with suppress(exceptions.NewConnectionError, exceptions.ConnectTimeoutError):
                    return self._connect()
            connection.host = last
            return self._connect()
        finally:
            connection.host = name

    def _connect(self) -> None:
        connection: Any = super()  # urllib3's class is the next base.
        connection.connect()

    def response_class(self, sock: Any, *args: Any, **kwargs: Any) -> Any:
        self.reader = ResponseReader(self, sock, self.adapter.deadline)
        response_class: Any = HTTPConnection.response_class
        return response_class(self.reader, *args, **kwargs)

    def getresponse(self) -> Any:
        """Read the status line and the headers."""
        connection: Any = super()
        response = connection.getresponse()
        has_end = response.length_remaining is not None or response.chunked
        self.reader.may_end = self.adapter.ends_with_connection = not has_end
        return response


@lru_cache(8)
def _with_reader(connection_class: Any) -> Any:
    return type(connection_class.__name__, (_ProviderConnection, connection_class), {})


def tls_context(verify: Any) -> SSLContext:
    """Return the shared TLS context for ``verify``, an argument of ``requests.request()``.

    Parsing a CA bundle takes longer than everything else in a login, so a bundle is only parsed
    on its first use and after a change.

    :raises OSError: the bundle cannot be read.
    """
    path = state = None
    if verify:
        path = DEFAULT_CA_BUNDLE_PATH if verify is True else os.fspath(verify)
        stat = Path(path).stat()
        state = stat.st_ino, stat.st_mtime_ns, stat.st_size
    context = _contexts.get((path, state))
    if context is None:
        if len(_contexts) >= MAX_CONTEXTS:
            _contexts.clear()
        # A lock could be held by a thread that does not exist in a forked child. Threads that
        # parse a bundle at the same time all use the first context.
        context = _contexts.setdefault((path, state), _create_context(path))
    return context


def _create_context(path: str | None) -> SSLContext:
    context: SSLContext = create_urllib3_context(cert_reqs=CERT_REQUIRED if path else CERT_NONE)
    if path:
        context.load_verify_locations(**{"capath" if Path(path).is_dir() else "cafile": path})
    return context
