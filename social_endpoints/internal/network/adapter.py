"""The adapter of requests for providers: shared TLS contexts, time limits and one retry."""

from __future__ import annotations

import math
import os
import re
import time
from functools import lru_cache, partial
from http.client import HTTPConnection
from pathlib import Path
from ssl import CERT_NONE, CERT_REQUIRED, SSLContext
from threading import Lock
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, ProtocolError, ProxyError
from urllib3.util import Timeout
from urllib3.util.ssl_ import create_urllib3_context

from social_endpoints.internal.network.reading import BoundedBody, ResponseReader

MAX_CONTEXTS = 32

_KEEP_ALIVE = re.compile(r"\btimeout\s*=\s*(\d{1,6})\b", re.IGNORECASE)
_contexts_lock = Lock()


class ProviderAdapter(HTTPAdapter):
    """Sends the requests of one login at a time."""

    deadline = 0.0
    """The end of the current login's time, by ``time.monotonic()``."""

    repeats_get = False
    """Whether a GET may be sent again if there is no response."""

    is_reusable = True
    """Whether the connections may serve another login."""

    max_idle = math.inf
    """Seconds for which the provider keeps an idle connection open, less a margin."""

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Send a request, and once more if the provider cannot have acted on it."""
        timeout = kwargs.pop("timeout", None)
        send: Any = partial(super().send, request, *args, **kwargs)
        response: requests.Response
        try:
            response = send(timeout=self._remaining(timeout))
        except requests.ConnectionError as error:
            if not self._may_repeat(request, error):
                raise
            response = send(timeout=self._remaining(timeout))
        return response

    def _remaining(self, timeout: Any) -> Any:
        total = self.deadline - time.monotonic()
        if total <= 0:
            raise requests.Timeout("The time limit is exceeded.")
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        return Timeout(total=total, connect=connect, read=read)

    def _may_repeat(
        self, request: requests.PreparedRequest, error: requests.RequestException
    ) -> bool:
        cause = next(iter(error.args), None)
        if isinstance(cause, MaxRetryError):
            return isinstance(cause.reason, (ConnectTimeoutError, ProxyError))
        # A safe method may be repeated if there is no response (RFC 9110 section 9.2.2).
        is_closed = isinstance(cause, ProtocolError) and isinstance(cause.args[-1], ConnectionError)
        return is_closed and self.repeats_get and request.method == "GET"

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        body: Any = BoundedBody(resp)
        response = super().build_response(req, body)
        if response.status_code < 200:
            # http.client returns it, and the final response is yet to come (section 15.2).
            self.is_reusable = False
        # A request that is sent while the provider closes the connection is lost.
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
        # With the context above, urllib3 would parse the CA bundle for every connection.
        if conn.proxy is not None and conn.proxy.scheme == "https":
            verify_proxy: Any = super().cert_verify  # It is not typed.
            verify_proxy(conn, url, verify, cert)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        connection_class = pool.ConnectionCls
        if isinstance(connection_class, partial):
            return pool
        if issubclass(connection_class, HTTPConnection):
            pool.ConnectionCls = partial(self._connection, connection_class)
        else:  # A replacement of urllib3: surplus bytes would not be noticed.
            self.is_reusable = False
        return pool

    def _connection(self, connection_class: Any, **kwargs: Any) -> Any:
        connection = connection_class(**kwargs)
        response_class = connection.response_class

        def read(sock: Any, *args: Any, **kwargs: Any) -> Any:
            return response_class(ResponseReader(connection, sock, self.deadline), *args, **kwargs)

        connection.response_class = read
        return connection


def tls_context(verify: Any) -> SSLContext:
    """Return the shared TLS context for ``verify``, an argument of ``requests.request()``.

    To parse a CA bundle takes longer than everything else in a login, so it is only parsed
    when it is first needed and when it has changed.

    :raises OSError: the bundle cannot be read.
    """
    if not verify:
        return _context(None, None)
    path = DEFAULT_CA_BUNDLE_PATH if verify is True else os.fspath(verify)
    state = Path(path).stat()
    with _contexts_lock:  # At the start of a process, many threads need the same one.
        return _context(path, (state.st_ino, state.st_mtime_ns, state.st_size))


@lru_cache(MAX_CONTEXTS)
def _context(path: str | None, version: object) -> SSLContext:
    context: SSLContext = create_urllib3_context(cert_reqs=CERT_REQUIRED if path else CERT_NONE)
    if path:
        context.load_verify_locations(**{"capath" if Path(path).is_dir() else "cafile": path})
    return context
