"""The bench: provider, proxy and sites, each started when it is asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.browser import Browser
from benchmarks.peers import Peer
from benchmarks.processes import process, run
from benchmarks.proxy import Proxy, proxy_to

# What the project's setting is by itself.
IDLE = 50


@dataclass(frozen=True)
class Site:
    """One worker process of a peer's site."""

    peer: Peer
    port: int

    def requests(self) -> list[dict[str, Any]]:
        """Return path, CPU seconds and statements of each request since last asked."""
        return self._control("requests")

    def cpu(self) -> float:
        """Return the process' CPU seconds since its start."""
        return self._control("process")["cpu"]

    def memory(self) -> int | None:
        """Return the bytes that the process holds."""
        return self._control("process")["memory"]

    def database(self) -> dict[str, int]:
        """Return ``rows`` and ``bytes`` of all tables."""
        return self._control("database")

    def versions(self) -> dict[str, str]:
        return self._control("versions")

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Note the statements of requests meanwhile, which takes CPU time."""
        self._control("count")
        try:
            yield
        finally:
            self._control("count-no-more")

    def _control(self, what: str) -> Any:
        return Browser(self.port).get(f"/-/{what}").json()


@dataclass(frozen=True)
class Provider:
    """The provider, and the way there."""

    proxy: Proxy
    control: int
    bundle: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.proxy.port}"

    def counts(self) -> Counter[str]:
        """Return what it has counted since its start."""
        return Counter(Browser(self.control).get("/").json())

    def sign_in(self, asked: dict[str, str], user: str) -> str:
        """Return the code with which a user comes back."""
        return Browser(self.control).post_json("/", {**asked, "user": user}).json()


class Bench:
    """Starts sites beside one provider.

    :param data: an empty folder for databases, certificates and logs.
    :param database: ``"sqlite"`` or ``"postgresql"``.
    :param python: which interpreter a peer runs with.
    """

    def __init__(
        self,
        provider: Provider,
        data: Path,
        python: Callable[[Peer], Path],
        *,
        database: str = "sqlite",
    ) -> None:
        self.provider = provider
        self._data = data
        self._python = python
        self._database = database
        self._prepared: list[Peer] = []

    @contextmanager
    def sites(
        self, peers: Sequence[Peer], *, shared_cache: bool = False, idle: int = IDLE
    ) -> Iterator[list[Site]]:
        """Start one new process for each peer. Processes of one peer share the database.

        :param shared_cache: they share a cache as well.
        :param idle: the seconds after which the project closes a kept connection.
        """
        with ExitStack() as stack:
            yield [stack.enter_context(self._site(peer, shared_cache, idle)) for peer in peers]

    @contextmanager
    def _site(self, peer: Peer, shared_cache: bool, idle: int) -> Iterator[Site]:
        variables = {**self._variables(peer), "BENCHMARK_HTTP_POOL_IDLE": str(idle)}
        if shared_cache:
            variables["BENCHMARK_SHARED_CACHE"] = str(self._data / f"{peer.name}.cache")
        if peer not in self._prepared:
            run(self._python(peer), "benchmarks.site.prepare", variables=variables)
            self._prepared.append(peer)
        log = self._data / f"{peer.name}.log"
        python, module = self._python(peer), "benchmarks.site.serve"
        with process(python, module, log=log, variables=variables) as line:
            yield Site(peer, int(line))

    def drop_databases(self) -> None:
        for peer in self._prepared:
            python, module = self._python(peer), "benchmarks.site.prepare"
            run(python, module, "drop", variables=self._variables(peer))

    def _variables(self, peer: Peer) -> dict[str, str]:
        database = f"postgresql:social_endpoints_benchmark_{peer.name}"
        if self._database == "sqlite":
            database = str(self._data / f"{peer.name}.sqlite3")
        return {
            "BENCHMARK_PEER": peer.site,
            "BENCHMARK_PROVIDER": self.provider.url,
            "BENCHMARK_DATABASE": database,
            "REQUESTS_CA_BUNDLE": str(self.provider.bundle),
            **peer.variables,
        }


@contextmanager
def provider_with(python: Path, data: Path) -> Iterator[Provider]:
    """Run the provider and the proxy before it.

    :param python: an interpreter that has cryptography, PyJWT and certifi.
    """
    bundle, log = data / "authorities.pem", data / "provider.log"
    files = (str(data / "certificate.pem"), str(bundle))
    with process(python, "benchmarks.provider", *files, log=log, variables={}) as line:
        ports = json.loads(line)
        with proxy_to(ports["tls"]) as proxy:
            yield Provider(proxy, ports["control"], bundle)
