"""The connections of a process to all providers, for sessions of requests."""

from __future__ import annotations

from threading import Lock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from requests.exceptions import SSLError
from requests.models import PreparedRequest
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ProtocolError
from urllib3.poolmanager import PoolManager

from social_endpoints.internal.network.pool.answer import Unprocessed
from social_endpoints.internal.network.pool.connection import kept
from social_endpoints.internal.network.pool.contexts import Contexts
from social_endpoints.internal.network.pool.idle import Idle, Stack, only_new

MAX_PROVIDERS = 128
"""Hosts, ports and ways to verify them for which idle connections are looked up."""

MAX_PROXIES = 16

if TYPE_CHECKING:
    _Pool = HTTPConnectionPool
else:
    _Pool = object


class KeptPool(_Pool):
    """A mixin above one of urllib3's classes for the connections to a provider."""

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request, and once more where the provider cannot have read it.

        That is when it has closed the connection, for having been idle, while we sent.
        """
        try:
            return super().urlopen(*args, **kwargs)
        except ProtocolError as error:
            if not isinstance(error.args[-1], Unprocessed):
                raise
        with only_new():
            return super().urlopen(*args, **kwargs)


class ProviderAdapter(HTTPAdapter):
    """Keeps connections open, and is used by all threads of a process at a time."""

    def __init__(self) -> None:
        self._idle = Idle()
        self._lock = Lock()
        self._contexts = Contexts()
        super().__init__(pool_connections=MAX_PROVIDERS, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make what has the pools of those providers that are asked without a proxy."""
        super().init_poolmanager(*args, **kwargs)
        self._keep(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Return what has the pools of those providers that are asked through a proxy."""
        with self._lock:
            if proxy not in self.proxy_manager:
                if len(self.proxy_manager) >= MAX_PROXIES:
                    self.proxy_manager.clear()
                self._keep(super().proxy_manager_for(proxy, **kwargs))
            return self.proxy_manager[proxy]

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Return what tells the pools apart: the host, and the one context for ``verify``.

        :raises requests.exceptions.SSLError: its file cannot be read, as with requests.
        """
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        # What requests makes of `verify`, which it would hand to every connection.
        made = SimpleNamespace(ca_certs=None, ca_cert_dir=None)
        read: Any = super().cert_verify
        read(made, request.url, verify, cert)
        try:
            context = self._contexts.get(made.ca_certs, made.ca_cert_dir)
        except OSError as error:
            raise SSLError(error) from error
        return host, {"ssl_context": context}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave a pool as it is: its context knows, except of a proxy that speaks TLS."""
        if conn.proxy is not None and conn.proxy.scheme == "https":
            read: Any = super().cert_verify
            read(conn, url, verify, cert)

    def _keep(self, manager: PoolManager) -> None:
        kinds: dict[str, Any] = manager.pool_classes_by_scheme
        manager.pool_classes_by_scheme = {name: self._kept(kind) for name, kind in kinds.items()}

    def _kept(self, kind: Any) -> Any:
        def stack(maxsize: int) -> Stack:
            return Stack(self._idle)

        connection = kept(kind.ConnectionCls)
        attributes = {"ConnectionCls": connection, "QueueCls": staticmethod(stack)}
        return type(kind.__name__, (KeptPool, kind), attributes)
