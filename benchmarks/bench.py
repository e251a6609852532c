"""The processes of a run: the provider, and a site for each peer."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import venv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.browser import Browser, Response
from benchmarks.peers import Peer

ROOT = Path(__file__).parent.parent
DATA = ROOT / ".benchmarks"
STOPPED_WITHIN = 10
_numbers = count()


def install(peer: Peer) -> Path:
    """Return the Python of a peer's virtual environment, which the first run creates."""
    directory = DATA / "environments" / peer.site
    python = directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = directory / "installed.sha256"
    parts = [sys.version, str(ROOT), *peer.requirements, (ROOT / "pyproject.toml").read_text()]
    fingerprint = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != fingerprint:
        print(f"Installing {peer.site} in {directory} …", flush=True)
        venv.create(directory, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *peer.requirements], cwd=ROOT, check=True)
        stamp.write_text(fingerprint)
    return python


@dataclass(frozen=True)
class Provider:
    """The provider, which is controlled by lines of JSON."""

    url: str
    bundle: Path
    _process: subprocess.Popen[str]

    def counts(self) -> Counter[str]:
        """Return the number of requests and of connections since the start."""
        return Counter(self._call({}))

    def authorize(self, query: Mapping[str, str], user: str) -> str:
        """Return the code for an authorization request that a user allows."""
        return str(self._call({**query, "user": user}))

    def _call(self, content: Mapping[str, str]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(content), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


@dataclass(frozen=True)
class Site:
    """One worker process of a peer's site."""

    peer: Peer
    port: int

    def log_in(
        self,
        provider: Provider,
        user: str = "returning",
        *,
        seconds_at_provider: float = 0,
        counted: bool = False,
    ) -> tuple[Response, Response]:
        """Log in with a new browser; return the responses of begin and complete.

        :param seconds_at_provider: pause between begin and complete.
        :param counted: count queries and rows, which takes CPU time.
        """
        browser = Browser(self.port, counted=counted)
        begin, query, stored = self.peer.begin(browser)
        time.sleep(seconds_at_provider)
        code = provider.authorize(query, user)
        callback = {**stored, "code": code, "state": query["state"]}
        return begin, self.peer.complete(browser, callback)


@dataclass
class Bench:
    """Starts sites beside a provider.

    :param data: an empty directory for databases and logs.
    :param pythons: the interpreter for each kind of site.
    """

    provider: Provider
    data: Path
    pythons: Mapping[str, Path]
    versions: dict[str, dict[str, str]] = field(default_factory=dict)

    @contextmanager
    def sites(self, peers: Sequence[Peer], *, idle: int = 50) -> Iterator[list[Site]]:
        """Start a new process for each peer.

        :param idle: seconds after which this project drops a silent connection.
        """
        with ExitStack() as stack:
            yield [stack.enter_context(self._site(peer, idle)) for peer in peers]

    @contextmanager
    def _site(self, peer: Peer, idle: int) -> Iterator[Site]:
        variables = {
            "BENCHMARK_PEER": peer.site,
            "BENCHMARK_PROVIDER": self.provider.url,
            "BENCHMARK_DATABASE": str(self.data / f"{peer.name}.sqlite3"),
            "BENCHMARK_HTTP_POOL": json.dumps(peer.http_pool),
            "BENCHMARK_HTTP_POOL_IDLE": str(idle),
            "REQUESTS_CA_BUNDLE": str(self.provider.bundle),
        }
        log = self.data / f"{peer.name}.log"
        with _process(self.pythons[peer.site], "benchmarks.site", log, variables) as (_, ready):
            self.versions[peer.name] = ready["versions"]
            yield Site(peer, ready["port"])


def new_user() -> str:
    """Return a name that no site knows yet."""
    return f"user-{time.time_ns()}-{next(_numbers)}"


@contextmanager
def running_provider(python: Path, data: Path) -> Iterator[Provider]:
    """Run the provider.

    :param python: an interpreter with cryptography, PyJWT and certifi.
    """
    log = data / "provider.log"
    variables = {"BENCHMARK_DATA": str(data)}
    with _process(python, "benchmarks.provider", log, variables) as (process, ready):
        yield Provider(ready["url"], Path(ready["bundle"]), process)


@contextmanager
def _process(
    python: Path, module: str, log: Path, variables: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """Run a module; yield the process and the line of JSON that it prints when it is ready.

    It ends when its standard input does.
    """
    # The sites call the provider directly, even on a machine behind a proxy.
    direct = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [python, "-m", module],
            cwd=ROOT,
            env={**os.environ, **direct, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    with process:
        assert process.stdin
        assert process.stdout
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{module} did not start:\n{log.read_text()[-2000:]}")
            yield process, json.loads(line)
        finally:
            process.stdin.close()
            try:
                process.wait(STOPPED_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
